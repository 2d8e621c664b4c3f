"""Corrects the picture around each stroke so that the stroke has exactly the colour it asks for.

A network learns what a hint means, but nothing forces it to paint the very colour of the hint. So
the difference between each hint and the picture under it is added to the region that the lines
close around the hint. Shading stays, because the difference is spread and not the colour.

Distances are geodesic, see ``lineart.geodesic``: a region ends at the lines.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from ..lineart.geodesic import WALL_COST, crossing_cost, nearest_seed, soften

__all__ = ["propagate_hints"]

GRID = 224  # cells along the longer side; distances need no finer picture
FULL_REACH, FADE = 0.12, 0.22  # of the longer side: full effect up to here, then falling over this
FLAT = 0.02  # mean deviation, in [-1, 1] units, up to which a painted area is one stroke
LOCAL = 0.03  # of the longer side: the picture is softened so much under an area of many colours
SOFTENING = 24  # passes that blend where two hints' regions meet


def propagate_hints(
    colour: torch.Tensor, sketch: torch.Tensor, hint_map: torch.Tensor
) -> torch.Tensor:
    """Bring a picture to its hints, inside the lines around them.

    Args:
        colour: B×3×H×W in [-1, 1], the network's picture.
        sketch: B×1×H×W in [-1, 1].
        hint_map: B×4×H×W.

    Returns:
        B×3×H×W in [-1, 1]; pictures without a hint come back as they are.
    """
    pictures = []
    for picture, lines, hints in zip(colour, sketch, hint_map, strict=True):
        if hints[3].any():
            image = picture.permute(1, 2, 0).float().cpu().numpy()
            ink = (1.0 - lines[0].float().cpu().numpy()) / 2.0
            change = _change(image, ink, hints.permute(1, 2, 0).float().cpu().numpy())
            moved = np.clip(image + change, -1.0, 1.0).transpose(2, 0, 1)
            picture = torch.from_numpy(moved).to(colour.device, colour.dtype)
        pictures.append(picture)
    return torch.stack(pictures)


def _change(image: np.ndarray, ink: np.ndarray, hints: np.ndarray) -> np.ndarray:
    """H×W×3 to add. ``image`` H×W×3, ``ink`` H×W in [0, 1], ``hints`` H×W×4."""
    height, width = ink.shape
    long = max(height, width)
    mask = hints[..., 3] > 0
    wanted = (hints[..., :3] - _under(image, hints, mask)) * mask[..., None]

    scale = min(1.0, GRID / long)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cost = crossing_cost(ink, size, WALL_COST)
    painted = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    cells = cv2.resize(wanted, size, interpolation=cv2.INTER_AREA)
    cells /= np.maximum(painted, 1e-6)[..., None]
    seeds = np.flatnonzero(painted.ravel() > 0)
    distance, nearest = nearest_seed(cost, seeds)
    fall = np.maximum(0.0, distance / max(size) - FULL_REACH) / FADE
    spread = cells.reshape(-1, 3)[nearest] * np.exp(-(fall**2))[..., None]
    spread = soften(spread.astype(np.float32), cost, painted > 0, SOFTENING)
    large = cv2.resize(spread, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.where(mask[..., None], wanted, large)


def _under(image: np.ndarray, hints: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What the picture shows under each hint: one colour per stroke, so that shading stays.

    Where one painted area has many colours, as in a picture that was painted over the sketch, it is
    the softened picture.
    """
    count, labels = cv2.connectedComponents(mask.astype(np.uint8))
    size = np.maximum(np.bincount(labels.ravel(), minlength=count), 1)

    def mean(values: np.ndarray) -> np.ndarray:
        sums = [np.bincount(labels.ravel(), v.ravel(), count) for v in np.moveaxis(values, 2, 0)]
        return (np.stack(sums, axis=1) / size[:, None]).astype(np.float32)[labels]

    deviation = np.abs(hints[..., :3] - mean(hints[..., :3])).max(axis=2)
    flat = mean(deviation[..., None]) < FLAT
    window = 2 * int(LOCAL * max(mask.shape) / 2) + 1
    share = cv2.blur(mask.astype(np.float32), (window, window))[..., None]
    soft = cv2.blur(image * mask[..., None], (window, window)) / np.maximum(share, 1e-6)
    return np.where(flat, mean(image), soft)
