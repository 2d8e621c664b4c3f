"""Layers that more than one model uses."""

from __future__ import annotations

import torch
from torch import nn

__all__ = ["FiLM", "PaletteEmbedding", "norm"]


def norm(channels: int) -> nn.GroupNorm:
    """Group normalisation, which unlike batch normalisation does not depend on the batch size."""
    return nn.GroupNorm(min(8, channels), channels)


class PaletteEmbedding(nn.Module):
    """Palette → one vector; a learned vector represents "no palette".

    Each colour with its weight is mapped by the same layers. The results are pooled by a weighted
    sum and by the mean, so the order of the colours does not matter (as in Zaheer et al. 2017).

    Args:
        width: of the vector.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.lift = nn.Sequential(nn.Linear(4, 128), nn.SiLU(), nn.Linear(128, 128), nn.SiLU())
        self.project = nn.Linear(256, width)
        self.absent = nn.Parameter(torch.zeros(width))

    def forward(
        self,
        batch: int,
        palette: torch.Tensor | None,
        weights: torch.Tensor | None,
        present: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Embed palettes.

        Args:
            batch: B.
            palette: B×K×3 in [-1, 1], or None for no palette at all.
            weights: B×K; colours of weight 0 are ignored.
            present: B bool, which samples have a palette; None: all.

        Returns:
            B×width.
        """
        absent = self.absent.expand(batch, -1)
        if palette is None or weights is None:
            return absent
        lifted = self.lift(torch.cat([palette, weights[..., None]], dim=2))  # (B, K, 128)
        used = (weights > 0)[..., None].to(lifted.dtype)
        pooled = torch.cat(
            [(lifted * weights[..., None]).sum(1), (lifted * used).sum(1) / used.sum(1)], dim=1
        )
        vector = self.project(pooled)
        if present is None:
            return vector
        return torch.where(present[:, None], vector, absent.to(vector.dtype))


class FiLM(nn.Module):
    """Feature-wise scale and shift from a vector (Perez et al. 2018), initially the identity."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(width, 2 * channels)
        nn.init.zeros_(self.affine.weight)
        nn.init.zeros_(self.affine.bias)

    def forward(self, features: torch.Tensor, vector: torch.Tensor) -> torch.Tensor:
        scale, shift = self.affine(vector)[..., None, None].chunk(2, dim=1)
        return features * (1.0 + scale) + shift
