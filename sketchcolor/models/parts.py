"""Which places of a drawing belong together: a unit vector for every cell.

The proposer has to know hair from skin before it can colour either, so its features are read
(Tang et al. 2023 find such correspondences in the features of image diffusion models). A small
decoder brings them to finer cells, where an eye is more than a dot, and is trained to say which of
a few known places has a cell's colour.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

from .proposer import ColorProposer, ProposerFeatures, TimelessBlock, conv_stack

__all__ = ["CELL", "PartEncoder", "PartVectors", "read_features", "share_logits"]

CELL = 2  # line-art pixels a side: what has a vector of its own
FULL_NOISE = 1000.0  # the time at which features are read: what they say comes from the lines alone


class PartVectors(NamedTuple):
    """What is known of every cell of a drawing; h×w cells, twice the proposer's colour picture.

    Attributes:
        vectors: B×D×h×w, unit length; alike where colours are alike.
        alone: B×1×h×w, logit of having the colour of no other place.
        locality: B×1×h×w, how fast the reach of a hint that lies here ends with distance: logit
            per side of the page.
        white: B×1×h×w, logit of being left as white as paper.
    """

    vectors: torch.Tensor
    alone: torch.Tensor
    locality: torch.Tensor
    white: torch.Tensor


class PartEncoder(ModelMixin, ConfigMixin):
    """Proposer's features and line art → :class:`PartVectors`.

    Args:
        line_channels, middle_channels, decoder_channels: widths of the proposer's features.
        widths: of the decoder at the patches' size and at every doubling, four sizes.
        dimensions: D, of the vectors.

    Raises:
        ValueError: the proposer's lines are not read at three sizes.
    """

    @register_to_config
    def __init__(
        self,
        line_channels: tuple[int, ...] = (48, 96, 160),
        middle_channels: int = 224,
        decoder_channels: int = 96,
        widths: tuple[int, ...] = (128, 96, 64, 32),
        dimensions: int = 32,
    ) -> None:
        super().__init__()
        if len(line_channels) != 3:
            raise ValueError(
                f"A part encoder reads lines at three sizes, and this proposer has "
                f"{len(line_channels)}: train one with patches of 4."
            )
        fine, half, patch = line_channels
        self.stem = nn.Sequential(nn.Conv2d(CELL**2, widths[3], 3, padding=1), nn.SiLU())
        seen = (patch + decoder_channels + middle_channels, half, fine + 3, widths[3])
        coarser = (0, *widths[:-1])
        self.sizes = nn.ModuleList(
            nn.Sequential(nn.Conv2d(own + below, width, 1), TimelessBlock(width, min(8, width)))
            for own, below, width in zip(seen[:3], coarser, widths, strict=False)
        )
        # Without normalisation, which costs more than convolutions do where cells are many.
        self.sizes.append(nn.Sequential(*conv_stack(widths[3] + widths[2], widths[3], 2)))
        # One group: another network's features keep their sizes beside each other.
        self.norms = nn.ModuleList(nn.GroupNorm(1, channels) for channels in seen[:3])
        self.outlet = nn.Conv2d(widths[3], dimensions + 2, 1)
        self.white = nn.Conv2d(widths[3], 1, 1)
        # Before it has learned anything, paper is where the lines leave it.
        nn.init.zeros_(self.white.weight)
        nn.init.constant_(self.white.bias, 2.0)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    @classmethod
    def for_proposer(cls, proposer: ColorProposer, **config: Any) -> PartEncoder:
        """A new encoder for the features of a proposer; ``config`` has the other arguments."""
        own = proposer.config
        seen = {
            "line_channels": tuple(own.line_channels),
            "middle_channels": own.block_out_channels[-1],
            "decoder_channels": own.block_out_channels[0],
        }
        return cls(**seen | config)

    def forward(self, features: ProposerFeatures, sketch: torch.Tensor) -> PartVectors:
        """Vectors of all cells.

        Args:
            features: of :func:`read_features`.
            sketch: B×1×H×W in [-1, 1], the same line art.

        Returns:
            Vectors at (H/``CELL``)×(W/``CELL``) cells.
        """
        fine, half, patch = features.lines
        middle = F.interpolate(features.middle, patch.shape[2:], mode="bilinear")
        grouped = (
            torch.cat([patch, features.decoder, middle], dim=1),
            half,
            torch.cat([fine, features.colour], dim=1),
        )
        planes = [
            # Contiguous: torch 2.13 crashes in the backward pass of one group of channels_last.
            normalise(one.contiguous()).to(memory_format=torch.channels_last)
            for normalise, one in zip(self.norms, grouped, strict=True)
        ]
        lines = F.pixel_unshuffle(sketch, CELL).to(memory_format=torch.channels_last)
        planes.append(self.stem(lines))
        state = None
        for size, own in zip(self.sizes, planes, strict=True):
            if state is not None:
                state = F.interpolate(state, own.shape[2:], mode="bilinear")
                own = torch.cat([own, state], dim=1)
            state = size(own)
        found = self.outlet(state).float()
        dimensions = self.config.dimensions
        vectors = F.normalize(found[:, :dimensions], dim=1)
        alone, locality = found[:, dimensions:].chunk(2, dim=1)
        white = self.white(state).float()
        return PartVectors(vectors, alone, F.softplus(locality + 1.0), white)


def read_features(
    proposer: ColorProposer,
    sketch: torch.Tensor,
    hints: torch.Tensor | None = None,
    **palette: torch.Tensor,
) -> ProposerFeatures:
    """The proposer's features of a sketch: where a colouring starts, with no noise at all.

    Without hints they depend on nothing but the lines, and are found once per drawing. With them
    the colours that the proposer names are the mean of what it would draw under those hints.

    Args:
        sketch: B×1×H×W in [-1, 1], sides multiples of ``proposer.multiple · sketch_scale``.
        hints: B×4×h×w hint field, or None. palette: see :meth:`ColorProposer.forward`.
    """
    # In training over several processes the network is wrapped, and gradients need the wrapper.
    scale = getattr(proposer, "module", proposer).config.sketch_scale
    size = [side // scale for side in sketch.shape[2:]]
    noisy = sketch.new_zeros(len(sketch), 3, *size)
    time = torch.full((len(sketch),), FULL_NOISE, device=sketch.device)
    return proposer(noisy, time, sketch, hints, **palette, return_features=True)


def share_logits(
    vectors: torch.Tensor,
    alone: torch.Tensor,
    hint_vectors: torch.Tensor,
    hint_locality: torch.Tensor,
    distance: torch.Tensor,
    log_scale: torch.Tensor,
) -> torch.Tensor:
    """How much each hint speaks for each cell, as logits; the last column is "none of them".

    Args:
        vectors: B×D×P of the cells. alone: B×1×P.
        hint_vectors: B×D×K. hint_locality: B×1×K.
        distance: B×P×K, in sides of the page.

    Returns:
        B×P×(K+1).
    """
    likeness = torch.einsum("bdp,bdk->bpk", vectors, hint_vectors) * log_scale.exp()
    return torch.cat([likeness - hint_locality * distance, alone.transpose(1, 2)], dim=2)
