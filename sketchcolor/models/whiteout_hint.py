"""Grover & Banker's networks: colour hints by random white-out, section 4.2.1.

The text gives 5×5 filters of stride 2, widths that double from 64, convolution → ReLU → batch norm,
leaky ReLU and training at 64×64; the rest is in its figures 6 to 8. The depth is chosen so that 64²
ends at 4×4, where the width is the 512 of DCGAN.
"""

from __future__ import annotations

import torch
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .outputs import GeneratorOutput

__all__ = ["WhiteOutDiscriminator", "WhiteOutGenerator"]

SLOPE = 0.2  # of the leaky ReLU; DCGAN's, as the paper gives none
HINT_PLANES = 4  # RGB and a mask


class StrideLayer(nn.Module):
    """5×5 convolution of stride 2, leaky ReLU and batch norm, with a shortcut.

    Section 4.2.1, "Residual Connections", says only that lines can pass "without passing each
    layer". Our choice is a 1×1 convolution around every layer, after average pooling where the size
    is halved, so that lines of one pixel are not lost.

    Args:
        up: whether it is a transposed convolution, which doubles the size instead of halving it.
    """

    def __init__(self, in_channels: int, out_channels: int, up: bool) -> None:
        super().__init__()
        projection = nn.Conv2d(in_channels, out_channels, 1)
        convolution: nn.Module
        if up:
            convolution = _transposed(in_channels, out_channels)
            self.shortcut = nn.Sequential(projection, nn.Upsample(scale_factor=2.0, mode="nearest"))
        else:
            convolution = _strided(in_channels, out_channels)
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), projection)
        self.body = nn.Sequential(convolution, nn.LeakyReLU(SLOPE), nn.BatchNorm2d(out_channels))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.body(features) + self.shortcut(features)


class WhiteOutGenerator(ModelMixin, ConfigMixin):
    """5×5 stride-2 U-Net with residual connections, conditioned on blurred colours as a hint map.

    Departures: hints have a fourth plane, the mask, because a sketch can be without any. The noise
    that section 4.2 adds to sketches is left out, as its amount is not given.

    Args:
        channels: width per encoder layer, each of which halves the size; 10 M parameters.
    """

    conditions = ("hints",)

    @register_to_config
    def __init__(self, channels: tuple[int, ...] = (64, 128, 256, 512)) -> None:
        super().__init__()
        widths = [1 + HINT_PLANES, *channels]
        pairs = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(StrideLayer(a, b, up=False) for a, b in pairs)
        self.up = nn.ModuleList()
        for out, width in reversed(pairs[1:]):
            # All layers but the innermost also take the encoder's features of their size.
            inputs = 2 * width if len(self.up) else width
            self.up.append(StrideLayer(inputs, out, up=True))
        # No normalisation and a tanh, as in DCGAN; the paper does not specify them.
        self.outlet = _transposed(2 * channels[0], 3)
        # A shortcut at full resolution for the lines.
        self.reference = nn.Conv2d(1 + HINT_PLANES, 3, 1)

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
            hints: B×4×H×W hint map; in the paper's training it is a blurred picture.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].
        """
        planes = torch.cat([sketch, _hint_planes(sketch, hints)], dim=1)
        planes = planes.to(memory_format=torch.channels_last)
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

    As printed, D(x, z_hint) sees the picture and its hints, not the sketch.

    Args:
        channels: width per convolution, each of which halves the size.
        sample_size: side of the pictures, which the fully connected layer fixes.
    """

    conditions = ("hints",)

    @register_to_config
    def __init__(
        self, channels: tuple[int, ...] = (64, 128, 256, 512), sample_size: int = 64
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = HINT_PLANES + 3
        for index, width in enumerate(channels):
            layers += [_strided(previous, width), nn.LeakyReLU(SLOPE)]
            if index:  # no normalisation in the first layer, as in DCGAN
                layers.append(nn.BatchNorm2d(width))
            previous = width
        self.layers = nn.Sequential(*layers)
        side = sample_size // 2 ** len(channels)
        self.head = nn.Linear(previous * side**2, 1)

    def forward(
        self, sketch: torch.Tensor, colour: torch.Tensor, hints: torch.Tensor | None = None
    ) -> torch.Tensor:
        """B×1 scores (logits) of colour pictures with their hints.

        Args:
            sketch: B×1×S×S, S = ``sample_size``; not looked at.
            colour: B×3×S×S in [-1, 1].
            hints: B×4×S×S hint map; None is a map without hints.

        Raises:
            ValueError: the pictures have another size.
        """
        side = self.config.sample_size
        if colour.shape[2:] != (side, side):
            height, width = colour.shape[2:]
            raise ValueError(
                f"This discriminator judges {side}×{side} pictures, not {width}×{height}."
            )
        pictures = torch.cat([_hint_planes(sketch, hints), colour], dim=1)
        features = self.layers(pictures.to(memory_format=torch.channels_last))
        return self.head(features.flatten(1))


def _strided(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 5, stride=2, padding=2)


def _transposed(in_channels: int, out_channels: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(in_channels, out_channels, 5, stride=2, padding=2, output_padding=1)


def _hint_planes(sketch: torch.Tensor, hints: torch.Tensor | None) -> torch.Tensor:
    """The B×4×H×W hint map of B×1×H×W sketches, zero for ``None``."""
    if hints is not None:
        return hints
    return sketch.new_zeros(sketch.shape[0], HINT_PLANES, *sketch.shape[2:])
