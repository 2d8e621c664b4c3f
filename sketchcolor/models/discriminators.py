"""Patch discriminators, conditioned on the sketch and, if asked for, on the palette."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm as with_spectral_norm

from .proposer import constant_planes

__all__ = ["PatchDiscriminator"]


class PatchDiscriminator(ModelMixin, ConfigMixin):
    """PatchGAN: scores overlapping patches of sketch and colour as real or generated.

    With the default channels this is the 70×70 PatchGAN of Isola et al. 2017: 256² in,
    30×30 scores out (table 1 of W. Zhang's paper).

    Args:
        channels: width per 4×4 convolution; all but the last halve the size.
        spectral_norm: normalise the weights (Miyato et al. 2018).
        batch_norm: batch normalisation after all but the first convolution.
        sees_sketch: False for a discriminator that judges the colour picture alone (Liao, Ahmed &
            Shrestha, equation 3; L_d of Liu, Chen & Hu).
        palette_colours: colours of the palette that it sees as constant planes, as in tlwh1179's
            code; 0 for none.
    """

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (64, 128, 256, 512),
        spectral_norm: bool = False,
        batch_norm: bool = False,
        sees_sketch: bool = True,
        palette_colours: int = 0,
    ) -> None:
        super().__init__()
        wrap = with_spectral_norm if spectral_norm else lambda layer: layer
        layers: list[nn.Module] = []
        previous = 3 + int(sees_sketch) + 3 * palette_colours
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

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that it takes besides the sketch."""
        return ("palette",) if self.config.palette_colours else ()

    def forward(
        self,
        sketch: torch.Tensor,
        colour: torch.Tensor,
        palette: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Score colour pictures.

        Args:
            sketch: B×1×H×W in [-1, 1]; not looked at without ``sees_sketch``.
            colour: B×3×H×W in [-1, 1].
            palette: B×K×3 in [-1, 1], only for ``palette_colours`` K. palette_present: B bool.

        Returns:
            B×1×h×w scores (logits).
        """
        planes = [sketch] if self.config.sees_sketch else []
        if self.config.palette_colours:
            planes.append(constant_planes(palette, palette_present, sketch))
        pictures = torch.cat([*planes, colour], dim=1)
        return self.layers(pictures.to(memory_format=torch.channels_last))
