"""Selects, of a few noises, the one from which a colouring starts.

Much of what a flow paints is settled by its noise, and some noises become blue or brown faces. One
evaluation of the network on a noise tells roughly what it would become. A palette that was drawn
from the palette prior says how much skin pictures like this one have. Nobody asked for a certain
noise, so the better one may be taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..colour_space import signed_to_lab
from ..conditions.palette import is_skin

__all__ = ["CANDIDATES", "select_noise"]

CANDIDATES = 2  # noises: a third and a fourth are hardly better, and every one takes time


def select_noise(
    x0_predictions: Sequence[torch.Tensor],
    palette: torch.Tensor,
    weights: torch.Tensor,
) -> np.ndarray:
    """The index of the noise whose one-step prediction has most skin, for each picture.

    Skin counts up to the palette's share of it; more is no advantage.

    Args:
        x0_predictions: what each noise would become, B×3×h×w in about [-1, 1].
        palette: B×K×3 in [-1, 1]. weights: B×K, sum 1.

    Returns:
        B indices of ``x0_predictions``; the first of equals.
    """
    expected = (is_skin(signed_to_lab(palette)) * weights.float().cpu().numpy()).sum(axis=1)
    pictures = [each.clamp(-1.0, 1.0).permute(0, 2, 3, 1) for each in x0_predictions]
    shares = [is_skin(signed_to_lab(picture)).mean(axis=(1, 2)) for picture in pictures]
    return np.minimum(shares, expected).argmax(axis=0)
