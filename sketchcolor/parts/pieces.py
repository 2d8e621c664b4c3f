"""Line-bounded regions, cut further where a part network sees different parts in one of them.

A closed region gets one colour. An open one, such as hair that runs into a sleeve because a line
ends early, is cut where the vectors of its cells differ.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy.sparse import coo_array, csr_array
from sklearn.cluster import KMeans

__all__ = ["Pieces", "cell_of_pixels", "cut_regions", "resize_label"]

KINDS = 16  # kinds of cells that a drawing's vectors are sorted into
SMOOTH = 4  # times as fine as the cells: how finely a cut runs
LEAST_AREA = 0.0015  # of the page: no piece that is cut off is smaller,
LEAST_SHARE = 0.12  # and none is a smaller share of its region
WHITE_CHANCE = 0.35  # of a cell that lines count as paper; below it, it belongs to the figure
MOST_ALIKE = 0.88  # mean likeness of a region's cells to their mean from which it is one piece


class Pieces(NamedTuple):
    """A drawing in pieces, each of one colour.

    Attributes:
        label: H×W int32; 0 is paper, 1 to N are pieces.
        area: N+1 areas in pixels.
        cells: (N+1)×C, the share of each piece that lies in each of the C = h·w cells; rows sum to
            1, or 0 for a piece without pixels.
        home: C ints, the piece that most of each cell lies in.
        vectors: (N+1)×D, means of the cells' unit vectors.
        grid: (h, w).
    """

    label: np.ndarray
    area: np.ndarray
    cells: csr_array
    home: np.ndarray
    vectors: np.ndarray
    grid: tuple[int, int]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Means over the pieces: …×h×w values of cells → (N+1)×…"""
        flat = values.reshape(-1, values.shape[-2] * values.shape[-1])
        return (self.cells @ flat.T).reshape(-1, *values.shape[:-2])


def cut_regions(label: np.ndarray, vectors: np.ndarray, white: np.ndarray) -> Pieces:
    """Cut regions that hold several parts, and paper where it runs into the figure.

    Args:
        label: H×W int32 of :func:`sketchcolor.lineart.regions.find_regions`, 0 = paper.
        vectors: D×h×w unit vectors of cells.
        white: h×w in [0, 1], the chance of each cell of being as white as paper.
    """
    label = _take_from_paper(label, white)
    whole = _gather(label, vectors)
    alike = np.linalg.norm(whole.vectors, axis=1)  # the mean likeness of the cells to their mean
    large = whole.area >= 2 * LEAST_AREA * label.size
    mixed = large & (alike < MOST_ALIKE)
    mixed[0] = False
    if not mixed.any():
        return whole
    kind, means = _kinds(vectors, label.shape)
    counts = np.bincount(
        (label.astype(np.int64) * KINDS + kind).ravel(), minlength=len(mixed) * KINDS
    ).reshape(-1, KINDS)
    least = np.maximum(LEAST_AREA * label.size, LEAST_SHARE * whole.area)[:, None]
    taken = (counts >= least) & mixed[:, None]
    # A kind with too small a share of its region is joined to the most similar of the others.
    table = np.zeros((len(mixed), KINDS), np.int64)
    alike = np.where(taken[mixed][:, None], means @ means.T, -np.inf)
    table[mixed] = alike.argmax(axis=2)
    table += np.arange(len(mixed))[:, None] * KINDS
    cut = table.ravel()[label.astype(np.int64) * KINDS + kind]
    used = np.zeros(len(mixed) * KINDS, bool)
    used[cut.ravel()] = True
    used[0] = True  # paper keeps its number, also where there is none
    number = np.cumsum(used) - 1
    return _gather(number[cut].astype(np.int32), vectors)


def _take_from_paper(label: np.ndarray, white: np.ndarray) -> np.ndarray:
    """The labels, with new ones where paper reaches into the figure through an open outline."""
    fine = cv2.resize(white.astype(np.float32), label.shape[::-1], interpolation=cv2.INTER_LINEAR)
    leaked = ((fine < WHITE_CHANCE) & (label == 0)).astype(np.uint8)
    count, room, stats, _ = cv2.connectedComponentsWithStats(leaked, connectivity=4)
    kept = stats[:, cv2.CC_STAT_AREA] >= LEAST_AREA * label.size
    kept[0] = False
    if not kept.any():
        return label
    number = np.where(kept, label.max() + np.cumsum(kept), 0).astype(label.dtype)
    return np.where(kept[room], number[room], label)


def _kinds(vectors: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """H×W uint8, which of ``KINDS`` clusters each pixel is most like, and the clusters' means."""
    height, width = vectors.shape[1:]
    rows = vectors.reshape(len(vectors), -1).T
    means = KMeans(KINDS, n_init=1, max_iter=15, random_state=0).fit(rows[::3]).cluster_centers_
    likeness = (rows @ means.T.astype(rows.dtype)).reshape(height, width, KINDS)
    likeness = cv2.GaussianBlur(likeness, (0, 0), 1.0)
    fine = cv2.resize(likeness, (SMOOTH * width, SMOOTH * height), interpolation=cv2.INTER_LINEAR)
    kind = fine.argmax(axis=2).astype(np.uint8)
    return cv2.resize(kind, shape[::-1], interpolation=cv2.INTER_NEAREST), means


def _gather(label: np.ndarray, vectors: np.ndarray) -> Pieces:
    """Areas, cells and mean vectors of labelled pieces."""
    height, width = vectors.shape[1:]
    count = int(label.max()) + 1
    cell = cell_of_pixels(label.shape, (height, width))
    place = (label.ravel(), cell.ravel())
    ones = np.ones(label.size, np.float32)
    pixels = coo_array((ones, place), shape=(count, height * width)).tocsr()
    area = np.bincount(label.ravel(), minlength=count)
    scale = 1.0 / np.maximum(area, 1).astype(np.float32)
    cells = csr_array(pixels.multiply(scale[:, None]))
    rows = vectors.reshape(len(vectors), -1).T
    home = _largest(pixels, height * width)
    return Pieces(label, area, cells, home, cells @ rows, (height, width))


def _largest(pixels: csr_array, count: int) -> np.ndarray:
    """For each of ``count`` columns the row with the greatest value."""
    entries = pixels.tocoo()
    home = np.zeros(count, np.int64)
    order = np.argsort(entries.data, kind="stable")  # the greatest is written last
    home[entries.col[order]] = entries.row[order]
    return home


def cell_of_pixels(shape: tuple[int, int], grid: tuple[int, int]) -> np.ndarray:
    """H×W int64: the index of the cell that each pixel lies in, row by row."""
    rows, columns = (
        (np.arange(pixels) * cells // pixels) for pixels, cells in zip(shape, grid, strict=True)
    )
    return rows[:, None] * grid[1] + columns


def resize_label(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A label map at another (width, height)."""
    if label.shape[::-1] == size:
        return label
    return cv2.resize(label, size, interpolation=cv2.INTER_NEAREST)
