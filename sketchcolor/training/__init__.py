"""Recipes, data, losses and the training loop of ``train_accelerate.py``."""
