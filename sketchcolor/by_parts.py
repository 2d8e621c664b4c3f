"""From a proposal to flats, and from flats to what a call returns of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from .flats import Flats, free_colours, relight
from .geometry import Fit
from .hint_shares import find_seeds, hint_colours
from .part_analysis import DrawingParts
from .pieces import resize_label
from .recolour import hold_palette

__all__ = ["Part", "PartMap", "draw_flats", "flat_layer", "light_over", "map_parts", "paint_flats"]

LEVELS = 8  # colours of a part that are this near, in 8-bit levels, are one


@dataclass(frozen=True)
class Part:
    """One part of a colouring.

    Attributes:
        label: its number in the label map.
        color: sRGB, ``#rrggbb``.
        area: pixels of the sketch.
    """

    label: int
    color: str
    area: int


@dataclass(frozen=True)
class PartMap:
    """The parts of a colouring.

    Attributes:
        label: H×W int32 of the sketch's size; 0 is paper, then largest first.
        parts: the parts that there are, paper among them where there is some.
    """

    label: np.ndarray
    parts: list[Part]


def draw_flats(
    drawings: list[DrawingParts],
    proposals: torch.Tensor,
    hints: torch.Tensor | None,
    palette: tuple[torch.Tensor, torch.Tensor] | None,
    guessed: bool,
    paint_paper: bool,
) -> list[Flats]:
    """Flat colours of each picture.

    Args:
        drawings: B of them; the same one for variants.
        proposals: B×3×h×w in [-1, 1], coloured without hints.
        hints: B×4×H×W hint map, or None.
        palette: B×K×3 and B×K, or None. guessed: nobody asked for it.
        paint_paper: colour the ground around the figure, too.
    """
    if palette is not None:
        proposals = hold_palette(proposals, *palette, guessed=guessed)
    rows = proposals.float().permute(0, 2, 3, 1).cpu().numpy()
    found: dict[int, Flats] = {}
    flats = []
    for number, (parts, proposal) in enumerate(zip(drawings, rows, strict=True)):
        asked = None
        if hints is not None:
            known = found.get(id(parts))
            asked = known.asked if known is not None else _asked(parts, hints[number])
        found[id(parts)] = Flats(parts, free_colours(parts, proposal, paint_paper), asked)
        flats.append(found[id(parts)])
    return flats


def _asked(parts: DrawingParts, hints: torch.Tensor):
    seeds = find_seeds(parts, hints.permute(1, 2, 0).float().cpu().numpy())
    return None if seeds is None else hint_colours(parts, seeds)


def paint_flats(flats: list[Flats], geometry: Fit) -> torch.Tensor:
    """B×3×H×W in [-1, 1], padded as the page of ``geometry`` is."""
    pictures = np.stack([one.paint(geometry.scaled_size) for one in flats])
    planes = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    right, below = (p - s for p, s in zip(geometry.padded_size, geometry.scaled_size, strict=True))
    return F.pad(planes, (0, right, 0, below), mode="replicate")


def light_over(pictures: torch.Tensor, painted: torch.Tensor, flats: list[Flats]) -> torch.Tensor:
    """The light of the generator's pictures over their flats, all B×3×H×W in [-1, 1]."""
    rows = zip(pictures, painted, flats, strict=True)
    lit = [relight(_pixels(picture), _pixels(flat), one.parts) for picture, flat, one in rows]
    return torch.from_numpy(np.stack(lit)).permute(0, 3, 1, 2)


def _pixels(picture: torch.Tensor) -> np.ndarray:
    """3×H×W → H×W×3."""
    return picture.float().permute(1, 2, 0).cpu().numpy()


def map_parts(flats: Flats, size: tuple[int, int]) -> PartMap:
    """The parts of a colouring at a (width, height); a hint may divide what was one part."""
    levels = _levels(flats)
    keys = np.column_stack([flats.parts.part, levels // LEVELS])
    keys[0] = -1  # paper stays on its own
    _, first, part = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    part = part.reshape(-1)
    area = np.bincount(part, flats.parts.pieces.area)
    order = np.argsort(-area, kind="stable")
    order = np.concatenate([[part[0]], order[order != part[0]]])
    rank = np.argsort(order, kind="stable")
    label = resize_label(rank[part][flats.parts.pieces.label].astype(np.int32), size)
    counts = np.bincount(label.ravel(), minlength=len(order))
    hexes = ["#" + bytes(int(c) for c in levels[first[old]]).hex() for old in order]
    parts = [Part(i, hexes[i], int(n)) for i, n in enumerate(counts) if n]
    return PartMap(label, parts)


def flat_layer(flats: Flats, size: tuple[int, int]) -> Image.Image:
    """The flats without light and lines, mode RGB, at a (width, height)."""
    label = flats.parts.pieces.label
    painted = flats.paint(label.shape[::-1])
    picture = np.clip(np.round((painted + 1.0) * 127.5), 0, 255).astype(np.uint8)
    return Image.fromarray(picture).resize(size, Image.Resampling.NEAREST)


def _levels(flats: Flats) -> np.ndarray:
    """(N+1)×3 int, 8-bit sRGB of the pieces."""
    return np.clip(np.round((flats.colours + 1.0) * 127.5), 0, 255).astype(np.int64)
