"""Recipes, data, losses and the loop behind ``train_accelerate.py``."""
