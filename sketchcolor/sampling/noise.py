"""The noise that a proposal starts from, arranged after the drawing.

What changes slowly across the noise outlives a flow's few steps: a dark cloud over a face comes out
as a dark face, a green one across the hair as green strands (that slow parts decide is what Wu et
al. 2023, FreeInit, found for videos). So the slow part of what is drawn here is one value per
region between the lines, and brightness, which the sketch says more about than about hue, is left
less to chance than tint. All weights were chosen by measuring, see ``model_cards/experiments.md``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch

from ..lineart.geodesic import crossing_cost, nearest_seed, soften
from .seeds import Generators

__all__ = ["starting_noise"]

SLOW = 4.0  # σ in cells: what is left of the noise after such a blur is its slow part
REGIONS = 4  # per side; each takes its value at its centre and ends where lines do
SOFTENING = 4  # passes that blend where two regions meet without a line
KEPT = 4  # drawings whose regions are known: starts, variants and strokes ask for the same ones


class Weights(NamedTuple):
    """How much of white noise is kept: its mean, its regions' values, and all that is finer."""

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
    slow = cv2.GaussianBlur(white, (0, 0), SLOW)
    mean = slow.mean((0, 1), keepdims=True)
    cost, centre = _regions(ink.tobytes(), ink.shape, white.shape[:2])
    values = (slow - mean).reshape(-1, 3)[centre]
    regions = soften(values, cost, np.zeros(cost.shape, bool), SOFTENING)
    return sum(
        np.float32(loud) * _brightness(part) + np.float32(tinted) * (part - _brightness(part))
        for part, loud, tinted in zip((mean, regions, white - slow), BRIGHTNESS, TINT, strict=True)
    )


@lru_cache(maxsize=KEPT)
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
