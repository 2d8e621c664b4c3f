"""The noise that a proposal starts from, fitted to the drawing.

The low frequencies of the noise survive a flow's few steps: a dark area over a face becomes a dark
face, a green one across the hair green strands (Wu et al. 2023, FreeInit, found the same for
videos). So the low frequencies here are one value per region between the lines, and brightness,
which the sketch tells more about than hue, varies less than tint. All weights were chosen by
measuring, see ``model_cards/experiments.md``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch

from ..cache import CAPACITY
from ..lineart.geodesic import crossing_cost, nearest_seed, soften
from .seeds import Generators

__all__ = ["starting_noise"]

LOW_PASS = 4.0  # σ in cells of the blur that leaves the low frequencies
REGIONS = 4  # per side; each takes its value at its centre and ends where lines do
SOFTENING = 4  # passes that blend where two regions meet without a line


class Weights(NamedTuple):
    """Factors of the noise's mean, of its regions' values, and of all that is finer."""

    mean: float
    regions: float
    fine: float


BRIGHTNESS = Weights(mean=0.3, regions=0.3, fine=0.5)
TINT = Weights(mean=2.0, regions=1.3, fine=1.2)


def starting_noise(sketch: torch.Tensor, factor: int, generator: Generators = None) -> torch.Tensor:
    """Noise for each of a batch of sketches.

    Args:
        sketch: B×1×H×W in [-1, 1].
        factor: how many times smaller the noise is; divides H and W.
        generator: one for the batch or one per picture.

    Returns:
        B×3×(H/factor)×(W/factor), on the sketch's device.
    """
    batch, _, height, width = sketch.shape
    shape = (3, height // factor, width // factor)
    if isinstance(generator, list):
        white = torch.stack([torch.randn(shape, generator=g) for g in generator])
    else:
        white = torch.randn((batch, *shape), generator=generator)
    ink = (1.0 - sketch[:, 0].float().cpu().numpy()) / 2.0
    cells = white.permute(0, 2, 3, 1).numpy()
    arranged = np.stack([_arrange(*pair) for pair in zip(cells, ink, strict=True)])
    return torch.from_numpy(arranged).permute(0, 3, 1, 2).to(sketch.device)


def _arrange(white: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """``white`` h×w×3, ``ink`` H×W in [0, 1] → h×w×3."""
    low = cv2.GaussianBlur(white, (0, 0), LOW_PASS)
    mean = low.mean((0, 1), keepdims=True)
    cost, centre = _regions(ink.tobytes(), ink.shape, white.shape[:2])
    values = (low - mean).reshape(-1, 3)[centre]
    regions = soften(values, cost, np.zeros(cost.shape, bool), SOFTENING)
    return sum(
        np.float32(loud) * _brightness(part) + np.float32(tinted) * (part - _brightness(part))
        for part, loud, tinted in zip((mean, regions, white - low), BRIGHTNESS, TINT, strict=True)
    )


@lru_cache(maxsize=CAPACITY)  # noises, variants and strokes ask for the same drawings
def _regions(
    ink: bytes, page: tuple[int, int], cells: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Of float32 ink: what crossing each cell costs, and the centre of its region; both h×w."""
    height, width = cells
    cost = crossing_cost(np.frombuffer(ink, np.float32).reshape(page), (width, height))
    rows, columns = (_centres(length) for length in cells)
    _, centre = nearest_seed(cost, (rows[:, None] * width + columns).ravel())
    return cost, centre


def _centres(length: int) -> np.ndarray:
    """Of ``REGIONS`` equal parts of a side."""
    return ((np.arange(REGIONS) + 0.5) * length / REGIONS).astype(int)


def _brightness(noise: np.ndarray) -> np.ndarray:
    return noise.mean(-1, keepdims=True)
