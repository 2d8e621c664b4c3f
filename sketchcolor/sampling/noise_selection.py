"""Which of a few noises a colouring starts from: the one that promises the skin that is due.

Much of what a flow paints is settled by its noise, and some noises paint faces blue or brown. One
look at a noise tells roughly what it would become. A palette that was guessed says how much skin
pictures like this one have; nobody asked for another start, so the better one may be taken.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch

from ..conditions.palette import is_skin

__all__ = ["STARTS", "promising"]

STARTS = 2  # noises looked at: a third and a fourth are hardly better, and every one takes time


def promising(
    looks: Sequence[torch.Tensor],
    palette: torch.Tensor,
    weights: torch.Tensor,
) -> np.ndarray:
    """For each picture the start whose look has the most skin; more than the palette's is no merit.

    Args:
        looks: what each noise would become, B×3×h×w in about [-1, 1].
        palette: B×K×3 in [-1, 1]. weights: B×K, sum 1.

    Returns:
        B indices of ``looks``; the first of equals.
    """
    due = (is_skin(_lab(palette)) * weights.float().cpu().numpy()).sum(axis=1)
    colours = [look.clamp(-1.0, 1.0).permute(0, 2, 3, 1) for look in looks]
    shown = [is_skin(_lab(seen)).mean(axis=(1, 2)) for seen in colours]
    return np.minimum(shown, due).argmax(axis=0)


def _lab(colours: torch.Tensor) -> np.ndarray:
    """…×3 in [-1, 1] → CIELAB."""
    rows = colours.float().cpu().numpy().reshape(1, -1, 3)
    return cv2.cvtColor((rows + 1.0) / 2.0, cv2.COLOR_RGB2LAB).reshape(colours.shape)
