"""Divides a drawing into the regions that its lines bound, also where the lines have gaps.

Balls of several radii roll between the lines, the largest first. A ball cannot pass a gap narrower
than itself, so wide areas are found whole before smaller balls fill what is left (trapped-ball
segmentation, Zhang et al. 2009, "Vectorizing Cartoon Animations"). What one ball covers without
a break is a piece. Pieces that are only the corners of a larger one are joined to it afterwards.
Areas of solid ink, wider than a line, are regions, too.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Regions", "find_regions"]

# Lines. All lengths are shares of the page's longer side.
LINE_WIDTH = 0.012  # what is dark and wider than this is a filled area, not a line
FAINT, CLEAR = 0.04, 0.06  # lines are darker than what surrounds them by this, in faint, clear art
BLUR = 0.12  # of the darkness of the line nearby: less is its blurred edge or a JPEG artefact
SOLID = 0.2  # of white: levels below this are ink, however large the area
DOT = 0.0022  # length whose square is an area: smaller marks do not bound regions
LEAST_DOT = 4  # px of area: on small pages, smaller marks do not either

# Pieces.
BALLS = (0.012, 0.006, 0.003)  # radii; a ball of 1 px and single pixels follow
SPECK = 0.003  # length whose square is an area: smaller pieces are joined to a neighbour
LEAST_SPECK = 9  # px of area: on small pages, smaller pieces are joined as well
LENGTH = 2.0  # of its border with a neighbour: a piece that is no longer than this is its corner
CONTINUED = 0.8  # of a ball's width: a border this long is where an area gets narrower, not a gap
ROUNDS = 6  # how often pieces are joined; joined pieces can be joined again

# Paper is found among the pieces of the largest ball, see `_paper`.
CORNER = 0.02  # of the longer side: size of the box in an upper corner that paper reaches into
CORNER_AREA = 0.005  # of the page: a smaller piece in an upper corner is a part of the drawing
CORNER_RIM = 0.05  # of the upper rim or the side rim: paper in a corner touches at least so much
BESIDE_AREA = 0.02  # of the page: a smaller piece at one side is a part of the drawing
BESIDE_RIM = 0.15  # of the left or right rim: paper at a side touches at least so much
BRIGHT, EVEN = 0.75, 0.9  # paper has this share of the page's brightness on this share of its area
HIGH = 0.5  # of the page's height: paper that touches a side and the lower rim starts above this


class Regions(NamedTuple):
    """The regions of a page, each pixel in one of them.

    Attributes:
        label: H×W int32, of the working size. 0 is paper, the ground around the figure; 1 to count
            are the other regions, largest first. A line's pixels have the number of the region
            that they are nearest to, so that two regions meet in the middle of a line.
        area: count + 1 areas in pixels; the first is that of paper, 0 if the drawing fills the
            page.
    """

    label: np.ndarray
    area: np.ndarray


def find_regions(sketch: Image.Image, long_side: int = 2048) -> Regions:
    """Divides a drawing into regions.

    Args:
        sketch: mode L, 255 = paper; a photograph has to be cleaned first.
        long_side: px. A sketch whose longer side is longer is shrunk to it, and the regions have
            the size of the shrunk sketch; a smaller sketch keeps its size.
    """
    long = min(long_side, max(sketch.size))
    size = tuple(max(1, round(side * long / max(sketch.size))) for side in sketch.size)
    levels = np.asarray(sketch)
    if size != sketch.size:
        levels = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    lines = _lines(levels, long)
    balls = sorted({max(1, round(part * long)) for part in BALLS} | {1}, reverse=True)
    piece, stage = _pieces(lines, balls)
    paper = _paper(piece, levels, int(np.count_nonzero(stage == 0)), long)
    joined = _join(piece, stage, balls, paper, max(LEAST_SPECK, (SPECK * long) ** 2))
    label = _with_solid_ink(joined[piece], levels, balls[0])
    return _by_area(_nearest(label), joined[paper[:1]])


def _lines(levels: np.ndarray, long: int) -> np.ndarray:
    """H×W uint8, 1 on lines and on solid ink: darker than the paper or filled area around."""
    width = 2 * max(3, round(LINE_WIDTH * long / 2)) + 1
    square = np.ones((width, width), np.uint8)
    around = cv2.morphologyEx(levels, cv2.MORPH_CLOSE, square)
    dark = cv2.subtract(around, levels)
    counts = np.bincount(dark.ravel(), minlength=256)
    middle = _percentile(counts, 0.5)
    strength = (_percentile(counts, 0.99) - middle) / 255
    # At least half of the page is paper, so the median darkness is that of the paper's grain.
    threshold = middle + 255 * float(np.clip(0.4 * strength, FAINT, CLEAR))
    blur = cv2.convertScaleAbs(cv2.dilate(dark, square), alpha=BLUR)
    lines = ((dark > threshold) & (dark > blur) | (levels < 255 * SOLID)).astype(np.uint8)
    _, mark, stats, _ = cv2.connectedComponentsWithStats(lines, connectivity=8)
    kept = stats[:, cv2.CC_STAT_AREA] >= max(LEAST_DOT, (DOT * long) ** 2)
    kept[0] = False
    return kept.astype(np.uint8)[mark]


def _percentile(counts: np.ndarray, part: float) -> int:
    """The level that ``part`` of a histogram's pixels do not exceed."""
    total = np.cumsum(counts)
    return int(np.searchsorted(total, part * total[-1]))


def _pieces(lines: np.ndarray, balls: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """H×W int32, pieces numbered from 1, and the index of the ball that found each piece.

    A ball covers what it can without touching lines or what larger balls have covered. It may
    roll over the page's rim, so an area that the page cuts off does not count as narrow.
    The first entry of the second array belongs to no piece.
    """
    piece = np.zeros(lines.shape, np.int32)
    left = 1 - lines
    found = [-1]
    for index, radius in enumerate(balls):
        distance = cv2.distanceTransform(left, cv2.DIST_L2, cv2.DIST_MASK_5)
        outside = (distance <= radius).astype(np.uint8)
        if outside.all():
            continue
        # OpenCV numbers the connected sets of centres; each pixel gets the nearest set's number.
        reach, room = cv2.distanceTransformWithLabels(
            outside, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
        )
        covered = ((reach <= radius) & (left > 0)).astype(np.uint8)
        count = int(room.max())
        cv2.copyTo(room + len(found) - 1, covered, piece)
        left -= covered
        found += [index] * count
    count, rest = cv2.connectedComponents(left, connectivity=4)
    cv2.copyTo(rest + len(found) - 1, left, piece)
    found += [len(balls)] * (count - 1)
    return piece, np.array(found)


def _paper(piece: np.ndarray, levels: np.ndarray, rooms: int, long: int) -> np.ndarray:
    """Numbers of the pieces that are paper; only those that the largest ball found can be.

    A piece in an upper corner is paper if it is large and touches enough of a rim there. A piece at
    the left or right rim is paper if it is larger still, touches more of that rim, and does not
    reach the lower rim from below the middle, as a shoulder does. A piece that touches only the
    upper or lower rim is a head or are legs that the page cuts off. Paper is also evenly bright.

    Args:
        piece: H×W, numbers of pieces. levels: H×W uint8, the sketch.
        rooms: how many pieces the largest ball found; they have the lowest numbers.
        long: px, the page's longer side.
    """
    height, width = piece.shape

    def pixels(part: np.ndarray) -> np.ndarray:
        return np.bincount(part[part <= rooms], minlength=rooms + 1)

    area, top, bottom = pixels(piece), pixels(piece[0]), pixels(piece[-1])
    box = max(1, round(CORNER * long))
    is_paper = np.zeros(rooms + 1, bool)
    for page in (piece, piece[:, ::-1]):
        side = pixels(page[:, 0])
        upper = (top >= CORNER_RIM * width) | (side >= CORNER_RIM * height)
        upper &= pixels(page[:box, :box]) > 0
        beside = (pixels(page[: round(HIGH * height), 0]) > 0) | (bottom == 0)
        beside &= side >= BESIDE_RIM * height
        is_paper |= upper & (area >= CORNER_AREA * piece.size)
        is_paper |= beside & (area >= BESIDE_AREA * piece.size)
    light = levels >= BRIGHT * np.percentile(levels[::4, ::4], 95)
    is_paper &= pixels(piece[light]) >= EVEN * area
    is_paper[0] = False
    return np.flatnonzero(is_paper)


def _join(
    piece: np.ndarray, stage: np.ndarray, balls: list[int], paper: np.ndarray, speck: float
) -> np.ndarray:
    """Joins pieces; returns each one's new number, or 0 for specks without a neighbour.

    In each round a piece is compared with the neighbour with which it shares the longest border,
    called its mouth. It is joined to it if it is short compared with the mouth, as the corner of an
    area is, or if it continues an area that gets gradually narrower, as a strand of hair does.
    Other pieces stay apart: they are areas of their own behind a gap.
    """
    count = len(stage)
    number = np.arange(count)
    number[paper] = paper[:1].repeat(len(paper))
    area = np.bincount(piece.ravel(), minlength=count).astype(float)
    area[0] = 0.0
    width = 2.0 * np.array([*balls, 0.5])
    one, two, border = _borders(piece, count)
    for _ in range(ROUNDS):
        areas = np.bincount(number, area, minlength=count)
        widest = np.full(count, len(balls))
        np.minimum.at(widest, number[1:], stage[1:])
        first, second, mouths = _summed(number[one], number[two], border, count)
        # List every border from both sides, then keep each piece's longest one.
        of, to = np.concatenate([first, second]), np.concatenate([second, first])
        mouth = np.concatenate([mouths, mouths])
        order = np.lexsort((areas[to], mouth, of))
        last = order[np.flatnonzero(np.diff(of[order], append=-1))]
        of, to, mouth = of[last], to[last], mouth[last]
        corner = (areas[of] < np.maximum(LENGTH * mouth**2, speck)) & (areas[of] <= areas[to])
        tapers = (widest[to] > 0) & (widest[of] == widest[to] + 1)
        tapers &= mouth >= CONTINUED * width[widest[of]]
        joined = corner | tapers
        if not joined.any():
            break
        graph = coo_array((joined[joined], (of[joined], to[joined])), shape=(count, count))
        number = connected_components(graph, directed=False)[1][number]
    number += 1
    areas = np.bincount(number, area)
    return np.where((areas[number] < speck) | (np.arange(count) == 0), 0, number)


def _borders(piece: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of pieces that touch, and the length of their border in pixels."""
    pairs = []
    for a, b in ((piece[:, 1:], piece[:, :-1]), (piece[1:], piece[:-1])):
        differ = np.nonzero(a != b)
        a, b = a[differ], b[differ]
        between = (a > 0) & (b > 0)
        pairs.append((a[between], b[between]))
    a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return _summed(a, b, np.ones(len(a)), count)


def _summed(
    one: np.ndarray, two: np.ndarray, border: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Each pair of different numbers below ``count`` once, with the sum of its borders."""
    low, high = np.minimum(one, two).astype(np.int64), np.maximum(one, two)
    differ = low != high
    pair, place = np.unique((low * count + high)[differ], return_inverse=True)
    return pair // count, pair % count, np.bincount(place, border[differ], minlength=len(pair))


def _nearest(label: np.ndarray) -> np.ndarray:
    """The labels with each 0 replaced by the nearest other label, if there is one."""
    empty = (label == 0).astype(np.uint8)
    if not 0 < cv2.countNonZero(empty) < empty.size:
        return label
    _, source = cv2.distanceTransformWithLabels(
        empty, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_source = np.empty(int(source.max()) + 1, label.dtype)
    full = np.flatnonzero(empty.ravel() == 0)
    of_source[source.ravel()[full]] = label.ravel()[full]
    return of_source[source]


def _with_solid_ink(label: np.ndarray, levels: np.ndarray, radius: int) -> np.ndarray:
    """The labels, with new ones for areas of solid ink that a ball of this radius fits into."""
    ink = (levels < 255 * SOLID).astype(np.uint8)
    inside = cv2.distanceTransform(ink, cv2.DIST_L2, cv2.DIST_MASK_5) > radius
    if not inside.any():
        return label
    reach, room = cv2.distanceTransformWithLabels(
        1 - inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    return np.where((reach <= radius) & (ink > 0), room + label.max(), label)


def _by_area(label: np.ndarray, paper: np.ndarray) -> Regions:
    """Regions numbered by falling area; the label of paper, if there is any, becomes 0."""
    area = np.bincount(label.ravel())
    ground = area[paper].sum()
    area[paper] = 0
    order = np.argsort(-area, kind="stable")
    count = np.count_nonzero(area)
    new = np.zeros(len(area), np.int32)
    new[order[:count]] = np.arange(1, count + 1)
    return Regions(new[label], np.concatenate([[ground], area[order[:count]]]))
