"""Divides a part of a colouring by a stroke."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from ..conditions.hints import stroke_mask
from ..postprocess.compose import line_mask
from .edits import Point

__all__ = ["divide"]

TOUCHED = 0.05  # of a stroke must lie in a region; with less, it slipped over the region's line
SIDE = 512  # px, longer side at which line width is judged


def divide(
    drawing: Image.Image, label: np.ndarray, points: Sequence[Point], width: float
) -> tuple[np.ndarray, int, int]:
    """Divides the part that most of a stroke lies in.

    Of a part with lines in it, the regions between lines that the stroke touches become a part of
    their own. A stroke over all of them, or in a part without lines, is a cut: what it separates
    from the largest piece becomes a part of its own. If it separates nothing, the painted pixels
    themselves do.

    Args:
        drawing: mode L, the artist's lines.
        label: H×W int32.
        points: x, y in pixels, inside the drawing; one alone is a dot.
        width: diameter of the stroke.

    Returns:
        Another label map, the number of the part that was divided, and of the new one.

    Raises:
        ValueError: the stroke covers its part whole.
    """
    stroke = stroke_mask(points, width, drawing.size) > 0
    number = int(np.bincount(label[stroke]).argmax())
    part = label == number
    stroke &= part
    open_part = part & (line_mask(np.asarray(drawing), _small(drawing.size)) == 0)
    region = _regions(part, open_part)
    under = np.bincount(region[stroke], minlength=region.max() + 1)
    touched = np.flatnonzero(under >= max(1.0, TOUCHED * under.sum()))
    apart = part & np.isin(region, touched)
    if (apart == part).all():
        apart = _cut(part, open_part & ~stroke) if (open_part & ~stroke).any() else stroke
        if not apart.any():
            apart = stroke
    if (apart == part).all():
        raise ValueError("The stroke covers all of the part; draw it over what is to come apart.")
    new = int(label.max()) + 1
    return np.where(apart, np.int32(new), label), number, new


def _small(size: tuple[int, int]) -> tuple[int, int]:
    shrink = min(1.0, SIDE / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _cut(part: np.ndarray, left: np.ndarray) -> np.ndarray:
    """H×W bool: all of a part but the largest of the pieces that are left of it."""
    region = _regions(part, left)
    area = np.bincount(region[part])
    return part & (region != area.argmax())


def _regions(part: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """H×W int32: numbers of the connected seeds, and of the nearest for every other pixel."""
    if not seeds.any():
        return np.zeros(part.shape, np.int32)
    _, number = cv2.connectedComponents(seeds.astype(np.uint8), connectivity=4)
    _, nearest = cv2.distanceTransformWithLabels(
        (~seeds).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_pixel = np.zeros(int(nearest.max()) + 1, np.int32)
    of_pixel[nearest[seeds]] = number[seeds]
    return of_pixel[nearest]
