"""The loss of a part encoder, which needs colour pictures but no labelled parts.

The colours of a few cells, the hints, are given. For any other cell the network predicts a mixture
over the hints, and the loss is the negative log-likelihood of the cell's true colour under it. The
component "none of them" has the likelihood of a hint whose colour is far off.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..colour_space import lab_planes
from ..models.parts import PartVectors, share_logits

__all__ = [
    "DrawnCells",
    "WHITE_LIGHTNESS",
    "cell_distances",
    "draw_cells",
    "gather_cells",
    "hint_map",
    "jitter_hints",
    "part_loss",
    "white_loss",
]

COLOUR_STD = 10.0  # CIELAB: standard deviation of the mixture's components around their hints
NONE_DISTANCE = 25.0  # CIELAB: "none of them" is as likely as a hint at this distance
HINT_COUNTS = (1, 64)  # range of the number of hints in a batch, log-uniform
TARGET_CELLS = 1536  # cells per sample in the loss; more of them hardly change it
COLOUR_BIN = 12.0  # CIELAB: cells whose colours are in one bin count as one part
WHITE_LIGHTNESS = 97.0  # CIELAB L: paper white is lighter than this
WHITE_CHROMA = 3.0  # CIELAB: |a| and |b| of paper white are below this
HINT_JITTER = 0.06  # in units of [-1, 1]: standard deviation of hint colours around the true ones
RARITY_POWER = 0.75  # cells are drawn with probability ∝ (size of their part) to minus this power


class DrawnCells(NamedTuple):
    """Cells of a batch's pictures, as indices into the flattened h×w grid.

    Attributes:
        hints: B×K, whose colours are given. targets: B×P, whose colours are predicted.
    """

    hints: torch.Tensor
    targets: torch.Tensor


def draw_cells(colour: torch.Tensor, generator: torch.Generator) -> DrawnCells:
    """Draws hints and targets, half of each uniformly and half with a preference for small parts.

    Args:
        colour: B×3×h×w in [-1, 1], without lines.
        generator: on the CPU.
    """
    rare = _rarity(lab_planes(colour).flatten(2))
    low, high = (torch.tensor(float(k)).log() for k in HINT_COUNTS)
    count = int((low + (high - low) * torch.rand((), generator=generator)).exp().round())
    return DrawnCells(_draw(rare, count, generator), _draw(rare, TARGET_CELLS, generator))


def jitter_hints(colour: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Adds noise to colours in [-1, 1], because users do not pick exactly the right colour."""
    noise = torch.randn(colour.shape, generator=generator).to(colour)
    return (colour + HINT_JITTER * noise).clamp(-1.0, 1.0)


def hint_map(colour: torch.Tensor, hints: torch.Tensor) -> torch.Tensor:
    """B×3×h×w colours with B×K indices of the hints' cells → B×4×h×w hint map."""
    mask = torch.zeros_like(colour[:, :1]).flatten(2).scatter_(2, hints[:, None], 1.0)
    mask = mask.view_as(colour[:, :1])
    return torch.cat([colour * mask, mask], dim=1)


def part_loss(
    found: PartVectors, colour: torch.Tensor, log_scale: torch.Tensor, cells: DrawnCells
) -> torch.Tensor:
    """Mean negative log-likelihood of the targets' colours under mixtures over the hints.

    Args:
        found: the encoder's output for h×w cells.
        colour: B×3×h×w in [-1, 1], without lines.
        log_scale: the encoder's.
        cells: of :func:`draw_cells`.
    """
    hints, targets = cells
    lab = lab_planes(colour).flatten(2)  # (B, 3, N)
    logits = share_logits(
        gather_cells(found.vectors, targets),
        gather_cells(found.alone, targets),
        gather_cells(found.vectors, hints),
        gather_cells(found.locality, hints),
        cell_distances(targets, hints, (colour.shape[2], colour.shape[3])).to(lab),
        log_scale,
    )
    difference = torch.cdist(
        lab.gather(2, targets[:, None].expand(-1, 3, -1)).transpose(1, 2),
        lab.gather(2, hints[:, None].expand(-1, 3, -1)).transpose(1, 2),
    )  # (B, P, K)
    log_likelihood = -((difference / COLOUR_STD) ** 2) / 2.0
    none = -((NONE_DISTANCE / COLOUR_STD) ** 2) / 2.0
    log_likelihood = F.pad(log_likelihood, (0, 1), value=none)
    return -(logits.log_softmax(dim=2) + log_likelihood).logsumexp(dim=2).mean()


def white_loss(logits: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of the prediction which cells are paper white in the true picture.

    Args:
        logits: B×1×h×w. colour: B×3×h×w in [-1, 1], without lines.
    """
    lightness, a, b = lab_planes(colour).unbind(1)
    is_white = (lightness > WHITE_LIGHTNESS) & (a.abs() < WHITE_CHROMA) & (b.abs() < WHITE_CHROMA)
    return F.binary_cross_entropy_with_logits(logits[:, 0], is_white.to(logits))


def _rarity(lab: torch.Tensor) -> torch.Tensor:
    """B×N sampling weights of cells, of B×3×N CIELAB; smaller for more frequent colours."""
    cells = (lab / COLOUR_BIN).round().long() + 32
    index = (cells[:, 0] * 64 + cells[:, 1]) * 64 + cells[:, 2]
    weights = []
    for row in index:
        _, inverse, counts = row.unique(return_inverse=True, return_counts=True)
        weights.append(counts[inverse].to(lab) ** -RARITY_POWER)
    return torch.stack(weights)


def _draw(rare: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """B×count indices of cells: the first half by the weights ``rare``, the others uniformly.

    For an odd count, the odd one belongs to either half by chance.
    """
    by_part = count - count // 2 if torch.rand((), generator=generator) < 0.5 else count // 2
    anywhere = torch.randint(
        0, rare.shape[1], (len(rare), count - by_part), generator=generator
    ).to(rare.device)
    if by_part == 0:
        return anywhere
    drawn = torch.multinomial(rare.cpu(), by_part, replacement=True, generator=generator)
    return torch.cat([drawn.to(rare.device), anywhere], dim=1)


def cell_distances(
    cells: torch.Tensor, others: torch.Tensor, grid: tuple[int, int]
) -> torch.Tensor:
    """Distances between cells of an h×w grid, in longer sides of the grid.

    Args:
        cells: B×P indices. others: B×K indices.
        grid: h and w.

    Returns:
        B×P×K.
    """

    def positions(indices: torch.Tensor) -> torch.Tensor:
        return torch.stack([indices // grid[1], indices % grid[1]], dim=2).float() / max(grid)

    return torch.cdist(positions(cells), positions(others))


def gather_cells(planes: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    """B×C×h×w planes at B×P indices of cells → B×C×P."""
    return planes.flatten(2).gather(2, indices[:, None].expand(-1, planes.shape[1], -1))
