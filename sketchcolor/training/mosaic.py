"""Pages of several small pictures, so that a network meets small figures and small faces.

Most training pictures are faces that fill them; what people upload are figures from head to foot.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from .view_cache import View

__all__ = ["PANELS", "on_paper", "page", "rim"]

PANELS = 4  # two by two
MARGIN = 1 / 128  # white round every panel, in sides of the page
PAPER = 244  # rims whose channels all exceed this are white paper


def page(views: Sequence[View]) -> View:
    """Four views as the panels of one page.

    Args:
        views: :data:`PANELS` of them, of one even side S.

    Returns:
        A view of the same side. Its palette is the first panel's and does not describe the page.
    """
    side = len(views[0].lines)
    half, margin = side // 2, max(1, round(side * MARGIN))
    inner = half - 2 * margin
    colour = np.full((side, side, 3), 255, np.uint8)
    lines = np.full((side, side), 255, np.uint8)
    for panel, view in enumerate(views):
        top, left = (half * place + margin for place in divmod(panel, 2))
        window = slice(top, top + inner), slice(left, left + inner)
        for sheet, picture in ((colour, view.colour), (lines, view.lines)):
            small = cv2.resize(picture, (inner, inner), interpolation=cv2.INTER_AREA)
            if not on_paper(view.colour):  # else it lies on the page's own
                cv2.rectangle(small, (0, 0), (inner - 1, inner - 1), (0, 0, 0), 1)
            sheet[window] = small
    return View(colour, lines, views[0].palette, views[0].shares)


def rim(image: np.ndarray) -> np.ndarray:
    """N×3 or N of H×W×3 or H×W: left, right and above; a half figure is cut off below."""
    return np.concatenate([image[:, 2], image[:, -3], image[2]])


def on_paper(colour: np.ndarray) -> bool:
    """Whether H×W×3 uint8 shows something on white paper."""
    return bool(rim(colour).min(axis=1).mean() > PAPER)
