"""What is known of a drawing before anyone colours it: its pieces, and which of them are alike.

It depends on nothing but the lines, so it is found once per drawing and kept while strokes come
and go.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from scipy.sparse import coo_array
from sklearn.cluster import AgglomerativeClustering

from .geometry import stretch
from .images import to_tensor
from .models.parts import CELL, PartEncoder, read_features
from .models.proposer import ColorProposer
from .pieces import Pieces, cut_regions
from .precision import autocast
from .regions import find_regions

__all__ = ["DrawingParts", "analyse"]

RESOLUTION = 384  # px: side of the page that the networks read parts from; small faces need it
APART = 0.13  # cosine distance, mean over two groups of pieces, from which they are two parts
UNIT = 1e-6  # guards a division by the length of a vector


@dataclass(frozen=True)
class DrawingParts:
    """A drawing's pieces, parts and vectors.

    Attributes:
        pieces: at the drawing's working size; piece 0 is paper.
        part: N+1 ints, the part that each piece belongs to; paper is part 0 and on its own.
        vectors: C×D unit vectors of the cells. alone: C logits of having no other place's colour.
        locality: C, how fast a hint's reach ends with distance, logit per side.
        ink: C in [0, 1], mean darkness of the drawing.
        scale: of a likeness, to make it a logit.
        decoder: h'×w'×F, the proposer's last features. colour: h''×w''×3 in about [-1, 1], the
            colours that it names first. Both cover the drawing in coarser cells.
    """

    pieces: Pieces
    part: np.ndarray
    vectors: np.ndarray
    alone: np.ndarray
    locality: np.ndarray
    ink: np.ndarray
    scale: float
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
def analyse(drawing: Image.Image, proposer: ColorProposer, encoder: PartEncoder) -> DrawingParts:
    """Find a drawing's pieces and parts.

    Args:
        drawing: mode L, 255 = paper.
        proposer, encoder: the networks, trained together.
    """
    tile = proposer.multiple * proposer.config.sketch_scale
    page, _ = stretch(drawing, RESOLUTION, tile)
    sketch = to_tensor(page).to(proposer.device)
    with autocast(proposer, sketch.device.type):
        features = read_features(proposer, sketch)
        found = encoder(features, sketch)
    vectors, alone, locality = (part[0].float().cpu().numpy() for part in found)
    pieces = cut_regions(find_regions(drawing).label, vectors)
    return DrawingParts(
        pieces,
        _group(pieces),
        vectors.reshape(len(vectors), -1).T,
        alone.ravel(),
        locality.ravel(),
        (1.0 - F.avg_pool2d(sketch, CELL)[0, 0].cpu().numpy().ravel()) / 2.0,
        float(encoder.log_scale.exp()),
        *(_channels_last(planes) for planes in (features.decoder, features.colour)),
    )


def _channels_last(planes: torch.Tensor) -> np.ndarray:
    """1×C×h×w → h×w×C."""
    return planes[0].permute(1, 2, 0).float().cpu().numpy()


def _group(pieces: Pieces) -> np.ndarray:
    """N+1 part numbers: pieces whose vectors are alike are one part, paper stays on its own."""
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
