"""Flats to train a generator on: a true picture in one colour per part, with the faults of ours.

Nobody labelled parts, so they are made of the picture: its palette's colours, of which those that
differ mostly in lightness are one part in light and shadow, brought to the regions between the
lines, as flats at the time of use are.
"""

from __future__ import annotations

import cv2
import numpy as np
from PIL import Image

from ..colour_space import rgb_to_lab
from ..lineart.regions import find_regions
from .view_cache import View

__all__ = ["simulate_flats"]

LIGHTNESS = 0.5  # what a difference in lightness counts: light and shadow are one part
MERGED = (5.0, 18.0)  # CIELAB: colours nearer than a random distance between these are one part
PURE = 0.85  # of a region is of its main colour: it takes that one everywhere
MIXED = 0.6  # with less than this, it is no region of one part; in between chance decides
JITTER = 2.5  # 8-bit levels: how far a flat may be from the mean of its part
PAPER = 250  # 8-bit levels: a region whose mean is lighter is white


def simulate_flats(view: View, colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The flats of a view.

    Args:
        view: lines and palette. colour: S×S×3 uint8, its picture without lines.
        rng: the only source of randomness.

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
    whole = share >= rng.uniform(MIXED, PURE, count)
    chosen = np.where(whole[label], main[label], tint)
    white = means.min(axis=1) > PAPER
    means = means + rng.normal(0.0, JITTER, means.shape)
    means[white] = 255.0
    return np.clip(np.round(means), 0, 255).astype(np.uint8)[chosen]


def _tints(
    view: View, colour: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """S×S int, which tint each pixel has, and T×3 mean colours in 8-bit levels; white is a tint."""
    mains = np.concatenate([(view.palette[view.shares > 0] + 1.0) / 2.0, np.ones((1, 3))])
    lab = rgb_to_lab(mains)
    flat = lab * (LIGHTNESS, 1.0, 1.0)
    apart = np.linalg.norm(flat[:, None] - flat[None], axis=2)
    limit = rng.uniform(*MERGED)
    tint_of = np.arange(len(mains))
    for later in range(1, len(mains) - 1):  # white, the last, joins nothing
        first = int((apart[later] < limit).argmax())
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
