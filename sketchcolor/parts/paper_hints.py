"""White hints on the ground around a figure, which tell the networks that it is white paper.

Nobody who draws on white paper marks it as white. Without such hints the networks expect a painted
ground of unknown colour, and what they say of the figure becomes less certain.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

__all__ = ["paper_hints"]

SIDE = 96  # px: the ground is looked at in this size
SPACING = 12  # px of these between two dots
RIM = 10  # px of these: dots lie this near to the rim; further in, an outline may be missing
CLEAR = 5.0  # px of these: least distance of a dot from the figure and from lines


def paper_hints(label: np.ndarray, size: Sequence[int]) -> torch.Tensor:
    """A hint map with white dots on the ground along the page's rim.

    Args:
        label: H×W int32 of :func:`sketchcolor.lineart.regions.find_regions`, 0 = paper.
        size: (height, width) of the map.

    Returns:
        1×4×height×width; without a dot where the figure fills the page.
    """
    ground = cv2.resize((label == 0).astype(np.uint8), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    room = np.pad(ground, 1, mode="edge")  # the page's rim is no line
    depth = cv2.distanceTransform(room, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    at = np.zeros((SIDE, SIDE), bool)
    at[SPACING // 4 :: SPACING, SPACING // 4 :: SPACING] = True
    at[RIM:-RIM, RIM:-RIM] = False
    dots = torch.from_numpy(np.argwhere(at & (depth >= CLEAR)))
    planes = torch.zeros(1, 4, *size)
    rows, columns = (dots * torch.tensor(size) // SIDE).unbind(1)
    planes[0, :, rows, columns] = 1.0
    return planes
