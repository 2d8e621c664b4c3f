"""Patch discriminators, conditioned on the sketch."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

__all__ = ["PatchDiscriminator"]


class PatchDiscriminator(ModelMixin, ConfigMixin):
    """PatchGAN: scores overlapping patches of sketch and colour as real or generated.

    With the default channels this is the 70×70 PatchGAN of Isola et al. 2017: 256² in,
    30×30 scores out (table 1 of W. Zhang's paper).

    Args:
        channels: width per 4×4 convolution; all but the last halve the size.
        spectral_norm: normalise the weights (Miyato et al. 2018).
        batch_norm: batch normalisation after all but the first convolution.
    """

    sees_hints = False

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        spectral_norm: bool = False,
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        wrap = with_spectral_norm if spectral_norm else lambda layer: layer
        layers: list[nn.Module] = []
        previous = 4
        for index, width in enumerate(channels):
            last = index == len(channels) - 1
            normed = batch_norm and index > 0
            stride = 1 if last else 2
            layers.append(wrap(nn.Conv2d(previous, width, 4, stride, padding=1, bias=not normed)))
            if normed:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.LeakyReLU(0.2))
            previous = width
        layers.append(wrap(nn.Conv2d(previous, 1, 4, padding=1)))
        self.layers = nn.Sequential(*layers)

    def forward(self, sketch: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        """B×1×h×w scores (logits) of B×1×H×W sketches with B×3×H×W colour pictures."""
        pair = torch.cat([sketch, colour], dim=1)
        return self.layers(pair.to(memory_format=torch.channels_last))
