"""From the network's small colouring to a full-size picture with the artist's own lines.

The network was trained on finished pictures, so its colouring has soft dark outlines of its own.
Under the artist's crisp lines they would show as a dark halo. `colour_layer` takes them out: each
pixel near a line borrows the colour found uphill in the field of distances to the lines, and uphill
never crosses a line; each pixel under a line borrows from its nearest open pixel, so that two
regions meet in the middle of the line. `keep_lines` then multiplies the sketch on top.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image

from .specks import absorb_specks

MAX_LAYER_PIXELS = 8_000_000  # beyond, colours are laid at this size; lines hide the soft seam
REACH = 2.5  # working px: how far the network's own soft outlines spread from a line
LINE_WIDTH = 9  # working px: what is dark and wider than this is a filled area, not a line
FAINT, CLEAR = 0.04, 0.12  # darkness against the paper around it that makes a line, by the sketch
SOLID = 0.8  # darkness that hides any colour, however large the area


def colour_layer(colour: np.ndarray, sketch: Image.Image) -> Image.Image:
    """Enlarges the network's colouring to the sketch's size, with clean colour up to every line.

    Args:
        colour: uint8 h×w×3 sRGB, the network's colouring at working size, aspect as the sketch's.
        sketch: PIL image of mode L and the full size, 255 = paper.

    Returns:
        PIL image of mode RGB and the sketch's size, without lines.
    """
    return Borders(sketch, (colour.shape[1], colour.shape[0])).lay_colours(colour)


def label_layer(label: np.ndarray, sketch: Image.Image) -> np.ndarray:
    """Enlarges a label map to the sketch's size, with hard borders in the middle of lines.

    Where a jagged border leaves a few pixels apart from their part, they go to what is beside them.

    Args:
        label: int h×w in [0, 2²⁴), at working size, aspect as the sketch's.
        sketch: PIL image of mode L and the full size, 255 = paper.

    Returns:
        H×W int32.
    """
    return Borders(sketch, (label.shape[1], label.shape[0])).lay_labels(label)


def keep_lines(colour: Image.Image, sketch: Image.Image) -> Image.Image:
    """Multiplies the colour by the sketch's lightness.

    Args:
        colour: PIL image of mode RGB.
        sketch: PIL image of mode L and the same size, 255 = paper.

    Returns:
        PIL image of mode RGB: exactly (0, 0, 0) where the sketch is 0, exactly the colour where it
        is 255.

    Raises:
        ValueError: the sizes differ.
    """
    if colour.size != sketch.size:
        raise ValueError(f"The colour is {colour.size} px, the sketch {sketch.size}: resize one.")
    lightness = cv2.merge([np.asarray(sketch)] * 3)
    return Image.fromarray(cv2.multiply(np.asarray(colour), lightness, scale=1 / 255))


def line_mask(guide: np.ndarray, working_size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W, 1 on lines and solid black: darker than the paper or the filled area around.

    Args:
        guide: uint8 H×W, 255 = paper.
        working_size: (width, height) at which lines are at most :data:`LINE_WIDTH` wide.
    """
    small = cv2.resize(guide, working_size, interpolation=cv2.INTER_AREA)
    around = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((LINE_WIDTH, LINE_WIDTH), np.uint8))
    strength = np.percentile(around - small, 99) / 255  # how dark this sketch's lines are, thinned
    threshold = 255 * float(np.clip(0.4 * strength, FAINT, CLEAR))
    around = cv2.resize(around, guide.shape[::-1], interpolation=cv2.INTER_LINEAR)
    lines = cv2.subtract(around, guide) > threshold
    lines |= guide < 255 * (1 - SOLID)
    return lines.astype(np.uint8)


class Borders:
    """Where the colours beside and under the lines of a sketch are taken from.

    Args:
        sketch: PIL image of mode L.
        working_size: (width, height) of what is enlarged to the sketch's size.

    Attributes:
        size: (width, height) at which colours and labels are laid.
        scale: of this size to the working size.
    """

    def __init__(self, sketch: Image.Image, working_size: tuple[int, int]) -> None:
        self._sketch_size = width, height = sketch.size
        shrink = min(1.0, math.sqrt(MAX_LAYER_PIXELS / (width * height)))
        self.size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        guide = cv2.resize(np.asarray(sketch), self.size, interpolation=cv2.INTER_AREA)
        self.scale = math.sqrt(guide.size / (working_size[0] * working_size[1]))
        self.lines = line_mask(guide, working_size)
        self._has_lines = 0 < np.count_nonzero(self.lines) < self.lines.size
        if self._has_lines:
            self._origin = _origins(self.lines, max(1.0, REACH * self.scale))

    def lay_colours(self, colour: np.ndarray) -> Image.Image:
        """See :func:`colour_layer`."""
        method = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_CUBIC
        layer = self._spread(cv2.resize(colour, self.size, interpolation=method), soften=True)
        if self.size != self._sketch_size:
            layer = cv2.resize(layer, self._sketch_size, interpolation=cv2.INTER_LINEAR)
        return Image.fromarray(layer)

    def lay_labels(self, label: np.ndarray) -> np.ndarray:
        """See :func:`label_layer`."""
        # Labels travel as the bytes of colours.
        planes = np.ascontiguousarray(label.astype("<i4")).view(np.uint8).reshape(*label.shape, 4)
        layer = cv2.resize(planes[..., :3], self.size, interpolation=cv2.INTER_NEAREST)
        layer = self._spread(layer, soften=False)
        if self.size != self._sketch_size:
            layer = cv2.resize(layer, self._sketch_size, interpolation=cv2.INTER_NEAREST)
        padded = np.dstack([layer, np.zeros(layer.shape[:2], np.uint8)])
        return absorb_specks(np.ascontiguousarray(padded).view("<i4")[..., 0].astype(np.int32))

    def _spread(self, layer: np.ndarray, soften: bool) -> np.ndarray:
        """Carries colours from a little off the lines, or midway between two, up to the lines.

        Args:
            layer: uint8 H×W×3 of ``size``.
            soften: the seam of two regions in the middle of a line, for grey lines let it show
                through.
        """
        if not self._has_lines:
            return layer
        rgba = cv2.cvtColor(np.pad(layer, ((1, 1), (1, 1), (0, 0))), cv2.COLOR_RGB2RGBA)
        spread = rgba.view(np.uint32).ravel()[self._origin].view(np.uint8).reshape(rgba.shape)
        if soften:
            lines = np.pad(self.lines, 1, constant_values=1)
            inside = cv2.erode(lines, np.ones((3, 3), np.uint8))
            cv2.copyTo(cv2.blur(spread, (3, 3)), inside, spread)
        return cv2.cvtColor(spread[1:-1, 1:-1], cv2.COLOR_RGBA2RGB)


def _origins(lines: np.ndarray, reach: float) -> np.ndarray:
    """Flat index of the pixel that each takes its colour from, all with a frame of one pixel.

    The frame of line gives every pixel of the picture eight neighbours.

    Args:
        lines: uint8 H×W, 1 on lines.
        reach: pixels off a line from which colours are taken.
    """
    distance = cv2.distanceTransform(1 - lines, cv2.DIST_L2, cv2.DIST_MASK_5)
    lines = np.pad(lines, 1, constant_values=1)
    height = np.pad(np.minimum(distance * (255 / reach), 255).astype(np.uint8), 1)

    # Beside lines: one step to the highest neighbour, then doubled until all have arrived.
    flat_height = height.ravel()
    beside = np.flatnonzero((height < 255) & (lines == 0)).astype(np.int32)
    best, best_height = beside.copy(), flat_height[beside]
    for step_y in (-1, 0, 1):
        for step_x in (-1, 0, 1):
            neighbour = beside + np.int32(step_y * lines.shape[1] + step_x)
            neighbour_height = flat_height[neighbour]
            higher = neighbour_height > best_height
            best[higher] = neighbour[higher]
            best_height[higher] = neighbour_height[higher]
    origin = np.arange(lines.size, dtype=np.int32)
    origin[beside] = best
    for _ in range(math.ceil(math.log2(reach)) + 1):
        origin[beside] = origin[origin[beside]]

    # Under lines: from the nearest open pixel; OpenCV numbers the open pixels from 1 in some order.
    _, label = cv2.distanceTransformWithLabels(
        lines, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    open_pixel = np.empty(label.max() + 1, np.int32)
    is_open = np.flatnonzero(lines == 0)
    open_pixel[label.ravel()[is_open]] = is_open
    under = np.flatnonzero(lines)
    origin[under] = origin[open_pixel[label.ravel()[under]]]
    return origin
