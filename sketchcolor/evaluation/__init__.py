"""Evaluation of models: protocols, metrics, tables and plots."""
