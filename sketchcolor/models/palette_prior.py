"""The palette prior: draws a palette for sketches that are coloured without one.

Without a palette, a small network tends to average plausible colours to browns; with one it does
not. A palette that the user does not give is therefore taken from a training picture with a similar
layout, chosen by the seed.
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

GRID_SIDE = 3  # cells along a side of a layout's grid
WHITE_WEIGHT = 2.0  # of the white share of the whole picture, relative to that of one cell
SKETCH_SIDE = 256  # px, longer side at which a sketch's layout is measured
SEED_OFFSET = 1 << 40  # so that palettes are independent of the proposal's noise of the same seed


class PalettePrior(ModelMixin, ConfigMixin):
    """Palettes and layouts of many pictures as buffers; it has no trained weights.

    Args:
        size: number of pictures.
        colors: K, of each palette.
        nearest: number of pictures with the most similar layouts among which one is drawn.
    """

    @register_to_config
    def __init__(self, size: int = 2048, colors: int = 9, nearest: int = 96) -> None:
        super().__init__()
        self.register_buffer("palettes", torch.zeros(size, colors, 3))  # [-1, 1]
        self.register_buffer("shares", torch.zeros(size, colors))  # sum 1
        self.register_buffer("layouts", torch.zeros(size, 2 * GRID_SIDE**2 + 1))

    def draw(self, sketch: Tensor, seeds: list[int]) -> tuple[Tensor, Tensor]:
        """One palette per seed.

        Args:
            sketch: 1×1×H×W or B×1×H×W in [-1, 1]; a single one is used for all seeds.
            seeds: of the random choice, one per palette.

        Returns:
            B×K×3 colours in [-1, 1] and B×K weights of sum 1, float32 on the sketch's device.
        """
        layouts = self.layouts.float().cpu()
        chosen = []
        for index, seed in enumerate(seeds):
            if index < len(sketch):
                distance = (layouts - _layout_of(sketch[index, 0])).square().sum(dim=1)
                count = min(self.config.nearest, len(layouts))
                nearest = distance.topk(count, largest=False).indices
            generator = torch.Generator().manual_seed(SEED_OFFSET + seed)
            pick = torch.randint(len(nearest), (1,), generator=generator)
            chosen.append(int(nearest[pick]))
        return self.palettes[chosen].float(), self.shares[chosen].float()


def layout(white: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """A coarse description of where a picture is white and where its lines are.

    Args:
        white, ink: H×W float32 in [0, 1].

    Returns:
        float32: the mean white of each of `GRID_SIDE`² cells, that of the whole picture times
        `WHITE_WEIGHT`, and the mean ink of each cell.
    """
    size = (GRID_SIDE, GRID_SIDE)
    white_cells, ink_cells = (
        cv2.resize(plane, size, interpolation=cv2.INTER_AREA).ravel() for plane in (white, ink)
    )
    whole = np.array([WHITE_WEIGHT * white.mean()])
    return np.concatenate([white_cells, whole, ink_cells]).astype(np.float32)


def _layout_of(sketch: Tensor) -> Tensor:
    """The layout of a sketch, H×W in [-1, 1]; the area outside of its outlines counts as white."""
    levels = np.rint((sketch.float().cpu().numpy() + 1.0) * 127.5).astype(np.uint8)
    factor = min(1.0, SKETCH_SIDE / max(levels.shape))
    size = (max(1, round(levels.shape[1] * factor)), max(1, round(levels.shape[0] * factor)))
    small = cv2.resize(levels, size, interpolation=cv2.INTER_AREA)
    white = 1.0 - figure_mask(Image.fromarray(small))
    return torch.from_numpy(layout(white, 1.0 - small.astype(np.float32) / 255.0))
