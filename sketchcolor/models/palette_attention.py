"""tlwh1179's generator: "Anime Sketch Colorizer with reference image", an attention U-Net.

The text gives the blocks and the 30 input planes but no widths, depth, kernels or number of groups.
Widths, depth and kernels are those of the author's code
(github.com/delta6189/Anime-Sketch-Colorizer); other choices are stated where they are made.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.utils.torch_utils import randn_tensor
from torch import nn

from ..conditions.palette import DEFAULT_SIZE
from .blocks import norm
from .outputs import GeneratorOutput
from .proposer import constant_planes

__all__ = ["PaletteAttentionGenerator"]

SKETCH_PLANES = 3  # the paper's sketches are RGB files: 3 + 27 = 30 planes (section 1.4)

Noise = torch.Generator | list[torch.Generator] | None


class StandardisedConv(nn.Conv2d):
    """Convolution whose filters have mean 0 and one common variance (Qiao et al. 2019).

    Departure: the variance is 1 / fan-in instead of 1. Before a normalisation both are equivalent,
    but the gates and the last layer are not normalised and would be saturated initially.
    """

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        variance, mean = torch.var_mean(self.weight, (1, 2, 3), correction=0, keepdim=True)
        fan_in = self.weight[0].numel()
        weight = (self.weight - mean) * torch.rsqrt(fan_in * variance + 1e-5)
        return F.conv2d(features, weight, self.bias, self.stride, self.padding)


class ResidualBlock(nn.Module):
    """Section 1.1: two 3×3 convolutions with a shortcut, then a resampling layer.

    Departure: 8 groups per normalisation, as elsewhere in this package, instead of the 32 of the
    author's code. With 32, the last block would have one channel per group, and normalisation would
    remove the channels' means, which represent the picture's overall colour.

    Args:
        sampling: ``down`` halves the size by max-pooling, ``up`` doubles it, None does neither.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        sampling: Literal["down", "up"] | None = None,
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            StandardisedConv(in_channels, out_channels, 3, padding=1, bias=False),
            norm(out_channels),
            nn.ReLU(),
            StandardisedConv(out_channels, out_channels, 3, padding=1, bias=False),
            norm(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.shortcut = nn.Sequential(
                StandardisedConv(in_channels, out_channels, 1, bias=False), norm(out_channels)
            )
        self.sampling: nn.Module = nn.Identity()
        if sampling == "down":
            self.sampling = nn.MaxPool2d(3, stride=2, padding=1)
        elif sampling == "up":
            self.sampling = nn.Upsample(scale_factor=2.0, mode="nearest")

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.sampling(F.relu(self.body(features) + self.shortcut(features)))


class AttentionGate(nn.Module):
    """Section 1.2: attention weights for a skip connection (Oktay et al. 2018).

    As in equation 1 there, the weight is not normalised before its sigmoid.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.asked = nn.Sequential(StandardisedConv(channels, inner, 1), norm(inner))
        self.offered = nn.Sequential(StandardisedConv(channels, inner, 1), norm(inner))
        self.weight = StandardisedConv(inner, 1, 1)

    def forward(self, skip: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """B×C×h×w: the skip's features times their weights; both arguments have this shape."""
        agreement = F.relu(self.asked(features) + self.offered(skip))
        return skip * torch.sigmoid(self.weight(agreement))


class NoiseInjection(nn.Module):
    """Section 1.3: one plane of Gaussian noise, scaled per channel by a learned weight.

    The weights are initially zero (Karras et al. 2019), so that a new network is deterministic.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, features: torch.Tensor, generator: Noise) -> torch.Tensor:
        # Always float32, so that a seed gives the same noise in half precision.
        shape = (features.shape[0], 1, *features.shape[2:])
        noise = randn_tensor(shape, generator, features.device, torch.float32)
        return features + (self.scale * noise).to(features.dtype)


class DecodingBlock(nn.Module):
    """Section 1.3: gates and merges the skip, injects noise, doubles the resolution."""

    def __init__(self, channels: int, out_channels: int) -> None:
        super().__init__()
        self.gate = AttentionGate(channels)
        self.merge = ResidualBlock(2 * channels, channels)
        self.noise = NoiseInjection(channels)
        self.rise = ResidualBlock(channels, out_channels, "up")

    def forward(self, features: torch.Tensor, skip: torch.Tensor, generator: Noise) -> torch.Tensor:
        """B×out_channels×2h×2w from B×channels×h×w features and skip."""
        features = torch.cat([features, self.gate(skip, features)], dim=1)
        return self.rise(self.noise(self.merge(features), generator))


class PaletteAttentionGenerator(ModelMixin, ConfigMixin):
    """Residual U-Net with gated skips; the palette is 27 constant input planes (section 1.4).

    Args:
        channels: width per encoder block, each of which halves the size. The decoder mirrors
            them and ends at half of the first. 7 blocks take 256² to 2×2; 62 M parameters.
    """

    conditions = ("palette",)
    draws_noise = True

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512)) -> None:
        super().__init__()
        widths = [SKETCH_PLANES + 3 * DEFAULT_SIZE, *channels]
        self.down = nn.ModuleList(
            ResidualBlock(a, b, "down") for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        # The innermost features have no skip connection.
        self.noise_below = NoiseInjection(channels[-1])
        self.rise = ResidualBlock(channels[-1], channels[-2], "up")
        last = channels[0] // 2
        risen = [last, *channels[:-2]]
        self.up = nn.ModuleList(
            DecodingBlock(width, out)
            for width, out in reversed(list(zip(channels[:-1], risen, strict=True)))
        )
        self.noise_above = NoiseInjection(last)
        self.outlet = StandardisedConv(last, 3, 3, padding=1)

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return 2 ** len(self.config.channels)

    def forward(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
        generator: Noise = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1].
            hints: must be None.
            palette: B×9×3 in [-1, 1], heaviest first. palette_present: B bool.
            weights: B×9, unused: the paper's planes have the colours without their shares.
            generator: of the injected noise, one for the batch or one per picture.

        Returns:
            ``image`` B×3×H×W in [-1, 1].

        Raises:
            ValueError: hints are given.
        """
        if hints is not None:
            raise ValueError("This generator does not take hints.")
        # Departure: planes of zeros represent no palette; the paper always has a reference.
        colours = constant_planes(palette, palette_present, sketch)
        features = torch.cat([sketch.expand(-1, SKETCH_PLANES, -1, -1), colours], dim=1)
        features = features.to(memory_format=torch.channels_last)
        skips = []
        for block in self.down:
            features = block(features)
            skips.append(features)
        features = self.rise(self.noise_below(skips.pop(), generator))
        for block in self.up:
            features = block(features, skips.pop(), generator)
        features = self.noise_above(features, generator)
        return GeneratorOutput(image=torch.tanh(self.outlet(features)))
