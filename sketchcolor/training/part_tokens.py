"""Precomputed training data of the network that colours parts: tokens with their true colours.

The tokens are computed once and stored in a file. The networks that find parts are trained before,
and running them costs more than a training step of the network that colours parts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset
from tqdm.auto import tqdm

from ..colour_space import rgb_to_lab, signed_to_lab
from ..conditions import palette as palettes
from ..models.parts import PartEncoder
from ..models.proposer import ColorProposer
from ..parts.analysis import DrawingParts, analyse
from ..parts.flats import clear_medians
from ..parts.pieces import resize_label
from ..parts.tokens import describe
from .data import without_lines
from .part_loss import WHITE_LIGHTNESS
from .view_cache import View

__all__ = ["TokenSamples", "collect_tokens", "true_colours"]

FIELDS = ("features", "area", "colours", "palette", "weights")
KNOWN_RATE = 0.5  # share of samples in which the colours of some parts are given


def true_colours(parts: DrawingParts, cells: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """The median colour of each token.

    Args:
        parts: of the drawing.
        cells: N×cells, the share of each cell that belongs to each token.
        colour: H×W×3 uint8, the picture without lines.

    Returns:
        N×3 CIELAB; zeros for tokens without cells.
    """
    height, width = parts.grid
    small = cv2.resize(colour, (width, height), interpolation=cv2.INTER_AREA)
    lab = rgb_to_lab(small / 255.0).reshape(-1, 3)
    return clear_medians(lab, cells, parts.ink)


def collect_tokens(
    view_cache: Path,
    picked: np.ndarray,
    proposer: ColorProposer,
    encoder: PartEncoder,
) -> dict[str, np.ndarray]:
    """Tokens and true colours of views.

    Args:
        view_cache: folder of a :class:`ViewCache`.
        picked: M×2, picture and number of each view.
        proposer, encoder: trained networks that find the parts.

    Returns:
        Arrays with a row per view: ``features`` N×F, ``area`` N, ``colours`` N×3 CIELAB,
        ``palette`` K×3 in [-1, 1] and ``weights`` K.
    """
    names = ("colour", "lines", "palette", "shares")
    arrays = {name: np.load(view_cache / f"{name}.npy", mmap_mode="r") for name in names}
    rows: dict[str, list[np.ndarray]] = {name: [] for name in FIELDS}
    for at in tqdm(picked, desc="tokens", mininterval=10.0):
        view = View(*(np.array(arrays[name][tuple(at)]) for name in names))
        lines = Image.fromarray(view.lines)
        parts = analyse(lines, proposer, encoder)
        if _background_is_coloured(parts, view.colour):
            parts = analyse(lines, proposer, encoder, paint_paper=True)
        tokens = describe(parts)
        rows["features"].append(tokens.features.astype(np.float16))
        rows["area"].append(tokens.area)
        rows["colours"].append(true_colours(parts, tokens.cells, without_lines(view.colour)))
        rows["palette"].append(view.palette)
        rows["weights"].append(view.shares)
    return {name: np.stack(values) for name, values in rows.items()}


def _background_is_coloured(parts: DrawingParts, colour: np.ndarray) -> bool:
    """Whether the area outside of the outlines has a colour in the H×W×3 uint8 picture."""
    ground = colour[resize_label(parts.pieces.label, colour.shape[1::-1]) == 0]
    if not len(ground):
        return False
    return bool(rgb_to_lab(np.median(ground, axis=0) / 255.0)[0] <= WHITE_LIGHTNESS)


class TokenSamples(Dataset):
    """Endless samples of stored tokens; sample ``i`` is a function of ``i`` and the seed.

    Args:
        files: written by ``python -m sketchcolor.training.part_tokens``.
        palette_rate: share of samples with a palette; half of them have only some of its colours.
        seed: of everything random.
    """

    def __init__(self, files: Sequence[Path], palette_rate: float, seed: int) -> None:
        loaded = [np.load(file) for file in files]
        self.arrays = {name: np.concatenate([one[name] for one in loaded]) for name in FIELDS}
        self.palette_rate, self.seed = palette_rate, seed

    def __len__(self) -> int:
        return len(self.arrays["area"])

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng((self.seed, number))
        index = int(rng.integers(len(self)))
        row = {name: values[index] for name, values in self.arrays.items()}
        present = row["area"] > 0
        share = rng.uniform(0.0, 0.7) if rng.random() < KNOWN_RATE else 0.0
        is_known = present & (rng.random(len(present)) < share)
        # Token 0 is the background, whose white is also known at inference.
        is_known[0] |= bool(present[0] and row["colours"][0, 0] > WHITE_LIGHTNESS)
        with_palette = bool(rng.random() < self.palette_rate)
        colors, weights = row["palette"], row["weights"]
        if with_palette and rng.random() < 0.5:
            colors, weights = palettes.simulate(colors, weights, rng)
        lab = signed_to_lab(colors)
        return {
            "features": torch.from_numpy(row["features"].astype(np.float32)),
            "area": torch.from_numpy(row["area"].astype(np.float32)),
            "colours": torch.from_numpy(row["colours"].astype(np.float32)),
            "present": torch.from_numpy(present),
            "is_known": torch.from_numpy(is_known),
            "palette": torch.from_numpy(lab),
            "weights": torch.from_numpy(weights.astype(np.float32)),
            "palette_present": torch.tensor(with_palette),
        }


def main() -> None:
    """``python -m sketchcolor.training.part_tokens --view_cache FOLDER … -o tokens.npz``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--view_cache", type=Path, required=True)
    parser.add_argument("--proposer", required=True, help="folder of its weights")
    parser.add_argument("--parts", required=True, help="folder of the part encoder's weights")
    parser.add_argument("--drawings", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    ready = np.argwhere(np.load(args.view_cache / "ready.npy", mmap_mode="r") > 0)
    rng = np.random.default_rng(args.seed)
    picked = ready[rng.permutation(len(ready))[: args.drawings]]
    proposer = ColorProposer.from_pretrained(args.proposer).eval()
    encoder = PartEncoder.from_pretrained(args.parts).eval()
    tokens: dict[str, Any] = collect_tokens(args.view_cache, picked, proposer, encoder)
    np.savez(args.output, **tokens)


if __name__ == "__main__":
    main()
