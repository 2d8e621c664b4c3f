"""Geodesic distances in a drawing: the length of the shortest path that avoids its lines.

A step costs its length, and many times that where there is ink (the distance of LazyBrush, Sýkora
et al. 2009, and of Criminisi et al. 2010 without their mask).
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

__all__ = ["WALL_COST", "crossing_cost", "nearest_seed", "shrink_ink", "soften"]

# A step through black costs as much as this many over paper: a thin line can be crossed if the way
# around it is long, and with WALL_COST practically never.
INK_COST = 15.0
WALL_COST = 150.0
GRAIN = 0.05  # ink up to this much above the paper's own is noise and costs nothing


def shrink_ink(ink: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Ink per cell: the darkest pixel of it, so that a thin line stays closed.

    Args:
        ink: H×W in [0, 1], 1 for black.
        size: (width, height) in cells.
    """
    height, width = ink.shape
    reach = max(1, -(-max(width, height) // max(size)))
    darkest = cv2.dilate(ink, np.ones((reach, reach), np.uint8))
    return cv2.resize(darkest, size, interpolation=cv2.INTER_AREA)


def crossing_cost(ink: np.ndarray, size: tuple[int, int], ink_cost: float = INK_COST) -> np.ndarray:
    """What a step of length 1 through each cell of a drawing costs, at least 1.

    Args:
        ink: H×W in [0, 1], 1 for black.
        size: (width, height) in cells.
        ink_cost: what a step through black costs more than one over paper.
    """
    # The median is that of paper, also of grey paper, which must not count as ink.
    ink = np.maximum(ink - np.median(ink) - GRAIN, 0.0)
    return 1.0 + ink_cost * shrink_ink(ink, size)


def nearest_seed(cost: np.ndarray, seeds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the nearest seed along the cheapest path, and that seed's index, per cell.

    Args:
        cost: H×W, of a step of length 1 through a cell.
        seeds: indices into the flattened cells, at least one.

    Returns:
        H×W distances, and H×W indices into the flattened cells.
    """
    height, width = cost.shape
    index = np.arange(height * width).reshape(height, width)
    whole, start, stop = slice(None), slice(None, -1), slice(1, None)
    steps = [
        ((whole, start), (whole, stop), 1.0),
        ((start, whole), (stop, whole), 1.0),
        ((start, start), (stop, stop), 2**0.5),
        ((start, stop), (stop, start), 2**0.5),
    ]
    ends = [(index[a].ravel(), index[b].ravel()) for a, b, _ in steps]
    lengths = [(length * (cost[a] + cost[b]) / 2.0).ravel() for a, b, length in steps]
    rows, columns = (np.concatenate(side) for side in zip(*ends, strict=True))
    graph = coo_array((np.concatenate(lengths), (rows, columns)), shape=(index.size, index.size))
    distance, _, nearest = dijkstra(
        graph.tocsr(), directed=False, indices=seeds, min_only=True, return_predecessors=True
    )
    return distance.reshape(cost.shape), nearest.reshape(cost.shape)


def soften(spread: np.ndarray, cost: np.ndarray, fixed: np.ndarray, passes: int) -> np.ndarray:
    """Average neighbours that no line separates, so that two seeds' values blend where they meet.

    Args:
        spread: H×W×C float32. cost: H×W. fixed: H×W bool, cells that keep their value.
        passes: how often neighbours are averaged.
    """
    openness = (1.0 / cost).astype(np.float32)
    kernel = np.ones((3, 3), np.float32)
    total = cv2.filter2D(openness, -1, kernel, borderType=cv2.BORDER_REPLICATE)[..., None]
    softened = spread
    for _ in range(passes):
        mixed = cv2.filter2D(
            softened * openness[..., None], -1, kernel, borderType=cv2.BORDER_REPLICATE
        )
        softened = np.where(fixed[..., None], spread, mixed / total)
    return softened
