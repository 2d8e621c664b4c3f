"""Part encoder: a unit vector for every cell of a drawing, similar where colours are similar.

It reads the features of the proposer, which distinguish hair from skin because the proposer colours
them differently (Tang et al. 2023 find correspondences in the features of image diffusion models in
the same way). A small decoder refines them to smaller cells, which resolve an eye, and is trained
to predict which of a few cells with given colours has the colour of a cell.
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

CELL = 2  # side of a cell, px of the line art
PURE_NOISE_TIMESTEP = 1000.0  # at which features are read, so that they do not depend on colours


class PartVectors(NamedTuple):
    """Output of the part encoder for h×w cells; h and w are twice those of the colour proposal.

    Attributes:
        vectors: B×D×h×w, unit length; similar where colours are similar.
        alone: B×1×h×w, logit of having the colour of none of the hints.
        locality: B×1×h×w, how fast the influence of a hint in this cell decreases with distance:
            logit per longer side of the drawing.
        white: B×1×h×w, logit of being paper white.
    """

    vectors: torch.Tensor
    alone: torch.Tensor
    locality: torch.Tensor
    white: torch.Tensor


class PartEncoder(ModelMixin, ConfigMixin):
    """Decodes the proposer's features and the line art to :class:`PartVectors`.

    Args:
        line_channels, middle_channels, decoder_channels: widths of the proposer's features, see
            :class:`ProposerFeatures`.
        widths: of this decoder at four sizes, from that of the proposer's patches upwards.
        dimensions: D, of the vectors.

    Raises:
        ValueError: the proposer does not encode lines at three sizes.
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
        inputs = (patch + decoder_channels + middle_channels, half, fine + 3)
        coarser = (0, *widths[:-1])
        self.sizes = nn.ModuleList(
            nn.Sequential(nn.Conv2d(own + below, width, 1), TimelessBlock(width, min(8, width)))
            for own, below, width in zip(inputs, coarser, widths, strict=False)
        )
        # Without normalisation, which is slower than the convolutions at this size.
        self.sizes.append(nn.Sequential(*conv_stack(widths[3] + widths[2], widths[3], 2)))
        # One group, to preserve the relative scales of the proposer's features.
        self.norms = nn.ModuleList(nn.GroupNorm(1, channels) for channels in inputs)
        self.outlet = nn.Conv2d(widths[3], dimensions + 2, 1)
        self.white = nn.Conv2d(widths[3], 1, 1)
        # Initially every cell is likely to be white, logit 2.
        nn.init.zeros_(self.white.weight)
        assert self.white.bias is not None
        nn.init.constant_(self.white.bias, 2.0)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    @classmethod
    def for_proposer(cls, proposer: ColorProposer, **config: Any) -> PartEncoder:
        """A new encoder for the features of a proposer; ``config`` are the other arguments."""
        widths = {
            "line_channels": tuple(proposer.config.line_channels),
            "middle_channels": proposer.config.block_out_channels[-1],
            "decoder_channels": proposer.config.block_out_channels[0],
        }
        return cls(**widths | config)

    def forward(self, features: ProposerFeatures, sketch: torch.Tensor) -> PartVectors:
        """Encode all cells.

        Args:
            features: of :func:`read_features`.
            sketch: B×1×H×W in [-1, 1], the same line art.

        Returns:
            The vectors of (H/``CELL``)×(W/``CELL``) cells.
        """
        fine, half, patch = features.lines
        middle = F.interpolate(features.middle, patch.shape[2:], mode="bilinear")
        grouped = (
            torch.cat([patch, features.decoder, middle], dim=1),
            half,
            torch.cat([fine, features.colour], dim=1),
        )
        planes = [
            # Contiguous, as torch 2.13 crashes in the backward pass of one channels_last group.
            normalise(one.contiguous()).to(memory_format=torch.channels_last)
            for normalise, one in zip(self.norms, grouped, strict=True)
        ]
        lines = F.pixel_unshuffle(sketch, CELL).to(memory_format=torch.channels_last)
        planes.append(self.stem(lines))
        state = None
        for size, own in zip(self.sizes, planes, strict=True):  # from coarse to fine
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
    """The proposer's features of a sketch at the first sampling step, with zeros instead of noise.

    Without hints and palette they depend on the lines only, and are computed once per drawing. The
    predicted colours are approximately the mean of the colourings under the conditions.

    Args:
        proposer: the network, possibly wrapped by Accelerate.
        sketch: B×1×H×W in [-1, 1], sides multiples of ``proposer.multiple · sketch_scale``.
        hints: B×4×h×w hint field, or None. palette: see :meth:`ColorProposer.forward`.
    """
    # DistributedDataParallel wraps the network, and must itself be called to share gradients.
    network: Any = getattr(proposer, "module", proposer)
    scale = network.config.sketch_scale
    size = [side // scale for side in sketch.shape[2:]]
    noisy = sketch.new_zeros(len(sketch), 3, *size)
    time = torch.full((len(sketch),), PURE_NOISE_TIMESTEP, device=sketch.device)
    return proposer(noisy, time, sketch, hints, **palette, return_features=True)


def share_logits(
    vectors: torch.Tensor,
    alone: torch.Tensor,
    hint_vectors: torch.Tensor,
    hint_locality: torch.Tensor,
    distance: torch.Tensor,
    log_scale: torch.Tensor,
) -> torch.Tensor:
    """Logits of the hints' shares in the colour of each cell; the last column is "none of them".

    Args:
        vectors: B×D×P of the cells. alone: B×1×P.
        hint_vectors: B×D×K. hint_locality: B×1×K.
        distance: B×P×K, in longer sides of the drawing.
        log_scale: of the similarities, learned by the encoder.

    Returns:
        B×P×(K+1).
    """
    similarity = torch.einsum("bdp,bdk->bpk", vectors, hint_vectors) * log_scale.exp()
    return torch.cat([similarity - hint_locality * distance, alone.transpose(1, 2)], dim=2)
