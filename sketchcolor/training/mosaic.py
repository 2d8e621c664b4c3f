"""Mosaics of several small pictures as training samples, to train on small figures and faces.

Most training pictures are filled by a face; most uploads show a figure from head to foot.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .view_cache import View

__all__ = ["PANELS", "border_pixels", "has_white_border", "mosaic"]

PANELS = 4  # two by two
MARGIN = 1 / 128  # white around every panel, in sides of the mosaic
WHITE_LEVEL = 244  # of 255; a border whose darkest channel exceeds this on average is white


def mosaic(views: Sequence[View]) -> View:
    """Four views as the panels of one picture; panels without a white border get a black frame.

    Args:
        views: :data:`PANELS` of them, of one even side S.

    Returns:
        A view of side S. Its palette is that of the first panel only.
    """
    side = len(views[0].lines)
    half, margin = side // 2, max(1, round(side * MARGIN))
    inner = half - 2 * margin
    colour = np.full((side, side, 3), 255, np.uint8)
    lines = np.full((side, side), 255, np.uint8)
    for panel, view in enumerate(views):
        top, left = (half * position + margin for position in divmod(panel, 2))
        window = slice(top, top + inner), slice(left, left + inner)
        for sheet, picture in ((colour, view.colour), (lines, view.lines)):
            small = cv2.resize(picture, (inner, inner), interpolation=cv2.INTER_AREA)
            if not has_white_border(view.colour):
                cv2.rectangle(small, (0, 0), (inner - 1, inner - 1), (0, 0, 0), 1)
            sheet[window] = small
    return View(colour, lines, views[0].palette, views[0].shares)


def border_pixels(image: np.ndarray) -> np.ndarray:
    """Pixels near the left, right and upper border, N×3 of H×W×3 or N of H×W.

    The lower border is left out because half figures are cut off there.
    """
    return np.concatenate([image[:, 2], image[:, -3], image[2]])


def has_white_border(colour: np.ndarray) -> bool:
    """Whether H×W×3 uint8 shows a figure on a white background."""
    return bool(border_pixels(colour).min(axis=1).mean() > WHITE_LEVEL)
