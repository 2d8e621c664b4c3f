"""Colours the pieces of drawings, and turns flats into what a call returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from ..colour_space import lab_to_rgb, signed_to_lab
from ..geometry import Fit
from ..models.part_colours import MOST_PARTS, PartColours, to_flow
from ..postprocess.palette_transfer import transfer_palette
from ..sampling.seeds import Generators
from .analysis import DrawingParts, Reading
from .flats import Flats, free_colours, relight
from .hint_shares import HintColours, find_seeds, hint_colours
from .tokens import describe

__all__ = [
    "Part",
    "PartMap",
    "colours_of_proposals",
    "draw_colours",
    "light_over",
    "map_parts",
    "paint_flats",
    "take_over",
    "with_hints",
]

# What is expected under hints, in free colours: the greatest share, and the number of further
# colours at which half of it is reached.
EXPECTED_SHARE, EXPECTED_COLOURS = 0.8, 4
FLAT_SIDE = 96  # px: of the small pictures of flats that palettes are transferred to


PaletteTensors = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Part:
    """One part of a colouring.

    Attributes:
        label: its number in the label map.
        color: sRGB, ``#rrggbb``.
        area: pixels of the sketch.
        name: given by hand, or empty.
        locked: it keeps its colour when the drawing is coloured anew.
    """

    label: int
    color: str
    area: int
    name: str = ""
    locked: bool = False


@dataclass(frozen=True)
class PartMap:
    """The parts of a colouring.

    Attributes:
        label: H×W int32 of the sketch's size, with borders under the lines; 0 is paper, then
            largest first.
        parts: the parts that there are, paper among them where there is some.
    """

    label: np.ndarray
    parts: list[Part]

    @property
    def colours(self) -> np.ndarray:
        """N×3 uint8 by label number; black where there is no such part."""
        table = np.zeros((int(self.label.max()) + 1, 3), np.uint8)
        for part in self.parts:
            table[part.label] = list(bytes.fromhex(part.color.removeprefix("#")))
        return table

    def paint(self) -> Image.Image:
        """Every part in its colour, mode RGB."""
        return Image.fromarray(self.colours[self.label])


def colours_of_proposals(
    drawings: list[DrawingParts],
    proposals: torch.Tensor,
    palette: PaletteTensors | None,
    is_guess: bool,
    paint_paper: bool,
) -> list[np.ndarray]:
    """The colours that proposals give the pieces, (N+1)×3 in [-1, 1] for each of B pictures.

    Args:
        drawings: B of them; the same one for variants.
        proposals: B×3×h×w in [-1, 1], coloured without hints.
        palette: B×K×3 in [-1, 1] and B×K, or None. is_guess: nobody asked for it.
        paint_paper: colour the ground around the figure, too.
    """
    if palette is not None:
        proposals = transfer_palette(proposals, *palette, is_guess=is_guess)
    rows = proposals.float().permute(0, 2, 3, 1).cpu().numpy()
    return [
        free_colours(parts, row, paint_paper) for parts, row in zip(drawings, rows, strict=True)
    ]


def draw_colours(
    network: PartColours,
    drawings: list[DrawingParts],
    generator: Generators,
    palette: PaletteTensors | None,
    paint_paper: bool,
) -> list[np.ndarray]:
    """Colours that a network draws for the parts; see :func:`colours_of_proposals`."""
    tokens = [describe(parts) for parts in drawings]
    stacked = [np.stack([getattr(one, name) for one in tokens]) for name in ("features", "present")]
    features, present = (torch.from_numpy(part).to(network.device) for part in stacked)
    features = features.to(network.dtype)
    shape = (MOST_PARTS, 3)
    if isinstance(generator, list):
        noise = torch.stack([torch.randn(shape, generator=one) for one in generator])
    else:
        noise = torch.randn((len(tokens), *shape), generator=generator)
    is_known = torch.zeros_like(present)
    is_known[:, 0] = not paint_paper
    white = to_flow(torch.tensor([100.0, 0.0, 0.0]))
    conditions = {"known": white.expand(*noise.shape).to(features), "is_known": is_known}
    if palette is not None:
        colors, weights = (part.float().to(network.device) for part in palette)
        conditions["palette"] = to_flow(torch.from_numpy(signed_to_lab(colors))).to(features)
        conditions["weights"] = weights.to(features)
    drawn = network.draw(noise.to(features), features=features, present=present, **conditions)
    rgb = lab_to_rgb(drawn.float().cpu().numpy()) * 2.0 - 1.0
    free = [
        colours[one.of_part][parts.part]
        for colours, one, parts in zip(rgb, tokens, drawings, strict=True)
    ]
    if palette is None:
        return free
    # The same transfer that pictures get, so that the flats have exactly the palette.
    small = [
        Flats(parts, colours).paint((FLAT_SIDE, FLAT_SIDE))
        for parts, colours in zip(drawings, free, strict=True)
    ]
    pictures = torch.from_numpy(np.stack(small)).permute(0, 3, 1, 2)
    return colours_of_proposals(drawings, pictures, palette, False, paint_paper)


def take_over(parts: DrawingParts, colours: np.ndarray, other: DrawingParts) -> np.ndarray:
    """The colours of a drawing's pieces for those that another analysis of it found.

    Args:
        colours: (N+1)×3 in [-1, 1] of the pieces of ``parts``.
        other: the same drawing's, of M+1 pieces.

    Returns:
        (M+1)×3.
    """
    if other is parts:
        return colours
    picture = Flats(parts, colours).paint(parts.grid[::-1])
    return free_colours(other, picture, paint_paper=False)


def with_hints(
    drawings: list[DrawingParts],
    free: list[np.ndarray],
    hints: torch.Tensor | None,
    paint_paper: bool,
    read: Callable[[DrawingParts, torch.Tensor], Reading],
) -> list[Flats]:
    """Flats of B pictures: the free colours of their pieces, and over them what hints ask for.

    Args:
        hints: B×4×H×W hint map, or None.
        read: what the networks say of a drawing with a 1×4×H×W hint map.
    """
    if hints is None:
        return [Flats(*one) for one in zip(drawings, free, strict=True)]
    asked: dict[tuple[int, int], tuple[Reading, HintColours | None]] = {}  # shared by variants
    flats = []
    for parts, colours, given in zip(drawings, free, hints, strict=True):
        key = (id(parts), given.data_ptr())
        if key not in asked:
            reading = read(parts, given[None])
            seeds = find_seeds(parts, reading, _pixels(given))
            said = None if seeds is None else hint_colours(parts, reading, seeds, paint_paper)
            asked[key] = reading, said
        reading, said = asked[key]
        if said is not None:
            colours = _expected_colours(parts, reading, colours, said.colour_count, paint_paper)
        flats.append(Flats(parts, colours, said))
    return flats


def _expected_colours(
    parts: DrawingParts, reading: Reading, free: np.ndarray, count: int, paint_paper: bool
) -> np.ndarray:
    """Free colours moved towards what is expected beside the hints, the more colours are asked for.

    With hints of one colour they stay as they are: one stroke does not change the other parts.

    Args:
        reading: of the drawing with its hints.
        free: (N+1)×3 in [-1, 1], colours of the pieces without hints.
        count: how many colours hints ask for.
    """
    share = EXPECTED_SHARE * (count - 1) / (count - 1 + EXPECTED_COLOURS)
    if not share:
        return free
    picture = reading.expected.reshape(*parts.grid, 3).astype(np.float32)
    return free + share * (free_colours(parts, picture, paint_paper) - free)


def paint_flats(flats: list[Flats], geometry: Fit) -> torch.Tensor:
    """B×3×H×W in [-1, 1], padded as the page of ``geometry`` is."""
    pictures = np.stack([one.paint(geometry.scaled_size) for one in flats])
    planes = torch.from_numpy(pictures).permute(0, 3, 1, 2)
    right, below = (p - s for p, s in zip(geometry.padded_size, geometry.scaled_size, strict=True))
    return F.pad(planes, (0, right, 0, below), mode="replicate")


def light_over(
    pictures: torch.Tensor,
    painted: torch.Tensor,
    flats: list[Flats],
    hints: torch.Tensor | None,
) -> torch.Tensor:
    """The light of the generator's pictures over their flats, all B×3×H×W in [-1, 1].

    Args:
        hints: B×4×H×W hint map, or None.
    """
    masks = [None] * len(flats) if hints is None else list(hints[:, 3].cpu().numpy() > 0)
    lit = [
        relight(_pixels(picture), _pixels(flat), one, mask)
        for picture, flat, one, mask in zip(pictures, painted, flats, masks, strict=True)
    ]
    return torch.from_numpy(np.stack(lit)).permute(0, 3, 1, 2)


def _pixels(picture: torch.Tensor) -> np.ndarray:
    """C×H×W → H×W×C."""
    return picture.float().permute(1, 2, 0).cpu().numpy()


def map_parts(flats: Flats, label: np.ndarray) -> PartMap:
    """The parts of a colouring; a hint may divide what was one part.

    Args:
        label: H×W int32, the label map of ``flats`` at the sketch's size.
    """
    _, first = np.unique(flats.part, return_index=True)
    counts = np.bincount(label.ravel(), minlength=len(first))
    hexes = ["#" + bytes(int(c) for c in flats.levels[piece]).hex() for piece in first]
    parts = [Part(i, hexes[i], int(n)) for i, n in enumerate(counts) if n]
    return PartMap(label, parts)
