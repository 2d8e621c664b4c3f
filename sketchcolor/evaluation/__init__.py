"""Measures of colourings and the reports about them."""
