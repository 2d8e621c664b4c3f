"""First stage: samples one of the plausible colourings at low resolution."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

from ..conditions.palette import DEFAULT_SIZE
from .blocks import PaletteEmbedding

__all__ = ["ColorProposer", "LineEncoder", "ProposerFeatures", "constant_planes", "conv_stack"]

DETAIL_PLANES = 8  # channels per colour pixel from the U-Net to the detail head
HEAD_WIDTH = 32
MIN_TIME = 0.05  # lower bound of the time by which a predicted colour's error is divided


class ProposerFeatures(NamedTuple):
    """Intermediate features of the network, for other networks to read.

    Attributes:
        lines: of the line encoder, B×C×h×w and one more for each halving down to the patches.
        middle: B×C×h'×w', of the U-Net's coarsest resolution.
        decoder: B×C×(h/patch)×(w/patch), of the U-Net's last layers.
        colour: B×3×h×w in about [-1, 1], the predicted colours (x0).
    """

    lines: list[torch.Tensor]
    middle: torch.Tensor
    decoder: torch.Tensor
    colour: torch.Tensor


class LineEncoder(nn.Module):
    """Features of the line art at the colour picture's size and each halving down to the patches.

    A patch covers as many line-art pixels as a small face, too many for the single input layer of
    the U-Net. The features do not depend on the noisy colours, so they are computed once per
    picture.

    Args:
        scale: line-art pixels per colour pixel along a side.
        channels: width at each size, from the colour picture's downwards.
        groups: of the normalisations; must divide all widths but the first.
    """

    def __init__(self, scale: int, channels: tuple[int, ...], groups: int) -> None:
        super().__init__()
        self.scale = scale
        finest = nn.Sequential(*conv_stack(scale**2, channels[0], 2))
        self.sizes = nn.ModuleList([finest])
        for finer, coarser in pairwise(channels):
            half = nn.Conv2d(finer, coarser, 3, stride=2, padding=1)
            self.sizes.append(nn.Sequential(half, TimelessBlock(coarser, groups)))

    def forward(self, sketch: torch.Tensor) -> list[torch.Tensor]:
        """B×1×(s·h)×(s·w) in [-1, 1] → B×C×h×w, B×C'×(h/2)×(w/2), …"""
        features = F.pixel_unshuffle(sketch, self.scale).to(memory_format=torch.channels_last)
        features_per_size = []
        for size in self.sizes:
            features = size(features)
            features_per_size.append(features)
        return features_per_size


class TimelessBlock(ResnetBlock2D):
    """A residual block of one width, without a time embedding."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(in_channels=channels, temb_channels=None, groups=groups)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return super().forward(features, None)


class DetailHead(nn.Module):
    """Predicts a correction of the patches' colours at every pixel; initially zero.

    Args:
        planes: sum of the channels of its inputs.
    """

    def __init__(self, planes: int) -> None:
        super().__init__()
        last = nn.Conv2d(HEAD_WIDTH, 3, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.layers = nn.Sequential(*conv_stack(planes, HEAD_WIDTH, 2), last)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Inputs of B×C×h×w, with different C → B×3×h×w."""
        return self.layers(torch.cat(inputs, dim=1).to(memory_format=torch.channels_last))


def conv_stack(planes: int, width: int, count: int) -> list[nn.Module]:
    """3×3 convolutions with SiLU; without normalisation, which is slower than they at large sizes.

    Args:
        planes: input channels. width: output channels. count: number of convolutions.
    """
    widths = [planes, *[width] * count]
    layers = [(nn.Conv2d(*pair, 3, padding=1), nn.SiLU()) for pair in pairwise(widths)]
    return [layer for pair in layers for layer in pair]


class ColorProposer(ModelMixin, ConfigMixin):
    """Velocity network of a conditional flow (Lipman et al. 2023) over small colour pictures.

    A diffusers ``UNet2DModel`` works on patches of the colour picture. The line art has
    ``sketch_scale`` times its size and is pixel-unshuffled, so that lines of one pixel are
    preserved. The palette is added to the time embedding and modulates every block.

    Args:
        sample_size: side of the colour picture in training, pixels.
        sketch_scale: line-art pixels per colour pixel along a side.
        patch: side of the patches, colour pixels.
        block_out_channels: width per resolution, from the grid of patches downwards.
        layers_per_block: residual blocks per resolution.
        attention_from: index of the first resolution with self-attention.
        colour_std: standard deviation of colour pictures in [-1, 1], for scaling the input.
        line_channels: widths of a :class:`LineEncoder`, one per size from the colour picture's to
            the patches'; empty for no encoder, only the unshuffled lines.
        palette_as: ``modulation`` of every block, or ``planes``, 27 constant input planes (see
            :func:`constant_planes`), the baseline for comparison.

    Raises:
        ValueError: the number of line_channels does not fit the patches.
    """

    conditions = ("hints", "palette")

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        sketch_scale: int = 4,
        patch: int = 2,
        block_out_channels: tuple[int, ...] = (96, 160, 224),
        layers_per_block: int = 1,
        attention_from: int = 1,
        attention_head_dim: int = 32,
        norm_num_groups: int = 16,
        colour_std: float = 0.6,
        line_channels: tuple[int, ...] = (),
        palette_as: Literal["modulation", "planes"] = "modulation",
    ) -> None:
        super().__init__()
        levels = len(block_out_channels)
        attends = [level >= attention_from for level in range(levels)]
        width = 4 * block_out_channels[0]
        planes = patch**2 * (3 + 4) + (patch * sketch_scale) ** 2
        if palette_as == "planes":
            planes += 3 * DEFAULT_SIZE
        out_channels = 3  # per colour pixel
        if line_channels:
            if patch << 1 != 1 << len(line_channels):
                raise ValueError(
                    f"Patches of {patch} need {patch.bit_length()} line_channels, not "
                    f"{len(line_channels)}."
                )
            self.lines = LineEncoder(sketch_scale, tuple(line_channels), norm_num_groups)
            self.head = DetailHead(line_channels[0] + DETAIL_PLANES + 3 + 3 + 4)
            planes += line_channels[-1]
            out_channels += DETAIL_PLANES
        self.unet = UNet2DModel(
            sample_size=sample_size // patch,
            in_channels=planes,
            out_channels=out_channels * patch**2,
            block_out_channels=tuple(block_out_channels),
            layers_per_block=layers_per_block,
            down_block_types=["AttnDownBlock2D" if a else "DownBlock2D" for a in attends],
            up_block_types=["AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(attends)],
            attention_head_dim=attention_head_dim,
            norm_num_groups=norm_num_groups,
            resnet_time_scale_shift="scale_shift",
            class_embed_type="identity" if palette_as == "modulation" else None,
        )
        if palette_as == "modulation":
            self.palette = PaletteEmbedding(width)
        nn.init.zeros_(self.unet.conv_out.weight)

    @property
    def multiple(self) -> int:
        """Sides of the colour picture must be multiples of this."""
        return self.config.patch * 2 ** (len(self.config.block_out_channels) - 1)

    def encode_lines(self, sketch: torch.Tensor) -> list[torch.Tensor]:
        """The line encoder's features of B×1×(s·h)×(s·w) line art; empty without an encoder."""
        return self.lines(sketch) if self.config.line_channels else []

    def forward(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
        lines: list[torch.Tensor] | None = None,
        return_features: bool = False,
    ) -> torch.Tensor | ProposerFeatures:
        """Velocity noise − colour at a time between colour (0) and noise (1000).

        Args:
            noisy: B×3×h×w.
            timestep: B, in [0, 1000].
            sketch: B×1×(s·h)×(s·w) in [-1, 1], s = ``sketch_scale``.
            hints: B×4×h×w hint field, see :func:`sketchcolor.conditions.hint_field.hint_field`.
            palette: B×K×3 in [-1, 1]. weights: B×K. palette_present: B bool.
            lines: the output of :meth:`encode_lines` for ``sketch``; None computes it.
            return_features: return the features instead of the velocity.

        Returns:
            B×3×h×w, or :class:`ProposerFeatures`.
        """
        lines = self.encode_lines(sketch) if lines is None else lines
        colour, middle, decoder = self._predict_colours(
            noisy, timestep, sketch, hints, palette, weights, palette_present, lines
        )
        if return_features:
            return ProposerFeatures(lines, middle, decoder, colour)
        return (noisy - colour) / self._time(noisy, timestep).clamp(min=MIN_TIME)

    @staticmethod
    def _time(noisy: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        """B timesteps in [0, 1000] → B×1×1×1 in [0, 1]."""
        return (timestep / 1000.0)[:, None, None, None].to(noisy.dtype)

    def _predict_colours(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        sketch: torch.Tensor,
        hints: torch.Tensor | None,
        palette: torch.Tensor | None,
        weights: torch.Tensor | None,
        palette_present: torch.Tensor | None,
        lines: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Predicted colours B×3×h×w, and the U-Net's middle and last features.

        The network predicts the colours (x0) instead of noise or velocity: patches of noise have
        more dimensions than a small network can represent, patches of colours have few (Li & He
        2025).
        """
        scale, patch = self.config.sketch_scale, self.config.patch
        if hints is None:
            hints = noisy.new_zeros(noisy.shape[0], 4, *noisy.shape[2:])
        # Scale the noisy picture to unit variance at every time (Karras et al. 2022).
        time = self._time(noisy, timestep)
        variance = ((1.0 - time) * self.config.colour_std).square() + time.square()
        scaled = noisy * variance.rsqrt()
        planes = [
            F.pixel_unshuffle(scaled, patch),
            F.pixel_unshuffle(sketch, patch * scale),
            F.pixel_unshuffle(hints, patch),
        ]
        vector = None
        if self.config.palette_as == "modulation":
            vector = self.palette(noisy.shape[0], palette, weights, palette_present)
        else:
            planes.append(constant_planes(palette, palette_present, planes[0]))
        inputs = torch.cat([*planes, *lines[-1:]], dim=1).to(memory_format=torch.channels_last)
        with _outputs_of(self.unet.mid_block, self.unet.conv_norm_out) as features:
            output = self.unet(inputs, timestep, class_labels=vector).sample
        pixels = F.pixel_shuffle(output, patch)
        colour = pixels[:, :3]
        if lines:
            colour = colour + self.head(pixels, scaled, hints, lines[0])
        middle, decoder = features
        return colour, middle, decoder


@contextmanager
def _outputs_of(*modules: nn.Module) -> Iterator[list[torch.Tensor]]:
    """Collects the outputs of modules of a network, in the order in which they run."""
    outputs: list[torch.Tensor] = []

    def append_output(module: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        outputs.append(output)

    hooks = [module.register_forward_hook(append_output) for module in modules]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def constant_planes(
    palette: torch.Tensor | None, present: torch.Tensor | None, like: torch.Tensor
) -> torch.Tensor:
    """A palette as planes of one value each, zero without a palette.

    Args:
        palette: B×9×3 in [-1, 1], heaviest first; or None. present: B bool; None: all.
        like: B×C×h×w, gives size and dtype.

    Returns:
        B×27×h×w.
    """
    batch, _, height, width = like.shape
    if palette is None:
        return like.new_zeros(batch, 3 * DEFAULT_SIZE, height, width)
    values = palette.reshape(batch, -1).to(like.dtype)
    if present is not None:
        values = values * present[:, None]
    return values[..., None, None].expand(-1, -1, height, width)
