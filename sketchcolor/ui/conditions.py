"""Strokes and palettes as the text that programs send."""

import json
import re

import numpy as np
from PIL import ImageColor

from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette import Palette
from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.session import MAX_COLORS, MAX_POINTS
from sketchcolor.ui import texts

_SWATCH = re.compile(r"(#[0-9a-fA-F]{6})(?::(\d{0,3}\.?\d{1,9}))?")


def read_strokes(text: str) -> list[Stroke]:
    """Strokes from a JSON list of ``{"color", "width", "points"}`` in pixels of the sketch.

    Raises:
        ValueError: the text holds no strokes, or too many points.
    """
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError(texts.BROKEN_STROKES)
    strokes = [Stroke.from_dict(stroke) for stroke in listed[: MAX_POINTS + 1]]
    if sum(len(stroke.points) for stroke in strokes) > MAX_POINTS:
        raise ValueError(texts.TOO_MANY_POINTS.format(MAX_POINTS))
    return strokes


def read_palette(text: str) -> Palette:
    """A built-in palette by name, or the colours written as ``#rrggbb`` or ``#rrggbb:share``.

    Raises:
        ValueError: the text is neither.
    """
    if text.strip() in BUILT_IN:
        return built_in(text.strip())
    words = text.replace(",", " ").split()
    swatches = [swatch for word in words if (swatch := _SWATCH.fullmatch(word))]
    if len(swatches) < len(words) or not 1 <= len(swatches) <= MAX_COLORS:
        raise ValueError(texts.BROKEN_PALETTE.format(", ".join(BUILT_IN)))
    shares = np.array([float(swatch[2] or 1.0) for swatch in swatches])
    if shares.sum() == 0:
        raise ValueError(texts.NO_SHARES)
    colors = [ImageColor.getrgb(swatch[1]) for swatch in swatches]
    return Palette(np.array(colors, np.uint8), (shares / shares.sum()).astype(np.float32))


def write_palette(palette: Palette) -> str:
    """A palette as text that `read_palette` reads."""
    colors = zip(palette.to_hex(), palette.weights, strict=True)
    return " ".join(f"{color}:{share:.4f}" for color, share in colors)
