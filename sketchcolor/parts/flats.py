"""Flats: one colour per part under the lines, and light over them.

A network alone paints hair in several colours whose borders follow no line. So only the colour of
each part is taken from it. The generator then paints light over the flats, without changing the
mean colour of a part.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .analysis import DrawingParts
from .hint_shares import HintColours
from .pieces import resize_label

__all__ = ["Flats", "clear_medians", "free_colours", "relight", "weighted_median"]

INKED = 0.25  # a cell with more ink than this is not used for the colour of its part
LEAST_CLEAR = 0.1  # of a part must be away from lines; with less, all of its cells are used
ALIKE = 8  # 8-bit levels: colours of a part that are this close count as one


@dataclass(frozen=True)
class Flats:
    """One colouring of a drawing in flat colours.

    Attributes:
        parts: the drawing's.
        free: (N+1)×3 in [-1, 1], sRGB, colours of the pieces without hints.
        asked: colours that hints ask for, or None.
    """

    parts: DrawingParts
    free: np.ndarray
    asked: HintColours | None = None

    @property
    def colours(self) -> np.ndarray:
        """(N+1)×3 in [-1, 1]; one colour also for a piece that holds several parts."""
        if self.asked is None:
            return self.free
        return self.free + self.asked.strength[:, None] * (self.asked.pieces - self.free)

    @property
    def levels(self) -> np.ndarray:
        """(N+1)×3 int, the colours in 8-bit levels."""
        return np.clip(np.round((self.colours + 1.0) * 127.5), 0, 255).astype(np.int64)

    @property
    def part(self) -> np.ndarray:
        """N+1 ints, the part of each piece: 0 is paper, then largest first.

        Hints of different colours divide a part.
        """
        keys = np.column_stack([self.parts.part, self.levels // ALIKE])
        keys[0] = -1  # paper stays on its own, and comes first
        _, part = np.unique(keys, axis=0, return_inverse=True)
        part = part.reshape(-1)
        area = np.bincount(part, self.parts.pieces.area)
        order = np.concatenate([[0], 1 + np.argsort(-area[1:], kind="stable")])
        return np.argsort(order, kind="stable")[part]

    @property
    def label(self) -> np.ndarray:
        """h×w int32, the part of every pixel at the size at which the drawing was read."""
        return self.part[self.parts.pieces.label].astype(np.int32)

    def paint(self, size: tuple[int, int]) -> np.ndarray:
        """The flats as a picture of a (width, height): H×W×3 float32 in [-1, 1]."""
        label = resize_label(self.parts.pieces.label, size)
        picture = self.colours[label]
        if self.asked is None or not self.asked.cell_share.any():
            return picture
        # Premultiplied, so that cells without a hint do not lend their colour to others.
        strength = self.asked.cells_strength[:, None]
        planes = np.concatenate([self.asked.cells * strength, strength], axis=1)
        fine = cv2.resize(planes.reshape(*self.parts.grid, 4), size, interpolation=cv2.INTER_LINEAR)
        by_cell = fine[..., :3] + (1.0 - fine[..., 3:]) * self.free[label]
        return picture + self.asked.cell_share[label][..., None] * (by_cell - picture)


def free_colours(parts: DrawingParts, proposal: np.ndarray, paint_paper: bool) -> np.ndarray:
    """The colours that a proposal gives the pieces: the median over each part, away from lines.

    Args:
        proposal: h×w×3 in [-1, 1], of any size.
        paint_paper: False leaves the paper white.

    Returns:
        (N+1)×3 in [-1, 1].
    """
    height, width = parts.grid
    cells = cv2.resize(proposal, (width, height), interpolation=cv2.INTER_LINEAR).reshape(-1, 3)
    weights = parts.cells_of_parts()
    colours = clear_medians(cells, weights, parts.ink)
    colours[~weights.any(axis=1)] = 1.0
    if not paint_paper:
        colours[0] = 1.0
    return colours[parts.part]


def clear_medians(values: np.ndarray, weights: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Median colours of places away from lines, or anywhere in those that are mostly lines.

    Args:
        values: C×3, colours of the cells. weights: P×C, how much of each place lies in each cell.
        ink: C in [0, 1].

    Returns:
        P×3 float32; 0 for a place without a cell.
    """
    medians = np.zeros((len(weights), 3), np.float32)
    for place, every in enumerate(weights):
        clear = every * (ink < INKED)
        used = clear if clear.sum() > LEAST_CLEAR * every.sum() else every
        if used.any():
            medians[place] = weighted_median(values, used)
    return medians


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted medians of the columns of C×3 values."""
    used = np.flatnonzero(weights)
    values, weights = values[used], weights[used]
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(weights[order], axis=0)
    middle = (reached >= 0.5 * reached[-1]).argmax(axis=0)
    columns = np.arange(values.shape[1])
    return values[order[middle, columns], columns]


def relight(
    picture: np.ndarray, painted: np.ndarray, flats: Flats, hinted: np.ndarray | None = None
) -> np.ndarray:
    """Flats under the light that a generator painted; parts keep their mean colours.

    The means are of places away from lines. The generator paints dark lines of its own, and a part
    that kept its mean with them would be pale between them, most of all small ones such as eyes.

    Args:
        picture: H×W×3 in [-1, 1], the generator's, painted from
        painted: H×W×3, what ``flats`` look like at this size.
        hinted: H×W bool, where strokes are. A part with a stroke has the colour of its flats
            under the stroke, where whoever asked for it looks.

    Returns:
        H×W×3 in [-1, 1]; the flats' own colour on paper.
    """
    height, width = painted.shape[:2]
    label = resize_label(flats.parts.pieces.label, (width, height))
    label = flats.part[label].ravel()
    light = (picture - painted).reshape(-1, 3)
    means = _clear_means(light, label, _is_clear(flats.parts, (width, height)).ravel())
    if hinted is not None and hinted.any():
        under = hinted.ravel()
        stroked = np.bincount(label[under], minlength=len(means)) > 0
        means[stroked] = _means(light, label, under)[stroked]
    light = light - means[label]
    light[label == 0] = 0.0
    return np.clip(painted + light.reshape(painted.shape), -1.0, 1.0)


def _is_clear(parts: DrawingParts, size: tuple[int, int]) -> np.ndarray:
    """H×W bool: away from lines, at a (width, height)."""
    ink = parts.ink.reshape(parts.grid).astype(np.float32)
    return cv2.resize(ink, size, interpolation=cv2.INTER_LINEAR) < INKED


def _clear_means(values: np.ndarray, label: np.ndarray, clear: np.ndarray) -> np.ndarray:
    """Means of P×3 values over each label, away from lines unless nearly all of it is lines."""
    count = int(label.max()) + 1
    area, open_area = (
        np.bincount(label[used], minlength=count) for used in (np.ones_like(clear), clear)
    )
    is_open = open_area > LEAST_CLEAR * area
    return _means(values, label, clear | ~is_open[label])


def _means(values: np.ndarray, label: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Means of P×3 values over each label, of those that are used; 0 where there are none."""
    count = int(label.max()) + 1
    area = np.maximum(np.bincount(label[used], minlength=count), 1)
    sums = [np.bincount(label[used], values[used, c], minlength=count) for c in range(3)]
    return (np.stack(sums, axis=1) / area[:, None]).astype(np.float32)
