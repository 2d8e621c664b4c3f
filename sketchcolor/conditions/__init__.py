"""What a picture is coloured from besides the sketch: hints and a palette.

Each condition is made by one function that training and the page both call, so a
visitor's stroke becomes the very tensor that the network was trained on.
"""

from .batch import Conditions
from .hints import Stroke, from_strokes, reduce, simulate
from .palette import Palette, from_image

__all__ = ["Conditions", "Palette", "Stroke", "from_image", "from_strokes", "reduce", "simulate"]
