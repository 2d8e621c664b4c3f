"""Grover & Banker's networks: colour hints by random white-out, section 4.2.1.

The text prints 5×5 filters of stride 2, widths that double from 64, convolution → ReLU → batch
norm, leaky ReLU and training at 64×64; its figures 6 to 8 carry the rest. The depth is chosen so
that 64² ends at 4×4, which is where doubling from 64 reaches the 512 of DCGAN.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .outputs import GeneratorOutput

__all__ = ["WhiteOutDiscriminator", "WhiteOutGenerator"]

SLOPE = 0.2  # of the leaky ReLU; not printed, DCGAN's
PLANES = 1 + 4  # sketch and hint map


class StrideLayer(nn.Module):
    """5×5 convolution of stride 2, leaky ReLU, batch norm; information also passes beside them.

    Section 4.2.1, "Residual Connections", only says that layers work on what came before and
    that the lines can pass "without passing each layer". Chosen: a 1×1 convolution around
    every layer. Going down it sees averages, so that a line one pixel wide leaves a trace.

    Args:
        up: transposed convolution, which doubles the size; else it is halved.
    """

    def __init__(self, in_channels: int, out_channels: int, up: bool) -> None:
        super().__init__()
        past = nn.Conv2d(in_channels, out_channels, 1)
        if up:
            convolution = _transposed(in_channels, out_channels)
            self.shortcut = nn.Sequential(past, nn.Upsample(scale_factor=2.0, mode="nearest"))
        else:
            convolution = _strided(in_channels, out_channels)
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), past)
        self.body = nn.Sequential(convolution, nn.LeakyReLU(SLOPE), nn.BatchNorm2d(out_channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.body(features) + self.shortcut(features)


class WhiteOutGenerator(ModelMixin, ConfigMixin):
    """5×5 stride-2 U-Net with residual connections, told blurred colours as a hint map.

    Departures: hints have a fourth plane, the mask, because a sketch can come with none. The
    noise that section 4.2 adds to sketches is left out: how much of it is not printed.

    Args:
        channels: width per encoder layer, each of which halves the size; 10 M parameters.
    """

    conditions = ("hints",)

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        widths = [PLANES, *channels]
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(StrideLayer(a, b, up=False) for a, b in pairs)
        self.up = nn.ModuleList()
        for out, width in reversed(pairs[1:]):
            # All but the innermost layer also see the encoder's features of their size.
            inputs = 2 * width if len(self.up) else width
            self.up.append(StrideLayer(inputs, out, up=True))
        # Not normalised, and squashed by tanh: neither is printed, both are DCGAN's.
        self.outlet = _transposed(2 * channels[0], 3)
        # The input is of the picture's size too: lines reach the result unchanged.
        self.reference = nn.Conv2d(PLANES, 3, 1)

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return 2 ** len(self.config.channels)

    def forward(
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1].
            hints: B×4×H×W hint map, in the paper's training all of it a blurred picture.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].
        """
        planes = _planes(sketch, hints)
        features = planes
        skips = []
        for layer in self.down:
            features = layer(features)
            skips.append(features)
        features = skips.pop()
        for layer in self.up:
            features = torch.cat([layer(features), skips.pop()], dim=1)
        return GeneratorOutput(image=torch.tanh(self.outlet(features) + self.reference(planes)))


class WhiteOutDiscriminator(ModelMixin, ConfigMixin):
    """5×5 stride-2 convolutions and one fully connected layer (section 4.2.2, figure 8).

    Departure: it also sees the sketch; the paper's D(x, z_hint) names picture and hint only.

    Args:
        channels: width per convolution, each of which halves the size.
        sample_size: side of the pictures, which the fully connected layer fixes.
    """

    sees_hints = True

    @register_to_config
    def __init__(
        self, channels: tuple[int, ...] = (64, 128, 256, 512), sample_size: int = 64
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = PLANES + 3
        for index, width in enumerate(channels):
            layers += [_strided(previous, width), nn.LeakyReLU(SLOPE)]
            if index:  # the first layer sees the pictures' own statistics, as in DCGAN
                layers.append(nn.BatchNorm2d(width))
            previous = width
        self.layers = nn.Sequential(*layers)
        side = sample_size // 2 ** len(channels)
        self.head = nn.Linear(previous * side**2, 1)

    def forward(
        self, sketch: torch.Tensor, colour: torch.Tensor, hints: torch.Tensor | None = None
    ) -> torch.Tensor:
        """B×1 scores (logits): how real a colour picture is for this sketch and these hints.

        Args:
            sketch: B×1×S×S in [-1, 1], S = ``sample_size``.
            colour: B×3×S×S in [-1, 1].
            hints: B×4×S×S hint map.

        Raises:
            ValueError: the pictures have another size.
        """
        side = self.config.sample_size
        if colour.shape[2:] != (side, side):
            height, width = colour.shape[2:]
            raise ValueError(
                f"This discriminator judges {side}×{side} pictures, not {width}×{height}."
            )
        features = self.layers(torch.cat([_planes(sketch, hints), colour], dim=1))
        return self.head(features.flatten(1))


def _strided(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 5, stride=2, padding=2)


def _transposed(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 5, stride=2, padding=2, output_padding=1)


def _planes(sketch: torch.Tensor, hints: torch.Tensor | None) -> torch.Tensor:
    """B×5×H×W: sketch and hint map, which is zero without hints."""
    if hints is None:
        hints = sketch.new_zeros(sketch.shape[0], 4, *sketch.shape[2:])
    return torch.cat([sketch, hints], dim=1).to(memory_format=torch.channels_last)
