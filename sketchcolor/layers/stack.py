"""The layers of a colouring, from its flats, its colours and the artist's lines.

From bottom to top: paper; for each figure its flats, a shadow layer that multiplies and a light
layer that screens; all colours without lines, hidden; and the lines. Merged in this order they are
the coloured picture, within one 8-bit level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
from PIL import Image

from ..parts.colouring import PartMap
from ..postprocess.compose import keep_lines

__all__ = ["Blend", "Layer", "LayerStack", "merge", "without_paper"]

Blend = Literal["normal", "multiply", "screen"]

FIGURE_SHARE = 0.03  # of all that is drawn; smaller islands belong to the figure nearest to them
MOST_FIGURES = 8
FIGURE_GAP = 0.01  # of the longer side: islands closer than this are one figure
FIGURE_SIDE = 512  # px, longer side at which figures are told apart
WHITE = 255
DPI = (72.0, 72.0)  # what paint programs assume where nothing is said


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: as paint programs show it.
        pixels: H×W×4 uint8 sRGB with transparency that is not multiplied in.
        blend: how it is laid over what is below.
        visible: hidden layers do not take part in merging.
        group: name of the figure that it belongs to, or None.
    """

    name: str
    pixels: np.ndarray
    blend: Blend = "normal"
    visible: bool = True
    group: str | None = None


class LayerStack:
    """The layers of one colouring; they are computed when they are asked for.

    Args:
        drawing: mode L, the artist's lines.
        colours: mode RGB of its size, the colouring without lines.
        parts: of the colouring.
        dpi: horizontal and vertical resolution of the drawing, pixels per inch.
    """

    def __init__(
        self,
        drawing: Image.Image,
        colours: Image.Image,
        parts: PartMap,
        dpi: tuple[float, float] = DPI,
    ) -> None:
        self.drawing, self.colours, self.parts, self.dpi = drawing, colours, parts, dpi

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of every layer."""
        return self.drawing.size

    @property
    def label(self) -> np.ndarray:
        """H×W int32, the part of every pixel; its borders lie under the lines."""
        return self.parts.label

    @cached_property
    def picture(self) -> Image.Image:
        """Mode RGB: the colours under the artist's lines."""
        return keep_lines(self.colours, self.drawing)

    @cached_property
    def flats(self) -> np.ndarray:
        """H×W×4 uint8, one colour per part and transparent where there is blank paper."""
        alpha = np.full(len(self.parts.colours), WHITE, np.uint8)
        if (self.parts.colours[0] == WHITE).all():
            alpha[0] = 0  # blank paper
        return np.column_stack([self.parts.colours, alpha])[self.label]

    @cached_property
    def layers(self) -> list[Layer]:
        """From bottom to top."""
        height, width = self.label.shape
        ground = np.full((height, width, 4), WHITE, np.uint8)
        flats = self.flats
        base = _over_white(flats)
        colours = np.asarray(self.colours)
        shadow, light = _shadow(base, colours), _light(base, colours)
        layers = [Layer("Paper", ground)]
        figures = _figures(flats[..., 3] > 0)
        count = int(figures.max())
        for number in range(1, count + 1):
            group = "Figure" if count == 1 else f"Figure {number}"
            inside = figures == number
            for name, pixels, blend in (
                ("Flats", flats, "normal"),
                ("Shadow", shadow, "multiply"),
                ("Light", light, "screen"),
            ):
                own = pixels * inside[..., None]
                layers.append(Layer(name, own, blend, group=group))  # type: ignore[arg-type]
        layers.append(Layer("Colour", without_paper(colours, flats[..., 3] > 0), visible=False))
        ink = np.zeros((height, width, 4), np.uint8)
        ink[..., 3] = WHITE - np.asarray(self.drawing)
        return [*layers, Layer("Lines", ink)]


def merge(layers: Sequence[Layer]) -> np.ndarray:
    """The visible layers over each other, from bottom to top, as paint programs merge them.

    Args:
        layers: of one size, the first opaque.

    Returns:
        H×W×3 uint8.
    """
    result = np.zeros((*layers[0].pixels.shape[:2], 3), np.float32)
    for layer in layers:
        if not layer.visible:
            continue
        pixels = layer.pixels.astype(np.float32) / WHITE
        colour, alpha = pixels[..., :3], pixels[..., 3:]
        if layer.blend == "multiply":
            colour = result * colour
        elif layer.blend == "screen":
            colour = 1.0 - (1.0 - result) * (1.0 - colour)
        result += alpha * (colour - result)
    return np.round(result * WHITE).astype(np.uint8)


def without_paper(picture: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """A picture on white paper as one on no paper; over white it is the same within one level.

    What is white inside the figure stays white. On blank paper each pixel gets the least opacity
    that it needs, as in "colour to alpha" of paint programs, so that lines there stay soft.

    Args:
        picture: H×W×3 uint8.
        drawn: H×W bool, False on blank paper.

    Returns:
        H×W×4 uint8.
    """
    alpha = np.where(drawn, WHITE, WHITE - picture.min(2)).astype(np.float32)[..., None]
    colour = WHITE - (WHITE - picture.astype(np.float32)) * (WHITE / np.maximum(alpha, 1.0))
    return np.dstack([np.round(colour), alpha]).astype(np.uint8)


def _over_white(flats: np.ndarray) -> np.ndarray:
    return np.where(flats[..., 3:] > 0, flats[..., :3], np.uint8(WHITE))


def _shadow(base: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """What darkens H×W×3 base to the colours when multiplied; transparent where nothing does."""
    level = base.astype(np.float32)
    factor = np.minimum(colours / np.maximum(level, 1.0), 1.0)
    return _with_transparency(np.round(WHITE * factor).astype(np.uint8), neutral=WHITE)


def _light(base: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """What brightens the base to the colours when screened; transparent where nothing does."""
    dark = WHITE - base.astype(np.float32)
    kept = np.minimum((WHITE - colours.astype(np.float32)) / np.maximum(dark, 1.0), 1.0)
    return _with_transparency(np.round(WHITE * (1.0 - kept)).astype(np.uint8), neutral=0)


def _with_transparency(rgb: np.ndarray, neutral: int) -> np.ndarray:
    alpha = np.where((rgb == neutral).all(2), 0, WHITE).astype(np.uint8)
    return np.dstack([rgb, alpha])


def _figures(drawn: np.ndarray) -> np.ndarray:
    """Which figure every pixel of the page belongs to, from 1 on, largest first.

    Args:
        drawn: H×W bool, False on blank paper.
    """
    height, width = drawn.shape
    shrink = min(1.0, FIGURE_SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(drawn.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    gap = 2 * max(1, round(FIGURE_GAP * max(size))) + 1
    joined = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    _, number, stats, _ = cv2.connectedComponentsWithStats(joined)
    area = stats[1:, cv2.CC_STAT_AREA]
    large = np.flatnonzero(area >= FIGURE_SHARE * area.sum()) if len(area) else area
    large = large[np.argsort(-area[large], kind="stable")][:MOST_FIGURES]
    if len(large) < 2:
        return np.ones((height, width), np.int32)
    seeds = np.zeros(len(area) + 1, np.int32)
    seeds[large + 1] = np.arange(1, len(large) + 1)
    number = seeds[number]
    # Everything else goes to the nearest figure; OpenCV numbers the pixels of figures in its order.
    away = (number == 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(
        away, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_pixel = np.zeros(nearest.max() + 1, np.int32)
    of_pixel[nearest[away == 0]] = number[away == 0]
    return cv2.resize(of_pixel[nearest], (width, height), interpolation=cv2.INTER_NEAREST)
