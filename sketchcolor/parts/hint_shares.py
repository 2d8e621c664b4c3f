"""Which hint speaks for which place of a drawing.

A hint is about a part, not about a place: likeness of the vectors says how far it goes, the lines
say where it ends. Paper is a seed of its own that competes with every hint, so that no stroke runs
out over the page.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .analysis import UNIT, DrawingParts, Reading
from .pieces import cell_of_pixels, resize_label

__all__ = ["HintColours", "Seeds", "asks_for_background", "find_seeds", "hint_colours"]

BIN = 24  # 8-bit levels: painted colours this near are one hint
MOST_SEEDS = 192  # the largest are kept; a painted draft has more
TOUCHED = 0.2  # of a stroke lies in a piece that it means,
COVERED = 0.3  # or so much of the piece is covered by it
WHITE = 0.8  # in [-1, 1]: least channel of a hint that is paper where it lies on paper
BESIDE = 0.02  # sides: how far a dot on paper may be from the figure that it missed
SHARPNESS = 1.5  # times the logits: a mixture of two hints is a colour that nobody asked for
PAPER_WAY = 0.15  # sides: how far away paper counts as being from every cell
MEANT_WHOLE = 0.9  # least likeness of a painted place to its piece for the whole piece to follow
NEAR = 0.03  # sides: over which two hints in one piece share it
SILENT = -1e4  # the logit of a seed that has no say
SPEAKS = 0.7  # share of all hints from which a place is theirs, where one colour is asked for;
FULLER = 0.15  # the more colours are, the likelier each place is meant by one of them
FADE = 0.15  # share over which hints come to hold
ONE_PIECE = (0.97, 0.85)  # likeness of a piece's cells to their mean: one answer, or one per cell


class Seeds(NamedTuple):
    """Hints as a drawing's cells know them, K of them.

    Attributes:
        colours: K×3 in [-1, 1], sRGB.
        vectors: K×D unit vectors. locality: K.
        distance: C×K, from each cell to the painted ones, in sides of the page.
        piece: K, the piece that each was painted in.
    """

    colours: np.ndarray
    vectors: np.ndarray
    locality: np.ndarray
    distance: np.ndarray
    piece: np.ndarray


class HintColours(NamedTuple):
    """What hints ask for.

    Attributes:
        pieces: (N+1)×3 colours in [-1, 1] of the pieces, and
        spoken: N+1 in [0, 1], how much of each is the hints' to decide.
        cells: C×3 and
        cells_spoken: C, the same per cell, for pieces that are not of one part.
        cell_share: N+1 in [0, 1], how much of a piece goes by its cells.
    """

    pieces: np.ndarray
    spoken: np.ndarray
    cells: np.ndarray
    cells_spoken: np.ndarray
    cell_share: np.ndarray


def find_seeds(parts: DrawingParts, reading: Reading, hint_map: np.ndarray) -> Seeds | None:
    """The hints of a map.

    A stroke means the pieces that a good part of it lies in: what it touches of a line or runs over
    by a hair's breadth was not meant.

    Args:
        reading: of the drawing with these hints.
        hint_map: h×w×4 of any size, RGB in [-1, 1] where painted, mask last.

    Returns:
        None without a painted pixel.
    """
    mask = hint_map[..., 3] > 0
    if not mask.any():
        return None
    _, stroke = cv2.connectedComponents(mask.astype(np.uint8))
    rows, columns = np.nonzero(mask)
    colour = hint_map[rows, columns, :3]
    piece = _meant_pieces(resize_label(parts.pieces.label, mask.shape[::-1]), hint_map, stroke)
    piece = piece[rows, columns]
    cell = cell_of_pixels(mask.shape, parts.grid)[rows, columns]
    bins = np.round((colour + 1.0) * 127.5 / BIN).astype(np.int64)
    keys = np.column_stack([stroke[rows, columns], bins, piece])
    _, group = np.unique(keys[:, :4], axis=0, return_inverse=True)  # a stroke of one colour
    pairs = np.column_stack([group, piece])
    _, first, seed = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    size = np.bincount(seed)
    whole = np.bincount(group)[group[first]]
    pixels = mask.size / parts.pieces.label.size  # of the map to one of the drawing
    covered = size / np.maximum(parts.pieces.area[piece[first]] * pixels, 1.0)
    meant = (size >= TOUCHED * whole) | (covered >= COVERED)
    largest = np.zeros(len(size), bool)  # of every stroke at least the piece with most of it
    order = np.lexsort((-size, group[first]))
    largest[order[np.unique(group[first][order], return_index=True)[1]]] = True
    # Paper is meant only by what lies mostly on it: strokes end a little outside of the figure.
    on_paper = (piece[first] == 0) & (2 * size < whole)
    kept = np.flatnonzero((meant | largest) & ~on_paper)
    kept = kept[np.argsort(-size[kept], kind="stable")][:MOST_SEEDS]
    return _describe(reading, parts.grid, kept, seed, piece[first], cell, colour)


def asks_for_background(parts: DrawingParts, hint_map: np.ndarray) -> bool:
    """Whether a stroke of a colour lies on paper, most of it and away from the figure.

    Args:
        hint_map: h×w×4 of any size, RGB in [-1, 1] where painted, mask last.
    """
    mask = hint_map[..., 3] > 0
    if not mask.any():
        return False
    count, stroke = cv2.connectedComponents(mask.astype(np.uint8))
    label = resize_label(parts.pieces.label, mask.shape[::-1])
    piece = _meant_pieces(label, hint_map, stroke)
    coloured = mask & (piece == 0) & (hint_map[..., :3].min(axis=2) <= WHITE)
    sizes = np.bincount(stroke[mask], minlength=count)
    return bool((2 * np.bincount(stroke[coloured], minlength=count) > sizes).any())


def _meant_pieces(label: np.ndarray, hint_map: np.ndarray, stroke: np.ndarray) -> np.ndarray:
    """``label``, where strokes on paper close to the figure are given to the piece beside them.

    Who wants a background paints in its middle; a dot beside an outline missed what it was for.
    """
    on_paper = (label == 0) & (hint_map[..., 3] > 0) & (hint_map[..., :3].min(axis=2) <= WHITE)
    if not on_paper.any() or not (label > 0).any():
        return label
    distance, nearest = cv2.distanceTransformWithLabels(
        (label == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    furthest = np.zeros(stroke.max() + 1)
    np.maximum.at(furthest, stroke[on_paper], distance[on_paper])
    beside = on_paper & (furthest[stroke] <= BESIDE * max(label.shape))
    piece_of = np.zeros(nearest.max() + 1, label.dtype)
    piece_of[nearest[label > 0]] = label[label > 0]
    return np.where(beside, piece_of[nearest], label)


def _describe(
    reading: Reading,
    grid: tuple[int, int],
    kept: np.ndarray,
    seed: np.ndarray,
    piece: np.ndarray,
    cell: np.ndarray,
    colour: np.ndarray,
) -> Seeds:
    """Colours, vectors and distances of the seeds ``kept``."""
    height, width = grid
    colours, vectors, locality, distance = [], [], [], []
    for number in kept:
        painted = seed == number
        colours.append(colour[painted].mean(axis=0))
        cells = cell[painted]
        vectors.append(reading.vectors[cells].mean(axis=0))
        locality.append(reading.locality[cells].mean())
        away = np.ones((height, width), np.uint8)
        away.ravel()[cells] = 0
        distance.append(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_5).ravel())
    vectors = np.array(vectors)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), UNIT)
    ways = np.stack(distance, axis=1) / max(height, width)
    locality = np.array(locality, np.float32)
    return Seeds(np.array(colours), vectors, locality, ways.astype(np.float32), piece[kept])


def hint_colours(
    parts: DrawingParts, reading: Reading, seeds: Seeds, paint_paper: bool = False
) -> HintColours:
    """Colours that the hints ask for, everywhere that they speak for.

    The share of a hint in a cell is a softmax over likeness less distance, as the part encoder was
    trained; a piece takes the mean logits of its cells. A piece that was painted in has only the
    hints in it, which share it by nearness, if it is like the place that was painted: a mouth whose
    line is open lies in one piece with the face.

    Args:
        reading: of the drawing with these hints.
        paint_paper: the ground is coloured like the rest, so white on it is a wish, too.
    """
    logits = reading.scale * reading.vectors @ seeds.vectors.T - seeds.locality * seeds.distance
    of_pieces = parts.pieces.cells @ logits
    means = parts.pieces.cells @ reading.vectors
    length = np.linalg.norm(means, axis=1)
    alike = (means[seeds.piece] * seeds.vectors).sum(axis=1)
    fits = alike >= MEANT_WHOLE * length[seeds.piece]
    # A colour on paper asks for a background, or for a part whose outline lets paper in.
    on_paper = (seeds.piece == 0) & (seeds.colours.min(axis=1) <= WHITE)
    background = paint_paper or bool((on_paper & fits).any())
    others = np.column_stack(_others(parts, reading, background))
    count, same = _same_colours(seeds)
    logits, of_pieces = (
        np.column_stack([_best_of(same, values), *more])
        for values, *more in ((logits, others), (of_pieces, parts.pieces.cells @ others))
    )
    one, several = ONE_PIECE
    cell_share = np.clip((one - length) / (one - several), 0.0, 1.0)
    cell_share[0] = float(on_paper.any() and not background)
    shares = _softmax(of_pieces)
    if not background:
        shares[0, : len(seeds.piece)] = 0.0
    painted = np.unique(seeds.piece)
    for piece in painted if background else painted[painted > 0]:
        own = np.flatnonzero((seeds.piece == piece) & fits)
        if len(own):
            shares[piece] = 0.0
            shares[piece, own] = _softmax(of_pieces[piece, own][None])[0]
        if len(own) != 1 or (seeds.piece == piece).sum() > 1:
            cell_share[piece] = 1.0
    home = parts.pieces.home
    mix = cell_share[home][:, None]
    cells = _softmax(mix * logits + (1.0 - mix) * of_pieces[home])
    _share_by_nearness(cells, seeds, home, fits)
    least = SPEAKS / (1.0 + FULLER * (count - 1) ** 2)
    pieces, spoken = _mix(shares, seeds.colours, least)
    # What lets paper in is told from it by its cells alone, so they must be sure.
    sure = np.where((home == 0) & (not background), max(least, SPEAKS), least)
    return HintColours(pieces, spoken, *_mix(cells, seeds.colours, sure), cell_share)


def _same_colours(seeds: Seeds) -> tuple[int, list[np.ndarray]]:
    """How many colours there are, and the indices of the seeds of each that several ask for."""
    bins = np.round((seeds.colours + 1.0) * 127.5 / BIN)
    _, colour = np.unique(bins, axis=0, return_inverse=True)
    count = int(colour.max()) + 1
    groups = (np.flatnonzero(colour.ravel() == one) for one in range(count))
    return count, [group for group in groups if len(group) > 1]


def _best_of(same: list[np.ndarray], logits: np.ndarray) -> np.ndarray:
    """Logits in which, of the seeds of one colour, only the most likely one speaks.

    Five dots on one bow say no more about the face than one does.
    """
    logits = logits.copy()
    for group in same:
        values = logits[:, group]
        logits[:, group] = np.where(values == values.max(axis=1, keepdims=True), values, SILENT)
    return logits


def _others(parts: DrawingParts, reading: Reading, background: bool) -> list[np.ndarray]:
    """C logits each of what competes with hints and asks for no colour: paper, and none of them."""
    if background or not parts.pieces.area[0]:
        return [reading.alone]
    vector = (parts.pieces.cells[[0]] @ reading.vectors)[0]
    unit = vector / max(float(np.linalg.norm(vector)), UNIT)
    locality = (parts.pieces.cells[[0]] @ reading.locality).item()
    return [reading.scale * reading.vectors @ unit - PAPER_WAY * locality, reading.alone]


def _share_by_nearness(cells: np.ndarray, seeds: Seeds, home: np.ndarray, fits: np.ndarray) -> None:
    """In place: cells of pieces that were painted in more than once go to the hints near them."""
    for piece in np.unique(seeds.piece):
        own = np.flatnonzero(seeds.piece == piece)
        inside = np.flatnonzero(home == piece)
        if not len(inside) or not fits[own].all():
            continue
        nearness = np.exp(-seeds.distance[np.ix_(inside, own)] / NEAR) + 1e-9
        weight = nearness * np.maximum(cells[np.ix_(inside, own)], 1e-4)
        cells[inside] = 0.0
        cells[np.ix_(inside, own)] = weight / weight.sum(axis=1, keepdims=True)


def _mix(
    shares: np.ndarray, colours: np.ndarray, least: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colours of all hints together, and how much they have to say; the last shares are others'."""
    hints = shares[:, : len(colours)]
    total = hints.sum(axis=1)
    spoken = np.clip((total - least) / FADE, 0.0, 1.0)
    mixed = hints @ colours / np.maximum(total, UNIT)[:, None]
    return mixed.astype(np.float32), spoken.astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    sharp = SHARPNESS * (logits - logits.max(axis=1, keepdims=True))
    weights = np.exp(sharp)
    return weights / weights.sum(axis=1, keepdims=True)
