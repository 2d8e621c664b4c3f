"""The loss of learning which places belong together, from colour pictures alone.

A few cells are hints, whose colours are known. The shares that the network gives them in every
other cell make a mixture of their colours, and the loss is how unlikely the cell's true colour is
under it; "none of them" is as good a guess as a hint that is far off.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..colour_space import lab_planes
from ..models.parts import PartVectors, share_logits

__all__ = [
    "DrawnCells",
    "distances",
    "draw_cells",
    "hint_map",
    "jitter",
    "part_loss",
    "take",
    "white_loss",
]

WIDTH = 10.0  # CIELAB: standard deviation of a colour around the hint that speaks for it
NONE = 25.0  # CIELAB: how far off a hint may be before "none of them" is the better answer
HINTS = (1, 64)  # hints in a sample, drawn evenly in the logarithm
TARGETS = 1536  # cells of a sample that are asked for: all would say little more
BIN = 12.0  # CIELAB: colours of one bin are one part, roughly
PAPER = (97.0, 3.0)  # CIELAB: lighter than this, and a and b smaller, is paper
JITTER = 0.06  # in [-1, 1]: how far the colours of hints are from those that are meant
RARE = 0.75  # power of a part's size that its cells are drawn less often by


class DrawnCells(NamedTuple):
    """Cells of a batch's pictures: indices of h×w.

    Attributes:
        hints: B×K, whose colours are known. asked: B×P, whose colours are to be found.
    """

    hints: torch.Tensor
    asked: torch.Tensor


def draw_cells(colour: torch.Tensor, generator: torch.Generator) -> DrawnCells:
    """Hints and targets, half of each by area and half by part, so that an eye counts as hair does.

    Args:
        colour: B×3×h×w in [-1, 1], without lines.
    """
    rare = _rarity(lab_planes(colour).flatten(2))
    low, high = (torch.tensor(float(k)).log() for k in HINTS)
    count = int((low + (high - low) * torch.rand((), generator=generator)).exp().round())
    return DrawnCells(_draw(rare, count, generator), _draw(rare, TARGETS, generator))


def jitter(colour: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Colours as somebody would pick them who means these."""
    noise = torch.randn(colour.shape, generator=generator).to(colour)
    return (colour + JITTER * noise).clamp(-1.0, 1.0)


def hint_map(colour: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """B×3×h×w with B×K known cells → B×4×h×w hint map."""
    mask = torch.zeros_like(colour[:, :1]).flatten(2).scatter_(2, at[:, None], 1.0)
    mask = mask.view_as(colour[:, :1])
    return torch.cat([colour * mask, mask], dim=1)


def part_loss(
    found: PartVectors, colour: torch.Tensor, log_scale: torch.Tensor, cells: DrawnCells
) -> torch.Tensor:
    """Negative log-likelihood of true colours as mixtures of a few hints' colours.

    Args:
        found: of h×w cells.
        colour: B×3×h×w in [-1, 1], without lines.
        log_scale: the encoder's.
        cells: of :func:`draw_cells`.
    """
    at, asked = cells
    lab = lab_planes(colour).flatten(2)  # (B, 3, N)
    distance = distances(asked, at, tuple(colour.shape[2:])).to(lab)
    logits = share_logits(
        take(found.vectors, asked),
        take(found.alone, asked),
        take(found.vectors, at),
        take(found.locality, at),
        distance,
        log_scale,
    )
    apart = torch.cdist(
        lab.gather(2, asked[:, None].expand(-1, 3, -1)).transpose(1, 2),
        lab.gather(2, at[:, None].expand(-1, 3, -1)).transpose(1, 2),
    )
    likelihood = -((apart / WIDTH) ** 2) / 2.0
    likelihood = F.pad(likelihood, (0, 1), value=-((NONE / WIDTH) ** 2) / 2.0)
    return -(logits.log_softmax(dim=2) + likelihood).logsumexp(dim=2).mean()


def white_loss(logits: torch.Tensor, colour: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of which cells are paper-white in the true picture.

    Args:
        logits: B×1×h×w. colour: B×3×h×w in [-1, 1], without lines.
    """
    lightness, a, b = lab_planes(colour).unbind(1)
    light, grey = PAPER
    is_white = (lightness > light) & (a.abs() < grey) & (b.abs() < grey)
    return F.binary_cross_entropy_with_logits(logits[:, 0], is_white.to(logits))


def _rarity(lab: torch.Tensor) -> torch.Tensor:
    """B×N weights of cells, from B×3×N: less the more cells of a picture have the colour."""
    cells = (lab / BIN).round().long() + 32
    index = (cells[:, 0] * 64 + cells[:, 1]) * 64 + cells[:, 2]
    weights = []
    for row in index:
        _, inverse, counts = row.unique(return_inverse=True, return_counts=True)
        weights.append(counts[inverse].to(lab) ** -RARE)
    return torch.stack(weights)


def _draw(rare: torch.Tensor, count: int, generator: torch.Generator) -> torch.Tensor:
    """B×count indices of cells: the first half by part, the others anywhere."""
    by_part = count - count // 2 if torch.rand((), generator=generator) < 0.5 else count // 2
    anywhere = torch.randint(
        0, rare.shape[1], (len(rare), count - by_part), generator=generator
    ).to(rare.device)
    if by_part == 0:
        return anywhere
    drawn = torch.multinomial(rare.cpu(), by_part, replacement=True, generator=generator)
    return torch.cat([drawn.to(rare.device), anywhere], dim=1)


def distances(cells: torch.Tensor, others: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """B×P and B×K indices of cells of an h×w grid → B×P×K, in sides of the page."""

    def places(at: torch.Tensor) -> torch.Tensor:
        return torch.stack([at // grid[1], at % grid[1]], dim=2).float() / max(grid)

    return torch.cdist(places(cells), places(others))


def take(planes: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """B×C×h×w at B×P cells → B×C×P."""
    return planes.flatten(2).gather(2, at[:, None].expand(-1, planes.shape[1], -1))
