"""Which part of a page is the drawing and which is the blank paper around it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

__all__ = ["Rooms", "figure_mask"]

SIDE = 1024  # px: larger pages are shrunk to this longer side to find their rooms
INK = 210  # grey levels below this are lines; so high that faint ones count
GAP = 0.006  # of the longer side: gaps in an outline up to this wide are closed
BALL = 0.02  # of the longer side: radius of the ball that finds rooms and fits through no gap
CORNER = 0.02  # of the longer side: a room that reaches into an upper corner this large is paper
FEATHER = 0.004  # of the longer side: softness of a region's edge


class Rooms(NamedTuple):
    """A page divided into rooms: each is what a ball covers that rolls without touching a line.

    The ball does not fit through small gaps in outlines, so the rooms on both sides of one stay
    apart (Zhang et al. 2009, trapped-ball segmentation).

    Attributes:
        number: H×W int, the room that each pixel belongs to; 0 on lines and where no ball fits.
        paper: numbers of the rooms that reach into an upper corner of the page. The lower corners
            do not count, because shoulders and legs that the page cuts off are open there.
        beside: numbers of the other rooms at the left and right rim; they may be paper or parts of
            the drawing.
    """

    number: np.ndarray
    paper: np.ndarray
    beside: np.ndarray

    @classmethod
    def of(cls, sketch: Image.Image) -> Rooms:
        """The rooms of a sketch of mode L, 255 = paper."""
        long = min(SIDE, max(sketch.size))
        small = tuple(max(1, round(side * long / max(sketch.size))) for side in sketch.size)
        levels = cv2.resize(np.asarray(sketch), small, interpolation=cv2.INTER_AREA)
        lines = (levels < INK).astype(np.uint8)
        gap, ball, corner = (max(1, round(part * long)) for part in (GAP, BALL, CORNER))
        free = 1 - cv2.morphologyEx(lines, cv2.MORPH_CLOSE, np.ones((2 * gap + 1,) * 2, np.uint8))
        _, number = cv2.connectedComponents(_centres(free, ball), connectivity=4)
        number = number.astype(np.uint16)  # what OpenCV dilates quickly
        for _ in range(2 * ball):
            grown = cv2.dilate(number, np.ones((3, 3), np.uint8)) * free
            cv2.copyTo(number, (number > 0).astype(np.uint8), grown)
            number = grown
        paper = np.union1d(number[:corner, :corner], number[:corner, -corner:])
        beside = np.setdiff1d(np.union1d(number[:, 0], number[:, -1]), paper)
        number = cv2.resize(number, sketch.size, interpolation=cv2.INTER_NEAREST)
        return cls(number.astype(int), *(n[n > 0].astype(int) for n in (paper, beside)))

    def outside(self, *more: int) -> np.ndarray:
        """H×W float32 in [0, 1]: 1 on paper and in the rooms with these numbers, soft at edges."""
        place = np.isin(self.number, [*self.paper, *more]).astype(np.float32)
        return cv2.GaussianBlur(place, (0, 0), max(0.5, FEATHER * max(place.shape)))


def figure_mask(sketch: Image.Image) -> np.ndarray:
    """The mask of the drawing: 1 on it and 0 on the paper around it.

    Args:
        sketch: mode L, 255 = paper.

    Returns:
        H×W float32 in [0, 1], soft at the edge.
    """
    return 1.0 - Rooms.of(sketch).outside()


def _centres(free: np.ndarray, radius: int) -> np.ndarray:
    """H×W of 0 or 1: where a ball's centre fits into free space, which goes on beyond the page."""
    page = cv2.copyMakeBorder(free, *(4 * (radius,)), cv2.BORDER_CONSTANT, value=1)
    distance = cv2.distanceTransform(page, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return (distance[radius:-radius, radius:-radius] > radius).astype(np.uint8)
