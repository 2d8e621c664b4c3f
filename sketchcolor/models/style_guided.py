"""Style-guided residual U-Net and its discriminator (Zhang, Ji & Lin 2017).

The style vector of a reference picture is added in the middle of a U-Net. Such a U-Net tends to
solve its task with the outer skip connections, so that the middle gets little gradient. Two guide
decoders therefore predict pictures from the middle alone, one before and one after the style is
added. Style vectors are computed by :mod:`sketchcolor.models.style_vector`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .blocks import norm
from .outputs import GeneratorOutput

__all__ = ["AuxiliaryDiscriminator", "StyleGuidedGenerator", "StyleGuidedOutput"]


@dataclass
class StyleGuidedOutput(GeneratorOutput):
    """Output of the generator; the guides are None outside of training mode.

    Attributes:
        image: B×3×H×W in [-1, 1], G_f of the loss.
        grey_guide: B×1×H×W in [-1, 1], G_g1, from the middle before the style is added.
        colour_guide: B×3×H×W in [-1, 1], G_g2, from the middle after it.
    """

    grey_guide: torch.Tensor | None = None
    colour_guide: torch.Tensor | None = None


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        same = in_channels == out_channels
        self.shortcut = nn.Identity() if same else nn.Conv2d(in_channels, out_channels, 1)
        self.body = nn.Sequential(
            norm(in_channels),
            nn.LeakyReLU(0.2),
            nn.Conv2d(in_channels, out_channels, 3, padding=1),
            norm(out_channels),
            nn.LeakyReLU(0.2),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.shortcut(features) + self.body(features)


class GuideDecoder(nn.Sequential):
    """Features of the middle → a picture of the sketch's size, without skip connections.

    Args:
        in_channels: of the features.
        widths: per resolution, from the features' own upwards; each doubles the side.
        planes: channels of the picture.
    """

    def __init__(self, in_channels: int, widths: list[int], planes: int) -> None:
        layers: list[nn.Module] = []
        for index, width in enumerate(widths):
            if index:
                layers.append(nn.Upsample(scale_factor=2.0, mode="nearest"))
            layers += [nn.Conv2d(in_channels, width, 3, padding=1), norm(width), nn.LeakyReLU(0.2)]
            in_channels = width
        super().__init__(*layers, nn.Conv2d(in_channels, planes, 1), nn.Tanh())


class StyleGuidedGenerator(ModelMixin, ConfigMixin):
    """Line art + a style vector → colour; 29 M parameters, 7 M of them in the guides.

    Features of a 256² sketch are 16@256², 32@128², 64@64², 128@32², 256@16² and 2048@8², where the
    style is added; the middle's output is 512@16². The widths are those of the authors' figure, as
    in two public reimplementations; the text gives only the 4096 of the style.

    Departures: the paper does not say where the U-Net is residual, here every block is; group
    normalisation, for small batches; a skip connection at the full resolution, too.

    Args:
        channels: width per resolution, from the sketch's downwards.
        middle: width where the style is added, at half the size of the last of ``channels``.
        exit_channels: width of the middle's output and of the guides' coarsest resolution; each
            doubling of a guide's size halves its width.
        style_features: length of a style vector; 4096 in the paper.
    """

    conditions = ("style",)

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (16, 32, 64, 128, 256),
        middle: int = 2048,
        exit_channels: int = 512,
        style_features: int = 512,
    ) -> None:
        super().__init__()
        entry = channels[-1]
        pairs = list(zip(channels[:-1], channels[1:], strict=True))
        self.inlet = nn.Conv2d(1, channels[0], 3, padding=1)
        self.down = nn.ModuleList(ResidualBlock(a, a) for a in channels)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairs)
        self.to_middle = nn.Conv2d(entry, middle, 4, stride=2, padding=1)
        # Without a bias, so that no style (zeros) adds nothing.
        self.style = nn.Linear(style_features, middle, bias=False)
        self.from_middle = nn.Sequential(
            norm(middle),
            nn.LeakyReLU(0.2),
            nn.Upsample(scale_factor=2.0, mode="nearest"),
            nn.Conv2d(middle, exit_channels, 3, padding=1),
        )
        # Widths of the upsampled features; the coarsest ones come from the middle.
        below = [*channels[:-1], exit_channels]
        self.up = nn.ModuleList(
            ResidualBlock(below[level] + channels[level], channels[max(level - 1, 0)])
            for level in range(len(channels))
        )
        self.outlet = nn.Sequential(
            norm(channels[0]), nn.LeakyReLU(0.2), nn.Conv2d(channels[0], 3, 1), nn.Tanh()
        )
        widths = [exit_channels // 2**level for level in range(len(channels))]
        self.grey_guide = GuideDecoder(entry, widths, planes=1)
        self.colour_guide = GuideDecoder(exit_channels, widths, planes=3)

    @property
    def multiple(self) -> int:
        """Sides of the sketch must be multiples of this."""
        return 2 ** len(self.config.channels)

    def forward(
        self,
        sketch: torch.Tensor,
        style: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> StyleGuidedOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1], sides multiples of ``multiple``.
            style: B×``style_features`` in [0, 1]; None is no style, zeros.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` and, in training mode, both guides.

        Raises:
            ValueError: the style vectors have another length.
        """
        length = self.config.style_features
        if style is None:
            style = sketch.new_zeros(sketch.shape[0], length)
        if style.shape[1] != length:
            raise ValueError(f"This generator takes {length} style features, not {style.shape[1]}.")
        features = self.inlet(sketch.to(memory_format=torch.channels_last))
        shortcuts = []
        for level, block in enumerate(self.down):
            if level:
                features = self.shrink[level - 1](features)
            features = block(features)
            shortcuts.append(features)
        before_style = features
        features = self.to_middle(features) + self.style(style)[..., None, None]
        after_style = features = self.from_middle(features)
        for level in reversed(range(len(self.up))):
            features = torch.cat([features, shortcuts[level]], dim=1)
            if level:
                features = F.interpolate(features, scale_factor=2.0, mode="nearest")
            features = self.up[level](features)
        image = self.outlet(features)
        if not self.training:  # the guides take more time than the picture itself
            return StyleGuidedOutput(image=image)
        grey, colour = self.grey_guide(before_style), self.colour_guide(after_style)
        return StyleGuidedOutput(image=image, grey_guide=grey, colour_guide=colour)


class AuxiliaryDiscriminator(ModelMixin, ConfigMixin):
    """Discriminator that predicts a style vector instead of real or generated.

    The targets are the picture's style vector for a real picture and zeros for a generated one, so
    that the generator is trained towards real pictures of the given style.

    Departures: it also takes the sketch, like :class:`PatchDiscriminator`, so that training calls
    both in the same way; features are averaged over space before the head, for pictures of any
    size.

    Args:
        channels: width per 4×4 convolution, all of which halve the size.
        style_features: length of a style vector, the generator's.
    """

    conditions = ()
    predicts_style = True

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = (32, 64, 128, 256, 256),
        style_features: int = 512,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        previous = 4
        for index, width in enumerate(channels):
            layers.append(nn.Conv2d(previous, width, 4, stride=2, padding=1))
            if index:
                layers.append(norm(width))
            layers.append(nn.LeakyReLU(0.2))
            previous = width
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(previous, style_features)

    def forward(self, sketch: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
        """B×``style_features`` scores (logits) of B×1×H×W sketches with B×3×H×W pictures."""
        pair = torch.cat([sketch, colour], dim=1)
        return self.head(self.layers(pair.to(memory_format=torch.channels_last)).mean((2, 3)))
