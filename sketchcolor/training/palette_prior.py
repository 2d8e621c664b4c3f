"""Cached views → a palette prior: numbers of training pictures, no pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from ..colour_space import signed_to_lab
from ..conditions.palette import chroma, is_skin
from ..models.palette_prior import PalettePrior, layout

__all__ = ["collect"]

SIZE = 8192
WHITE = 245  # levels; a picture's own paper, after resizing
MIN_CHROMA = 12.0  # CIELAB, mean over a palette: below, a picture is as good as without colours
SKIN_SHARE = (0.1, 0.6)  # of the palette
CLEAR_CHROMA, CLEAR_SHARE = 20.0, 0.08  # so much of a palette is clear and no skin


def collect(view_cache: Path, size: int = SIZE, seed: int = 0) -> PalettePrior:
    """Take palettes and layouts from the views that a proposer was trained on.

    Only from pictures that have skin and other colours: nearly all that people draw has a face,
    and a network that is told of no skin, or of little else, paints all in what it is told of.

    Args:
        view_cache: the folder given to ``train_accelerate.py --view_cache``.
        size: views to take at most.
        seed: of the choice.

    Returns:
        The prior, in half precision.

    Raises:
        FileNotFoundError: the folder holds no views.
        ValueError: no picture has the colours asked for.
    """
    names = ("palette", "shares", "colour", "lines", "ready")
    views = {name: np.load(view_cache / f"{name}.npy", mmap_mode="r") for name in names}
    # Another framing of a picture is another layout, and has other shares of its colours.
    views = {name: rows.reshape(-1, *rows.shape[2:]) for name, rows in views.items()}
    palettes, shares = views["palette"], views["shares"]
    worth = np.flatnonzero((views["ready"] > 0) & _worth_telling(palettes, shares))
    if not len(worth):
        raise ValueError(f"No picture of {view_cache} has both colours and skin.")
    chosen = np.sort(np.random.default_rng(seed).permutation(worth)[:size])
    prior = PalettePrior(len(chosen), palettes.shape[1])
    prior.palettes.copy_(torch.from_numpy(palettes[chosen]))
    prior.shares.copy_(torch.from_numpy(shares[chosen]))
    layouts = []
    for view in tqdm(chosen, desc="layouts"):
        # Not where the outlines leave paper, but where the painter did: a palette of a figure on
        # white has no background's colours to flood paper with.
        paper = (views["colour"][view].min(axis=2) >= WHITE).astype(np.float32)
        layouts.append(layout(paper, 1.0 - views["lines"][view].astype(np.float32) / 255.0))
    prior.layouts.copy_(torch.from_numpy(np.stack(layouts)))
    return prior.half()


def _worth_telling(palettes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """N bool, of N×K×3 colours in [-1, 1] and N×K shares."""
    lab = signed_to_lab(palettes.astype(np.float32))
    strength, skin = chroma(lab), is_skin(lab)
    skin_share = (skin * shares).sum(axis=1)
    clear = ((strength >= CLEAR_CHROMA) & ~skin) * shares
    colourful = ((strength * shares).sum(axis=1) >= MIN_CHROMA) & (clear.sum(axis=1) >= CLEAR_SHARE)
    return colourful & (skin_share >= SKIN_SHARE[0]) & (skin_share <= SKIN_SHARE[1])
