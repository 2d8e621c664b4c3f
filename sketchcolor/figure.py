"""Figure and paper: what a drawing's outlines enclose."""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

__all__ = ["figure_mask"]

INK = 160  # sketch levels below this are lines that hold a figure together
GAP = 0.006  # of the longer side: gaps in an outline up to this wide are closed
FEATHER = 0.004  # of the longer side: softness of a region's edge


def figure_mask(sketch: Image.Image) -> np.ndarray:
    """Where the drawing is and not the paper around it.

    Args:
        sketch: mode L, 255 = paper.

    Returns:
        H×W float32 in [0, 1], soft at the edge: 0 on what the page's rim reaches without crossing
        a line.
    """
    lines = (np.asarray(sketch) < INK).astype(np.uint8)
    long = max(sketch.size)
    gap = 2 * round(GAP * long) + 1
    closed = cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((gap, gap), np.uint8))
    # A rim of paper lets the outside flow round figures that touch the page's edge.
    page = cv2.copyMakeBorder(1 - closed, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    outside = np.zeros((page.shape[0] + 2, page.shape[1] + 2), np.uint8)
    cv2.floodFill(page, outside, (0, 0), 2)
    figure = (page[1:-1, 1:-1] != 2).astype(np.float32)
    return cv2.GaussianBlur(figure, (0, 0), max(0.5, FEATHER * long))
