"""Analyses a drawing: its pieces, what the networks say of its cells, and the parts.

Without hints the analysis depends on the lines alone, so it is done once per drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.sparse import coo_array
from sklearn.cluster import AgglomerativeClustering

from ..conditions import hints as hint_maps
from ..conditions.hint_field import hint_field
from ..geometry import stretch
from ..images import to_tensor
from ..lineart.regions import find_regions
from ..models.parts import CELL, PartEncoder, read_features
from ..models.proposer import ColorProposer, ProposerFeatures
from ..precision import autocast
from .paper_hints import paper_hints
from .pieces import Pieces, cut_regions

__all__ = ["DrawingParts", "Reading", "analyse", "read_cells"]

RESOLUTION = 384  # px: side of the page that the networks read; small faces need as much
HINTED_RESOLUTION = 256  # px: side of the page that they read with hints, at every stroke
# Weight of the reading with hints: its greatest share, and the number of colours at which half of
# that is reached. The more colours there are, the better is the reading with hints.
HINTED_SHARE, HINTED_COLOURS = 0.5, 10
COLOUR_BIN = 24  # 8-bit levels: painted colours that are this close count as one
APART = 0.13  # cosine distance, mean over two groups of pieces, from which they are two parts
UNIT = 1e-6  # guards a division by the length of a vector


@dataclass(frozen=True)
class Reading:
    """What the networks say of a drawing's C cells, with certain hints or with none.

    Attributes:
        vectors: C×D unit vectors. alone: C logits of having no other place's colour.
        locality: C, how fast a hint's reach ends with distance, logit per side.
        white: C in [0, 1], the chance of being as white as paper.
        expected: C×3 in about [-1, 1], the colours that the proposer predicts at full noise: the
            mean of what it would draw under these hints.
        scale: of a likeness, to make it a logit.
    """

    vectors: np.ndarray
    alone: np.ndarray
    locality: np.ndarray
    white: np.ndarray
    expected: np.ndarray
    scale: float

    def mixed(self, other: Reading, share: float) -> Reading:
        """A reading with this one's logits and, for a ``share``, those of one with more hints."""
        own, its = np.sqrt(1.0 - share), np.sqrt(share)
        alone, locality, white = (
            (1.0 - share) * getattr(self, name) + share * getattr(other, name)
            for name in ("alone", "locality", "white")
        )
        vectors = np.concatenate([own * self.vectors, its * other.vectors], axis=1)
        return Reading(vectors, alone, locality, white, other.expected, self.scale)


@dataclass(frozen=True)
class DrawingParts:
    """The analysis of a drawing.

    Attributes:
        pieces: at the drawing's working size; piece 0 is paper.
        part: N+1 ints, the part that each piece belongs to; paper is part 0 and on its own.
        ink: C in [0, 1], mean darkness of the drawing.
        reading: of the cells, without hints.
        page: 1×1×H×W in [-1, 1], the drawing as the networks read it with hints.
        paper: 1×4×H×W hint map with white dots on the ground, see :func:`paper_hints`; empty if
            the ground may be coloured.
        decoder: h'×w'×F, the proposer's last features. colour: h''×w''×3 in about [-1, 1], its
            prediction of the colours at full noise. Both have coarser cells.
    """

    pieces: Pieces
    part: np.ndarray
    ink: np.ndarray
    reading: Reading
    page: torch.Tensor
    paper: torch.Tensor
    decoder: np.ndarray
    colour: np.ndarray

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.pieces.grid

    def cells_of_parts(self) -> np.ndarray:
        """P×C: how many pixels of each part lie in each cell."""
        pieces = self.pieces.cells.multiply(self.pieces.area[:, None])
        count = len(self.part)
        of_part = coo_array((np.ones(count), (self.part, np.arange(count))))
        return (of_part.tocsr() @ pieces).toarray()

    def pool(self, share: np.ndarray) -> np.ndarray:
        """Means of ``decoder`` and ``colour`` over places: N×C shares of cells → N×(F + 3)."""
        means = []
        for planes in (self.decoder, self.colour):
            height, width, count = planes.shape
            rows, columns = self.grid[0] // height, self.grid[1] // width
            coarse = share.reshape(-1, height, rows, width, columns).sum(axis=(2, 4))
            means.append(coarse.reshape(len(share), -1) @ planes.reshape(-1, count))
        return np.concatenate(means, axis=1)


@torch.no_grad()
def analyse(
    drawing: Image.Image,
    proposer: ColorProposer,
    encoder: PartEncoder,
    paint_paper: bool = False,
) -> DrawingParts:
    """Find a drawing's pieces and parts.

    Args:
        drawing: mode L, 255 = paper.
        proposer, encoder: the networks, trained together.
        paint_paper: the ground may be coloured, so the networks are not told that it is white.
    """
    tile = proposer.multiple * proposer.config.sketch_scale
    sketch, page = (
        to_tensor(stretch(drawing, side, tile)[0]) for side in (RESOLUTION, HINTED_RESOLUTION)
    )
    grid = [side // CELL for side in sketch.shape[2:]]
    label = find_regions(drawing).label
    paper = paper_hints(label, page.shape[2:])
    if paint_paper:
        paper = torch.zeros_like(paper)
    reading, features = _read(sketch, paper, grid, proposer, encoder)
    planes, white = reading.vectors.T.reshape(-1, *grid), reading.white.reshape(grid)
    pieces = cut_regions(label, planes, white)
    return DrawingParts(
        pieces,
        _group(pieces),
        (1.0 - F.avg_pool2d(sketch, CELL)[0, 0].numpy().ravel()) / 2.0,
        reading,
        page,
        paper,
        *(_channels_last(planes) for planes in (features.decoder, features.colour)),
    )


@torch.no_grad()
def read_cells(
    parts: DrawingParts,
    hints: torch.Tensor,
    proposer: ColorProposer,
    encoder: PartEncoder,
) -> Reading:
    """Read a drawing again with hints: which places are alike depends on the colours given.

    Without hints the networks take all hair for one part; hints of two colours in it show that it
    is two. A mixture of both readings is right more often than either.

    Args:
        hints: 1×4×h×w hint map of any size.
    """
    given = hint_maps.resize(hints.float().cpu(), parts.page.shape[2:])
    with_paper = torch.where(given[:, 3:] > 0, given, parts.paper)
    hinted, _ = _read(parts.page, with_paper, parts.grid, proposer, encoder)
    painted = given[0].flatten(1)[:3, given[0, 3].flatten() > 0]
    colours = torch.unique(((painted + 1.0) * 127.5 / COLOUR_BIN).round(), dim=1).shape[1]
    return parts.reading.mixed(hinted, HINTED_SHARE * colours / (colours + HINTED_COLOURS))


def _read(
    sketch: torch.Tensor,
    hints: torch.Tensor,
    grid: Sequence[int],
    proposer: ColorProposer,
    encoder: PartEncoder,
) -> tuple[Reading, ProposerFeatures]:
    """A page of line art 1×1×H×W under a 1×4×h×w hint map, brought to a grid of cells."""
    hints = hint_maps.resize(hints, sketch.shape[2:])
    field = hint_field(hints, sketch, proposer.config.sketch_scale).to(proposer.device)
    sketch = sketch.to(proposer.device)
    with autocast(proposer, sketch.device.type):
        features = read_features(proposer, sketch, field)
        found = encoder(features, sketch)
    found = found._replace(white=found.white.sigmoid())
    found = found._make(F.interpolate(one.float(), grid, mode="bilinear") for one in found)
    found = found._replace(vectors=F.normalize(found.vectors, dim=1))
    vectors, alone, locality, white = (one[0].flatten(1).cpu().numpy() for one in found)
    colour = F.interpolate(features.colour.float(), grid, mode="bilinear")
    expected = _channels_last(colour).reshape(-1, 3)
    scale = float(encoder.log_scale.exp())
    return Reading(vectors.T, alone[0], locality[0], white[0], expected, scale), features


def _channels_last(planes: torch.Tensor) -> np.ndarray:
    """1×C×h×w → h×w×C."""
    return planes[0].permute(1, 2, 0).float().cpu().numpy()


def _group(pieces: Pieces) -> np.ndarray:
    """N+1 part numbers: pieces with similar vectors are one part; paper is a part of its own."""
    count = len(pieces.area)
    part = np.zeros(count, np.int64)
    shown = np.flatnonzero(pieces.area[1:] > 0) + 1
    if len(shown) < 2:
        part[shown] = 1
        return part
    length = np.linalg.norm(pieces.vectors[shown], axis=1, keepdims=True)
    clustering = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=APART
    )
    part[shown] = clustering.fit_predict(pieces.vectors[shown] / np.maximum(length, UNIT)) + 1
    areas = np.bincount(part, pieces.area, minlength=part.max() + 1)
    order = np.concatenate([[0], 1 + np.argsort(-areas[1:], kind="stable")])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[part]
