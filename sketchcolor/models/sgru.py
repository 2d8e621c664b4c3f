"""Second stage: the swish-gated residual U-Net of Liu, Chen & Hu (2019), as a refiner."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .blocks import FiLM, PaletteEmbedding, norm
from .outputs import GeneratorOutput

__all__ = ["SwishGatedRefiner"]


class SwishGate(nn.Module):
    """x · σ(W x): the gate through which shortcuts pass."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(channels, channels, 1)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features * torch.sigmoid(self.weight(features))


class SwishGatedBlock(nn.Module):
    """Two 3×3 convolutions beside a swish-gated shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.inlet = nn.Conv2d(in_channels, out_channels, 1)
        self.gate = SwishGate(out_channels)
        self.body = nn.Sequential(
            norm(out_channels),
            nn.SiLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
            norm(out_channels),
            nn.SiLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        features = self.inlet(features)
        return self.gate(features) + self.body(features)


class SwishGatedRefiner(ModelMixin, ConfigMixin):
    """Line art + a soft colour proposal → colour at the line art's resolution.

    Fully convolutional. The full resolution is handled as 2×2 patches, which costs a
    quarter of the arithmetic where it is most expensive; the artist's own lines are
    composited from the original later, so nothing visible is lost.

    Args:
        channels: width per resolution, from half the sketch's size downwards.
        proposal: whether a first-stage proposal is expected; without it the model is a
            single-stage colourizer.
    """

    conditions = ("hints", "palette")

    @register_to_config
    def __init__(
        self, channels: tuple[int, ...] = (32, 64, 128, 192), proposal: bool = True
    ) -> None:
        super().__init__()
        self.patch = 2
        planes = 1 + 4 + (3 if proposal else 0)
        self.inlet = nn.Conv2d(planes * self.patch**2, channels[0], 3, padding=1)
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.down = nn.ModuleList(SwishGatedBlock(a, a) for a in channels[:-1])
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.middle = nn.Sequential(*(SwishGatedBlock(channels[-1], channels[-1]) for _ in "ab"))
        self.skips = nn.ModuleList(SwishGate(a) for a in channels[:-1])
        self.up = nn.ModuleList(SwishGatedBlock(a + b, a) for a, b in pairs)
        self.palette = PaletteEmbedding(128)
        self.modulate = FiLM(128, channels[-1])
        self.outlet = nn.Sequential(
            norm(channels[0]), nn.SiLU(), nn.Conv2d(channels[0], 3 * self.patch**2, 3, padding=1)
        )
        nn.init.zeros_(self.outlet[-1].weight)

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return self.patch * 2 ** (len(self.config.channels) - 1)

    def forward(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        proposal: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1].
            hints: B×4×H×W hint map.
            palette: B×K×3 in [-1, 1]. weights: B×K. palette_present: B bool.
            proposal: B×3×h×w in [-1, 1], any size; resized to H×W.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].

        Raises:
            ValueError: a proposal is missing or not wanted.
        """
        if (proposal is not None) != self.config.proposal:
            wanted = "needs" if self.config.proposal else "does not take"
            raise ValueError(f"This generator {wanted} a colour proposal.")
        if hints is None:
            hints = sketch.new_zeros(sketch.shape[0], 4, *sketch.shape[2:])
        planes = [sketch, hints]
        base = None
        if proposal is not None:
            base = F.interpolate(proposal, sketch.shape[2:], mode="bilinear", antialias=False)
            planes.append(base)
        features = F.pixel_unshuffle(torch.cat(planes, dim=1), self.patch)
        features = self.inlet(features.to(memory_format=torch.channels_last))
        shortcuts = []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            features = block(features)
            shortcuts.append(features)
            features = shrink(features)
        vector = self.palette(sketch.shape[0], palette, weights, palette_present)
        features = self.middle(self.modulate(features, vector))
        for level in reversed(range(len(self.up))):
            features = F.interpolate(features, scale_factor=2.0, mode="nearest")
            gated = self.skips[level](shortcuts[level])
            features = self.up[level](torch.cat([gated, features], dim=1))
        image = F.pixel_shuffle(self.outlet(features), self.patch)
        # The proposal is a first guess in colour space: the network learns what to change.
        image = image if base is None else image + base
        return GeneratorOutput(image=image.clamp(-1.0, 1.0) if not self.training else image)
