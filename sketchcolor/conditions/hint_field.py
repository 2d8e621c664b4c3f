"""The hint field: hints as the proposer takes them, spread over the regions between the lines.

A few painted pixels say little to a small network, which would have to find out by itself which
region they are about. So the hint map is spread beforehand: each cell takes the colour of the hint
that is nearest along a path that avoids ink, with a confidence that falls with the path's length.
It is Grover & Banker's "blurred colour", but it stops at lines.
"""

from __future__ import annotations

import numpy as np
import torch

from ..lineart.geodesic import crossing_cost, nearest_seed, soften
from .hints import reduce

__all__ = ["hint_field", "influence"]

REACH = 0.2  # of the longer side: the length over which confidence falls to 1/e
INFLUENCE = (
    0.03,
    0.2,
)  # confidence from which the hinted picture fades in, and at which it is alone
SOFTENING = 8  # passes that blend where two hints' regions meet


def hint_field(hints: torch.Tensor, sketch: torch.Tensor, factor: int) -> torch.Tensor:
    """Spread hint maps over the regions that they are about.

    Args:
        hints: B×4×H×W hint maps.
        sketch: B×1×H×W in [-1, 1].
        factor: how many times smaller the field is; divides H and W.

    Returns:
        B×4×(H/factor)×(W/factor): colours in [-1, 1] times confidence, then confidence in
        [0, 1], which is 1 where painted and 0 everywhere without a hint.
    """
    fields = reduce(hints, factor).float().cpu().numpy()
    ink = (1.0 - sketch[:, 0].float().cpu().numpy()) / 2.0
    for field, lines in zip(fields, ink, strict=True):
        if field[3].any():
            field[:] = _spread(field.transpose(1, 2, 0), lines).transpose(2, 0, 1)
    return torch.from_numpy(fields).to(hints.device, hints.dtype)


def influence(field: torch.Tensor) -> torch.Tensor:
    """The share of the picture drawn with hints in the result.

    Args:
        field: B×4×h×w.

    Returns:
        B×1×h×w in [0, 1].
    """
    low, high = INFLUENCE
    share = ((field[:, 3:] - low) / (high - low)).clamp(0.0, 1.0)
    return share * share * (3.0 - 2.0 * share)


def _spread(cells: np.ndarray, ink: np.ndarray) -> np.ndarray:
    """``cells`` h×w×4, ``ink`` H×W in [0, 1] → h×w×4."""
    height, width = cells.shape[:2]
    cost = crossing_cost(ink, (width, height))
    painted = cells[..., 3] > 0
    distance, nearest = nearest_seed(cost, np.flatnonzero(painted))
    colors = soften(cells[..., :3].reshape(-1, 3)[nearest], cost, painted, SOFTENING)
    confidence = np.exp(-distance / (REACH * max(height, width)))[..., None]
    return np.concatenate([colors * confidence, confidence], axis=2).astype(np.float32)
