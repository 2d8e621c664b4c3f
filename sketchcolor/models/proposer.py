"""First stage: draws one of the plausible colourings at low resolution."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin, UNet2DModel
from diffusers.configuration_utils import register_to_config
from torch import nn

from ..conditions.palette import DEFAULT_SIZE
from .blocks import PaletteEmbedding

__all__ = ["ColorProposer", "constant_planes"]

LEAST_TIME = 0.05  # below it the velocity of a straight path is taken as if at it


class ColorProposer(ModelMixin, ConfigMixin):
    """Velocity network of a conditional flow (Lipman et al. 2023) over small colour pictures.

    A diffusers ``UNet2DModel`` works on small patches of the colour picture. Line art comes in
    at ``sketch_scale`` times the colour's size and is pixel-unshuffled, so that a line one
    pixel wide survives. The palette joins the time embedding and modulates every block.

    Args:
        sample_size: side of the colour picture in training, pixels.
        sketch_scale: line-art pixels per colour pixel along a side.
        patch: side of the patches, colour pixels.
        block_out_channels: width per resolution, from the grid of patches downwards.
        layers_per_block: residual blocks per resolution.
        attention_from: index of the first resolution with self-attention.
        colour_std: standard deviation of colour pictures in [-1, 1], for scaling the input.
        palette_as: ``modulation`` of every block, or ``planes``, 27 constant input planes (seed
            002, section 3), the baseline that modulation was measured against.
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
        palette_as: Literal["modulation", "planes"] = "modulation",
    ) -> None:
        super().__init__()
        levels = len(block_out_channels)
        attends = [level >= attention_from for level in range(levels)]
        width = 4 * block_out_channels[0]
        planes = patch**2 * (3 + 4) + (patch * sketch_scale) ** 2
        if palette_as == "planes":
            planes += 3 * DEFAULT_SIZE
        self.unet = UNet2DModel(
            sample_size=sample_size // patch,
            in_channels=planes,
            out_channels=3 * patch**2,
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

    def forward(
        self,
        noisy: torch.Tensor,
        timestep: torch.Tensor,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        palette: torch.Tensor | None = None,
        weights: torch.Tensor | None = None,
        palette_present: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Velocity noise − colour at a time between colour (0) and noise (1000).

        Args:
            noisy: B×3×h×w.
            timestep: B, in [0, 1000].
            sketch: B×1×(s·h)×(s·w) in [-1, 1], s = ``sketch_scale``.
            hints: B×4×h×w hint field, see :func:`sketchcolor.conditions.hint_field.hint_field`.
            palette: B×K×3 in [-1, 1]. weights: B×K. palette_present: B bool.

        Returns:
            B×3×h×w.
        """
        scale, patch = self.config.sketch_scale, self.config.patch
        if hints is None:
            hints = noisy.new_zeros(noisy.shape[0], 4, *noisy.shape[2:])
        # Unit variance for the noisy picture at every time (Karras et al. 2022).
        time = (timestep / 1000.0)[:, None, None, None].to(noisy.dtype)
        variance = ((1.0 - time) * self.config.colour_std).square() + time.square()
        planes = [
            F.pixel_unshuffle(noisy * variance.rsqrt(), patch),
            F.pixel_unshuffle(sketch, patch * scale),
            F.pixel_unshuffle(hints, patch),
        ]
        vector = None
        if self.config.palette_as == "modulation":
            vector = self.palette(noisy.shape[0], palette, weights, palette_present)
        else:
            planes.append(constant_planes(palette, palette_present, planes[0]))
        planes = torch.cat(planes, dim=1).to(memory_format=torch.channels_last)
        # The network names the colours, not the noise or the velocity: a patch of noise has more
        # dimensions than a small network can carry (Li & He 2025), a patch of colours has few.
        colour = F.pixel_shuffle(self.unet(planes, timestep, class_labels=vector).sample, patch)
        return (noisy - colour) / time.clamp(min=LEAST_TIME)


def constant_planes(
    palette: torch.Tensor | None, present: torch.Tensor | None, like: torch.Tensor
) -> torch.Tensor:
    """A palette as planes of one value each, zero without a palette.

    Args:
        palette: B×9×3 in [-1, 1], heaviest first. present: B bool, all if None.
        like: B×C×h×w, for size and type.

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
