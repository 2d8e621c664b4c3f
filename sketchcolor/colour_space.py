"""sRGB and CIELAB (D65): the one place where colours are converted.

Differences between colours are measured in CIELAB, where they are about as large as people see
them: L is 0 (black) to 100 (white), a and b are 0 for grey.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

__all__ = ["lab_planes", "lab_to_rgb", "rgb_to_lab", "signed_to_lab"]


def rgb_to_lab(rgb: np.ndarray) -> np.ndarray:
    """…×3 sRGB in [0, 1] → …×3 float32 CIELAB."""
    rows = np.ascontiguousarray(rgb, np.float32).reshape(1, -1, 3)
    return cv2.cvtColor(rows, cv2.COLOR_RGB2LAB).reshape(np.shape(rgb))


def lab_to_rgb(lab: np.ndarray) -> np.ndarray:
    """…×3 CIELAB → …×3 float32 sRGB in [0, 1]; what sRGB does not have is clipped."""
    rows = np.ascontiguousarray(lab, np.float32).reshape(1, -1, 3)
    return np.clip(cv2.cvtColor(rows, cv2.COLOR_LAB2RGB), 0.0, 1.0).reshape(np.shape(lab))


def signed_to_lab(colours: torch.Tensor | np.ndarray) -> np.ndarray:
    """…×3 sRGB in [-1, 1], the range of networks, → …×3 float32 CIELAB."""
    if isinstance(colours, torch.Tensor):
        colours = colours.float().cpu().numpy()
    return rgb_to_lab((colours + 1.0) / 2.0)


def lab_planes(colour: torch.Tensor) -> torch.Tensor:
    """B×3×h×w sRGB in [-1, 1] → B×3×h×w CIELAB; gradients pass."""
    rgb = ((colour.float() + 1.0) / 2.0).clamp(0.0, 1.0)
    linear = torch.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    matrix = linear.new_tensor(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    ) / linear.new_tensor([[0.95047], [1.0], [1.08883]])
    xyz = torch.einsum("ij,bjhw->bihw", matrix, linear)
    f = torch.where(xyz > 0.008856, xyz.clamp(min=1e-6) ** (1 / 3), 7.787 * xyz + 16 / 116)
    x, y, z = f.unbind(1)
    return torch.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], dim=1)
