"""A colouring as layers for paint programs: flats, shadow, light and lines, apart."""
