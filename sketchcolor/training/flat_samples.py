"""Simulated flats for training a generator: a true picture reduced to one colour per part.

The pictures have no labelled parts. A part is therefore approximated by a palette colour: colours
that differ mostly in lightness are merged, as light and shadow of one part, and each region between
lines takes its main colour. The result has similar errors as the flats at inference.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from ..colour_space import rgb_to_lab
from ..lineart.regions import find_regions
from .view_cache import View

__all__ = ["simulate_flats"]

LIGHTNESS_WEIGHT = 0.5  # of L in colour distances: light and shadow belong to one part
MERGE_DISTANCE = (5.0, 18.0)  # CIELAB: colours closer than a random limit in this range are merged
# Range of a random limit per region: where the main colour's share of the pixels is above it, the
# region becomes uniform.
MAIN_COLOUR_SHARE = (0.6, 0.85)
FLAT_NOISE = 2.5  # 8-bit levels: standard deviation of a flat's colour around its part's mean
WHITE_LEVEL = 250  # 8-bit levels: a colour whose mean is lighter in all channels becomes white


def simulate_flats(view: View, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The flats of a view.

    Args:
        view: lines and palette. colour: S×S×3 uint8, its picture without lines.
        rng: of merging, of mixed regions and of the colour noise.

    Returns:
        S×S×3 uint8.
    """
    tint, means = _tints(view, colour, rng)
    label = find_regions(Image.fromarray(view.lines)).label
    count = int(label.max()) + 1
    votes = np.bincount((label * len(means) + tint).ravel(), minlength=count * len(means))
    votes = votes.reshape(count, len(means))
    main = votes.argmax(axis=1)
    share = votes.max(axis=1) / np.maximum(votes.sum(axis=1), 1)
    whole = share >= rng.uniform(*MAIN_COLOUR_SHARE, count)
    chosen = np.where(whole[label], main[label], tint)
    white = means.min(axis=1) > WHITE_LEVEL
    means = means + rng.normal(0.0, FLAT_NOISE, means.shape)
    means[white] = 255.0
    return np.clip(np.round(means), 0, 255).astype(np.uint8)[chosen]


def _tints(
    view: View, colour: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Quantises a picture to merged palette colours and white.

    Returns:
        S×S int, the colour's index of each pixel, and T×3 mean colours in 8-bit levels.
    """
    mains = np.concatenate([(view.palette[view.shares > 0] + 1.0) / 2.0, np.ones((1, 3))])
    lab = rgb_to_lab(mains)
    weighted = lab * (LIGHTNESS_WEIGHT, 1.0, 1.0)
    distance = np.linalg.norm(weighted[:, None] - weighted[None], axis=2)
    limit = rng.uniform(*MERGE_DISTANCE)
    tint_of = np.arange(len(mains))
    for later in range(1, len(mains) - 1):  # white, the last one, is never merged
        first = int((distance[later] < limit).argmax())
        tint_of[later] = tint_of[min(first, later)]
    pixels = rgb_to_lab(colour.astype(np.float32) / 255.0).reshape(-1, 3)
    squared = -2.0 * pixels @ lab.T + (lab**2).sum(axis=1)
    nearest = cv2.medianBlur(squared.argmin(axis=1).astype(np.uint8).reshape(colour.shape[:2]), 5)
    tint = tint_of[nearest]
    area = np.maximum(np.bincount(tint.ravel(), minlength=len(mains)), 1)
    means = np.stack(
        [
            np.bincount(tint.ravel(), colour[..., c].ravel(), minlength=len(mains)) / area
            for c in range(3)
        ],
        axis=1,
    )
    return tint, means
