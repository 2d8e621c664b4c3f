"""Auto-painter (Liu, Qin, Wan & Luo 2018): pix2pix with colour hints."""

from __future__ import annotations

import torch

# DiffusionPipeline.from_pretrained needs the base class to be importable from this module.
from diffusers import ModelMixin  # noqa: F401
from diffusers.configuration_utils import register_to_config
from torch import nn

from .outputs import GeneratorOutput
from .pix2pix import CHANNELS, Pix2PixGenerator

__all__ = ["AutoPainterGenerator"]

HINT_PLANES = 4  # RGB and a mask


class AutoPainterGenerator(Pix2PixGenerator):
    """Line art and optional hints → colour; 54 M parameters at 8 levels.

    The generator is the U-Net of pix2pix. The system adds the hints as an input, and its losses
    (L_p of pixels, L_f of VGG features, total variation), which are in the recipe.

    Departures:
        - The authors paint the hints onto the RGB sketch, which is the only input. Here they are
          four planes of their own, as everywhere in this package, so that a black or white hint
          can be distinguished from lines and paper.
        - 4×4 kernels and 64 to 512 channels, as in pix2pix; the authors' later code has 3×3
          kernels and 48 to 384 channels.
        - The noise z is dropout in training only, as in :class:`Pix2PixGenerator`: the same sketch
          and hints always give the same picture.

    Args:
        channels: width per encoder level. 8 levels take 256² to 1×1.
        dropout: in the first three decoder blocks.
    """

    conditions: tuple[str, ...] = ("hints",)

    @register_to_config
    def __init__(
        self,
        channels: tuple[int, ...] = CHANNELS,
        dropout: float = 0.5,
    ) -> None:
        super().__init__(channels=channels, dropout=dropout)
        self.down[0] = nn.Sequential(nn.Conv2d(1 + HINT_PLANES, channels[0], 4, 2, 1))

    def forward(  # type: ignore[override]  # the generator takes hints, too
        self,
        sketch: torch.Tensor,
        hints: torch.Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> GeneratorOutput:
        """Colour a sketch.

        Args:
            sketch: B×1×H×W in [-1, 1], sides multiples of ``multiple``.
            hints: B×4×H×W hint map; None is a map without hints.
            generator: unused, this model is deterministic.

        Returns:
            ``image`` B×3×H×W in [-1, 1].
        """
        if hints is None:
            hints = sketch.new_zeros(sketch.shape[0], HINT_PLANES, *sketch.shape[2:])
        return super().forward(torch.cat([sketch, hints], dim=1))
