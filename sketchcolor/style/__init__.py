"""Gatys' style pass on VGG-19."""
