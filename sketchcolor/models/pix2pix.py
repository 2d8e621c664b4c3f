"""The U-Net of pix2pix (Isola et al. 2017): 8 levels down to 1×1, dropout as noise."""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .outputs import GeneratorOutput

__all__ = ["CHANNELS", "Pix2PixGenerator"]

CHANNELS = (64, 128, 256, 512, 512, 512, 512, 512)  # per level, the list of Liao, Ahmed & Shrestha


class Pix2PixGenerator(ModelMixin, ConfigMixin):
    """4×4 stride-2 encoder and decoder with skip connections; 54 M parameters at 8 levels.

    Args:
        channels: width per encoder level. 8 levels take 256² to 1×1.
        dropout: in the first three decoder blocks.
    """

    conditions: tuple[str, ...] = ()

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = CHANNELS,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        levels = len(channels)
        self.down = nn.ModuleList()
        for level, width in enumerate(channels):
            # Neither the outermost nor the innermost level is normalised (Liao, Ahmed & Shrestha,
            # 3.1.1).
            inner = 0 < level < levels - 1
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
            previous = channels[level - 1] if level else 1
            layers.append(nn.Conv2d(previous, width, 4, 2, 1, bias=not inner))
            if inner:
                layers.append(nn.BatchNorm2d(width))
            self.down.append(nn.Sequential(*layers))
        self.up = nn.ModuleList()
        for level in reversed(range(levels)):
            inputs = channels[level] * (1 if level == levels - 1 else 2)
            if level == 0:
                self.up.append(
                    nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(inputs, 3, 4, 2, 1), nn.Tanh())
                )
                continue
            width = channels[level - 1]
            layers = [
                nn.ReLU(),
                nn.ConvTranspose2d(inputs, width, 4, 2, 1, bias=False),
                nn.BatchNorm2d(width),
            ]
            # "Only the first three decoder blocks" (Liao, Ahmed & Shrestha, 3.1.1).
            if level > levels - 4:
                layers.append(nn.Dropout(dropout))
            self.up.append(nn.Sequential(*layers))

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return 2 ** len(self.config.channels)

    def forward(
        self, sketch: torch.Tensor, generator: torch.Generator | None = None
    ) -> GeneratorOutput:
        """``image`` B×3×H×W in [-1, 1] for a B×1×H×W sketch in [-1, 1]."""
        features = sketch.to(memory_format=torch.channels_last)
        shortcuts = []
        for block in self.down:
            features = block(features)
            shortcuts.append(features)
        features = shortcuts.pop()
        for index, block in enumerate(self.up):
            if index:
                features = torch.cat([features, shortcuts.pop()], dim=1)
            features = block(features)
        return GeneratorOutput(image=features)
