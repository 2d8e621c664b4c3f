"""From the network's small colouring to a full-size picture with the artist's own lines.

The network was trained on finished pictures, so its colouring has soft dark outlines of its own.
Under the artist's crisp lines they would show as a dark halo. `colour_layer` takes them out: each
pixel near a line borrows the colour found uphill in the field of distances to the lines, and uphill
never crosses a line; each pixel under a line borrows from its nearest open pixel, so that two
regions meet in the middle of the line. `keep_lines` then multiplies the sketch on top.
"""

import math

import cv2
import numpy as np
from PIL import Image

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
    full_size = sketch.size
    shrink = min(1.0, math.sqrt(MAX_LAYER_PIXELS / (full_size[0] * full_size[1])))
    size = tuple(max(1, round(side * shrink)) for side in full_size)
    guide = cv2.resize(np.asarray(sketch), size, interpolation=cv2.INTER_AREA)
    scale = math.sqrt(guide.size / (colour.shape[0] * colour.shape[1]))
    reach = max(1.0, REACH * scale)

    lines = _line_mask(guide, working_size=(colour.shape[1], colour.shape[0]))
    distance = cv2.distanceTransform(1 - lines, cv2.DIST_L2, cv2.DIST_MASK_5)
    shrinks = scale < 1
    layer = cv2.resize(colour, size, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    if 0 < np.count_nonzero(lines) < lines.size:
        layer = _spread(layer, lines, distance, reach)
    if size != full_size:
        layer = cv2.resize(layer, full_size, interpolation=cv2.INTER_LINEAR)
    return Image.fromarray(layer)


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


def _line_mask(guide: np.ndarray, working_size: tuple[int, int]) -> np.ndarray:
    """uint8 H×W, 1 on lines and solid black: darker than the paper or the filled area around."""
    small = cv2.resize(guide, working_size, interpolation=cv2.INTER_AREA)
    around = cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((LINE_WIDTH, LINE_WIDTH), np.uint8))
    strength = np.percentile(around - small, 99) / 255  # how dark this sketch's lines are, thinned
    threshold = 255 * float(np.clip(0.4 * strength, FAINT, CLEAR))
    around = cv2.resize(around, guide.shape[::-1], interpolation=cv2.INTER_LINEAR)
    lines = cv2.subtract(around, guide) > threshold
    lines |= guide < 255 * (1 - SOLID)
    return lines.astype(np.uint8)


def _spread(layer: np.ndarray, lines: np.ndarray, distance: np.ndarray, reach: float) -> np.ndarray:
    """Carries colours from ``reach`` off the lines, or midway between two, up to the lines."""
    # A frame of line, cut off at the end, gives every pixel of the picture eight neighbours.
    rgba = cv2.cvtColor(np.pad(layer, ((1, 1), (1, 1), (0, 0))), cv2.COLOR_RGB2RGBA)
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

    spread = rgba.view(np.uint32).ravel()[origin].view(np.uint8).reshape(rgba.shape)
    # The seam of two regions is softened inside the line, for grey lines let it show through.
    cv2.copyTo(cv2.blur(spread, (3, 3)), cv2.erode(lines, np.ones((3, 3), np.uint8)), spread)
    return cv2.cvtColor(spread[1:-1, 1:-1], cv2.COLOR_RGBA2RGB)
