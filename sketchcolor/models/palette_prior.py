"""The palette prior: what colours a sketch like this one is painted in, when nobody says.

A small network left to itself mixes all that it knows into browns. Told a palette it commits
itself. So without a palette from the visitor it is told one that real pictures have: that of a
training picture whose drawing is laid out alike, another one for every seed.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from PIL import Image
from torch import Tensor

from ..lineart.figure import figure_mask

__all__ = ["PalettePrior", "layout"]

CELLS = 3  # a layout's grid, cells a side
PAPER_WEIGHT = 2.0  # of the whole page's share of paper, against one cell
SKETCH_SIDE = 256  # px at which a layout is measured
FIRST_DRAW = 1 << 40  # set apart from the seeds of a proposal's noise


class PalettePrior(ModelMixin, ConfigMixin):
    """Palettes of many pictures and the layouts of their drawings; nothing in it is trained.

    Args:
        size: number of pictures.
        colors: K of each palette.
        nearest: how many of the most similar layouts a palette is drawn from.
    """

    @register_to_config
    def __init__(self, size: int = 2048, colors: int = 9, nearest: int = 96) -> None:
        super().__init__()
        self.register_buffer("palettes", torch.zeros(size, colors, 3))  # [-1, 1]
        self.register_buffer("shares", torch.zeros(size, colors))  # sum 1
        self.register_buffer("layouts", torch.zeros(size, 2 * CELLS**2 + 1))

    def draw(self, sketch: Tensor, seeds: list[int]) -> tuple[Tensor, Tensor]:
        """One palette per seed.

        Args:
            sketch: 1×1×H×W or B×1×H×W in [-1, 1]; one sketch serves all seeds.
            seeds: of the choice, one per palette.

        Returns:
            B×K×3 colours in [-1, 1] and B×K weights of sum 1, float32 on the sketch's device.
        """
        known = self.layouts.float().cpu()
        chosen = []
        for index, seed in enumerate(seeds):
            if index < len(sketch):
                alike = (known - _layout_of(sketch[index, 0])).square().sum(dim=1)
                nearest = alike.topk(min(self.config.nearest, len(known)), largest=False).indices
            generator = torch.Generator().manual_seed(FIRST_DRAW + seed)
            pick = torch.randint(len(nearest), (1,), generator=generator)
            chosen.append(int(nearest[pick]))
        return self.palettes[chosen].float(), self.shares[chosen].float()


def layout(paper: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """Where a drawing leaves paper and where its lines are, coarsely.

    Args:
        paper, ink: H×W float32 in [0, 1].

    Returns:
        float32: mean paper and ink of `CELLS`² cells each, and the whole page's mean paper times
        `PAPER_WEIGHT`.
    """
    cells = [cv2.resize(m, (CELLS, CELLS), interpolation=cv2.INTER_AREA) for m in (paper, ink)]
    whole = np.array([PAPER_WEIGHT * paper.mean()])
    return np.concatenate([cells[0].ravel(), whole, cells[1].ravel()]).astype(np.float32)


def _layout_of(sketch: Tensor) -> Tensor:
    """The layout of a sketch, H×W in [-1, 1]; paper is what its outlines leave outside."""
    levels = np.rint((sketch.float().cpu().numpy() + 1.0) * 127.5).astype(np.uint8)
    factor = min(1.0, SKETCH_SIDE / max(levels.shape))
    size = (max(1, round(levels.shape[1] * factor)), max(1, round(levels.shape[0] * factor)))
    small = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    paper = 1.0 - figure_mask(Image.fromarray(small))
    return torch.from_numpy(layout(paper, 1.0 - small.astype(np.float32) / 255.0))
