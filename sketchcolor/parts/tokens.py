"""A drawing's parts as tokens, the input of the network that colours parts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..models.part_colours import MOST_PARTS
from .analysis import DrawingParts

__all__ = ["Tokens", "describe"]


class Tokens(NamedTuple):
    """The tokens of one drawing.

    Attributes:
        features: N×F float32, N = ``MOST_PARTS``; rows without a part are 0.
        area: N shares of the page; 0 where there is no part.
        of_part: P ints, the token that each part goes by; paper is token 0.
        cells: N×C pixels of each token in each cell.
    """

    features: np.ndarray
    area: np.ndarray
    of_part: np.ndarray
    cells: np.ndarray

    @property
    def present(self) -> np.ndarray:
        """N bool."""
        return self.area > 0


def describe(parts: DrawingParts) -> Tokens:
    """Features of each part: the networks', ink, size and place.

    Of more than ``MOST_PARTS`` parts the smallest are merged into the most similar larger ones.
    """
    cells = parts.cells_of_parts()
    of_part = np.arange(len(cells))
    if len(cells) > MOST_PARTS:
        vectors = cells @ parts.reading.vectors
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        like = vectors[MOST_PARTS:] @ vectors[1:MOST_PARTS].T
        of_part[MOST_PARTS:] = like.argmax(axis=1) + 1
        merged = cells[:MOST_PARTS].copy()
        np.add.at(merged, of_part[MOST_PARTS:], cells[MOST_PARTS:])
        cells = merged
    area = cells.sum(axis=1)
    share = cells / np.maximum(area, 1.0)[:, None]
    rows, columns = parts.grid
    y, x = np.divmod(np.arange(rows * columns), columns)
    place = np.column_stack([y / rows, x / columns])
    centre = share @ place
    spread = np.sqrt(np.maximum(share @ place**2 - centre**2, 0.0))
    whole = max(float(area.sum()), 1.0)
    is_paper = np.zeros((len(cells), 1))
    is_paper[0] = 1.0
    described = np.concatenate(
        [
            parts.pool(share),
            share @ parts.reading.vectors,
            (share @ parts.reading.white)[:, None],
            (share @ parts.ink)[:, None] * 4.0,
            np.log(area / whole + 1e-5)[:, None] / 4.0,
            centre * 2.0,
            spread * 4.0,
            is_paper,
        ],
        axis=1,
    )
    described[area == 0] = 0.0
    missing = MOST_PARTS - len(cells)
    return Tokens(
        np.pad(described, ((0, missing), (0, 0))).astype(np.float32),
        np.pad(area / whole, (0, missing)).astype(np.float32),
        of_part,
        np.pad(cells, ((0, missing), (0, 0))),
    )
