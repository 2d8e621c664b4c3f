"""Takes specks of a few pixels out of label maps, which a fill in a paint program would miss."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LARGEST_SPECK = 10  # px


def absorb_specks(label: np.ndarray) -> np.ndarray:
    """Gives specks to what is beside them.

    A speck is an island of at most ``LARGEST_SPECK`` pixels, joined by their sides, of a label that
    has larger islands. Islands are found among runs of equal pixels in rows, of which there are far
    fewer than pixels.

    Args:
        label: H×W int.

    Returns:
        H×W of the same type, without specks.
    """
    height, width = label.shape
    starts = np.ones(label.shape, bool)
    np.not_equal(label[:, 1:], label[:, :-1], out=starts[:, 1:])
    first = np.flatnonzero(starts)
    length = np.diff(first, append=label.size)
    # Where two runs of a label begin to lie above each other, one of them begins.
    joins = (label[1:] == label[:-1]) & (starts[1:] | starts[:-1])
    run = np.cumsum(starts.ravel(), dtype=np.int32) - 1
    upper = np.flatnonzero(joins)
    pairs = run[upper], run[upper + width]
    ones = np.ones(len(upper), np.uint8)
    _, island = connected_components(coo_array((ones, pairs), (len(first), len(first))), False)
    is_small = (np.bincount(island, length) <= LARGEST_SPECK)[island]
    label_of_run = label.ravel()[first]
    is_speck = is_small & np.isin(label_of_run, label_of_run[~is_small])
    runs = np.flatnonzero(is_speck)
    # A frame of specks is never taken from, so that every pixel has four neighbours.
    todo = np.ones((height + 2, width + 2), bool)
    todo[1:-1, 1:-1] = False
    within = np.arange(length[runs].sum()) - np.repeat(
        np.cumsum(length[runs]) - length[runs], length[runs]
    )
    row, column = np.divmod(np.repeat(first[runs], length[runs]) + within, width)
    todo[row + 1, column + 1] = True
    result = np.pad(label, 1)
    flat, left = result.ravel(), todo.ravel()
    pixels = (row + 1) * (width + 2) + column + 1
    while len(pixels):
        for step in (-1, 1, -width - 2, width + 2):
            taken = pixels[~left[pixels + step]]
            flat[taken] = flat[taken + step]
            left[taken] = False
            pixels = pixels[left[pixels]]
    return np.ascontiguousarray(result[1:-1, 1:-1])
