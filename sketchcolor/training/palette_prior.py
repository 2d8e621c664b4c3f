"""Collects a palette prior from cached views; it stores palettes and layouts, no pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from ..colour_space import signed_to_lab
from ..conditions.palette import chroma, is_skin
from ..models.palette_prior import PalettePrior, layout

__all__ = ["collect"]

MAX_PALETTES = 8192
WHITE_LEVEL = 245  # 8-bit levels: pixels from here on are white background, also after resizing
# What a palette must have to enter the prior; shares are of the picture, chroma is CIELAB.
MIN_MEAN_CHROMA = 12.0
SKIN_SHARE = (0.1, 0.6)
STRONG_CHROMA, MIN_STRONG_SHARE = 20.0, 0.08  # of strong colours other than skin


def collect(view_cache: Path, size: int = MAX_PALETTES, seed: int = 0) -> PalettePrior:
    """Take palettes and layouts from the views that a proposer was trained on.

    Only pictures with skin and with other strong colours are used. Nearly every sketch shows a
    face, and a network that is given a palette without skin, or of little else, colours everything
    in the colours that it is given.

    Args:
        view_cache: the folder given to ``train_accelerate.py --view_cache``.
        size: maximum number of views.
        seed: of the random choice among them.

    Returns:
        The prior, in half precision.

    Raises:
        FileNotFoundError: the folder contains no views.
        ValueError: no picture has the required colours.
    """
    names = ("palette", "shares", "colour", "lines", "ready")
    views = {name: np.load(view_cache / f"{name}.npy", mmap_mode="r") for name in names}
    # Views of one picture count separately: their layouts and colour shares differ.
    views = {name: rows.reshape(-1, *rows.shape[2:]) for name, rows in views.items()}
    palettes, shares = views["palette"], views["shares"]
    usable = np.flatnonzero((views["ready"] > 0) & _has_skin_and_colours(palettes, shares))
    if not len(usable):
        raise ValueError(f"No picture of {view_cache} has both colours and skin.")
    chosen = np.sort(np.random.default_rng(seed).permutation(usable)[:size])
    prior = PalettePrior(len(chosen), palettes.shape[1])
    prior.palettes.copy_(torch.from_numpy(palettes[chosen]))
    prior.shares.copy_(torch.from_numpy(shares[chosen]))
    layouts = []
    for view in tqdm(chosen, desc="layouts"):
        # White is measured in the picture, not outside of the outlines, so that sketches with an
        # empty background are given palettes of pictures with a white one.
        paper = (views["colour"][view].min(axis=2) >= WHITE_LEVEL).astype(np.float32)
        layouts.append(layout(paper, 1.0 - views["lines"][view].astype(np.float32) / 255.0))
    prior.layouts.copy_(torch.from_numpy(np.stack(layouts)))
    return prior.half()


def _has_skin_and_colours(palettes: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """N bool, of N×K×3 colours in [-1, 1] and N×K shares."""
    lab = signed_to_lab(palettes.astype(np.float32))
    strengths, skin = chroma(lab), is_skin(lab)
    skin_share = (skin * shares).sum(axis=1)
    strong_share = (((strengths >= STRONG_CHROMA) & ~skin) * shares).sum(axis=1)
    colourful = (strengths * shares).sum(axis=1) >= MIN_MEAN_CHROMA
    colourful &= strong_share >= MIN_STRONG_SHARE
    return colourful & (skin_share >= SKIN_SHARE[0]) & (skin_share <= SKIN_SHARE[1])
