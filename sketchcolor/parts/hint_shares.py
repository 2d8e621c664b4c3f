"""Shares of the hints in every place of a drawing.

A hint is about a part, not about a place: similar vectors say how far it reaches, lines say where
it ends. Paper competes with every hint as a seed of its own, so that no stroke runs out over the
page.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..colour_space import signed_to_lab
from .analysis import UNIT, DrawingParts, Reading
from .pieces import cell_of_pixels, resize_label

__all__ = ["HintColours", "Seeds", "asks_for_background", "find_seeds", "hint_colours"]

BIN = 24  # 8-bit levels: painted colours that are this close are one hint
MOST_SEEDS = 192  # the largest are kept; a picture painted over the sketch has more
TOUCHED = 0.2  # a stroke is about a piece if this share of the stroke lies in it,
COVERED = 0.3  # or if it covers this share of the piece
WHITE_HINT = 0.8  # in [-1, 1]: a hint whose least channel is higher, on paper, asks for no colour
BESIDE = 0.02  # sides: a stroke on paper that is this near to the figure is about the figure
SHARPNESS = 1.5  # factor of the logits, against mixtures of hints, which nobody asked for
PAPER_DISTANCE = 0.15  # sides: the distance that paper is taken to have from every cell
AGREEMENT = 0.15  # weight of the colours that the proposer expects, as evidence for hints
COLOUR_RANGE = 10.0  # CIELAB: standard deviation of an expected colour
MOST_APART, NONE_APART = 8.0, 4.0  # disagreement: the largest that counts, and that of "none"
WHOLE_PIECE = 0.9  # least likeness of a painted place to its piece for all of it to be coloured
SHARED_RANGE = 0.03  # sides: the length over which two hints in one piece blend
EXTENT = 1.0  # logits that a hint loses in a piece e times as large as the one that it is in
LARGE = 0.06  # of the page: pieces larger than this are alike in it
EXCLUDED = -1e4  # the logit of a seed that is left out
LEAST_SHARE = 0.7  # of the hints in a place for it to be coloured, if there is one colour;
MORE_COLOURS = 0.15  # with more colours less is needed: each place is likelier about one of them
FADE = 0.15  # share over which hints fade in
ONE_PIECE = (0.97, 0.85)  # likeness of a piece's cells to their mean: one colour, or one per cell


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
        strength: N+1 in [0, 1], how much the hints count in each.
        cells: C×3 and
        cells_strength: C, the same per cell, for pieces that hold several parts.
        cell_share: N+1 in [0, 1], how far a piece is coloured cell by cell.
        colour_count: how many colours the hints have.
    """

    pieces: np.ndarray
    strength: np.ndarray
    cells: np.ndarray
    cells_strength: np.ndarray
    cell_share: np.ndarray
    colour_count: int


def find_seeds(parts: DrawingParts, reading: Reading, hint_map: np.ndarray) -> Seeds | None:
    """The hints of a map.

    A stroke is about the pieces that a good part of it lies in, not about those that it only
    touches.

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
    # Only a stroke that lies mostly on paper is about paper: many end a little outside the figure.
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
    coloured = mask & (piece == 0) & (hint_map[..., :3].min(axis=2) <= WHITE_HINT)
    sizes = np.bincount(stroke[mask], minlength=count)
    return bool((2 * np.bincount(stroke[coloured], minlength=count) > sizes).any())


def _meant_pieces(label: np.ndarray, hint_map: np.ndarray, stroke: np.ndarray) -> np.ndarray:
    """``label``, with strokes on paper close to the figure assigned to the piece beside them.

    A background is asked for by a stroke in its middle; a dot beside an outline missed the figure.
    """
    on_paper = (label == 0) & (hint_map[..., 3] > 0) & (hint_map[..., :3].min(axis=2) <= WHITE_HINT)
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
    colours, vectors, locality, distances = [], [], [], []
    for number in kept:
        painted = seed == number
        colours.append(colour[painted].mean(axis=0))
        cells = cell[painted]
        vectors.append(reading.vectors[cells].mean(axis=0))
        locality.append(reading.locality[cells].mean())
        away = np.ones((height, width), np.uint8)
        away.ravel()[cells] = 0
        distances.append(cv2.distanceTransform(away, cv2.DIST_L2, cv2.DIST_MASK_5).ravel())
    means = np.array(vectors)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), UNIT)
    distance = (np.stack(distances, axis=1) / max(height, width)).astype(np.float32)
    return Seeds(np.array(colours), means, np.array(locality, np.float32), distance, piece[kept])


def hint_colours(
    parts: DrawingParts, reading: Reading, seeds: Seeds, paint_paper: bool = False
) -> HintColours:
    """Colours that the hints ask for, everywhere that they speak for.

    The share of a hint in a cell is a softmax over likeness minus distance, as the part encoder was
    trained; a piece takes the mean logits of its cells. In large pieces a hint that lies in a small
    one counts for less. A piece with strokes in it takes only these, each place the nearest,
    provided that it is like the painted place: a mouth with an open line lies in one piece with the
    face.

    Args:
        reading: of the drawing with these hints.
        paint_paper: the ground is coloured like the rest, so a white hint on it counts, too.
    """
    logits = reading.scale * reading.vectors @ seeds.vectors.T - seeds.locality * seeds.distance
    logits += _agreement(reading, seeds.colours)
    beyond = _beyond(parts, seeds)
    of_pieces = parts.pieces.cells @ logits - beyond
    logits -= beyond[parts.pieces.home]
    means = parts.pieces.cells @ reading.vectors
    length = np.linalg.norm(means, axis=1)
    alike = (means[seeds.piece] * seeds.vectors).sum(axis=1)
    fits = alike >= WHOLE_PIECE * length[seeds.piece]
    # A colour on paper asks for a background, or for a part whose outline is open.
    on_paper = (seeds.piece == 0) & (seeds.colours.min(axis=1) <= WHITE_HINT)
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
    least = LEAST_SHARE / (1.0 + MORE_COLOURS * (count - 1) ** 2)
    pieces, strength = _mix(shares, seeds.colours, least)
    # An open figure is separated from paper by its cells alone, so they must be certain.
    sure = np.where((home == 0) & (not background), max(least, LEAST_SHARE), least)
    return HintColours(pieces, strength, *_mix(cells, seeds.colours, sure), cell_share, count)


def _same_colours(seeds: Seeds) -> tuple[int, list[np.ndarray]]:
    """How many colours there are, and the indices of the seeds of each that several ask for."""
    bins = np.round((seeds.colours + 1.0) * 127.5 / BIN)
    _, colour = np.unique(bins, axis=0, return_inverse=True)
    count = int(colour.max()) + 1
    groups = (np.flatnonzero(colour.ravel() == one) for one in range(count))
    return count, [group for group in groups if len(group) > 1]


def _best_of(same: list[np.ndarray], logits: np.ndarray) -> np.ndarray:
    """Logits in which, of the seeds of one colour, only the most likely one counts.

    Five dots on one bow make its colour no likelier in the face than one does.
    """
    logits = logits.copy()
    for group in same:
        values = logits[:, group]
        logits[:, group] = np.where(values == values.max(axis=1, keepdims=True), values, EXCLUDED)
    return logits


def _others(parts: DrawingParts, reading: Reading, background: bool) -> list[np.ndarray]:
    """Logits, C each, of what competes with the hints: paper, and "none of them"."""
    if background or not parts.pieces.area[0]:
        return [reading.alone]
    vector = (parts.pieces.cells[[0]] @ reading.vectors)[0]
    unit = vector / max(float(np.linalg.norm(vector)), UNIT)
    locality = (parts.pieces.cells[[0]] @ reading.locality).item()
    paper = reading.scale * reading.vectors @ unit - PAPER_DISTANCE * locality
    return [paper + _agreement(reading, np.ones((1, 3)))[:, 0], reading.alone]


def _beyond(parts: DrawingParts, seeds: Seeds) -> np.ndarray:
    """(N+1)×K logits that hints lose in pieces larger than those that they are in.

    A face is like its mouth and hair like its bow where no hint is more like them, but whoever
    colours a mouth or a bow does not mean them. Places as small, such as the other eye, lose
    nothing. Pieces count as no larger than the largest with a hint: a stroke on a strand alone
    means all of the hair.
    """
    areas = parts.pieces.area / parts.pieces.label.size
    own = areas[seeds.piece]
    largest = min(LARGE, own[seeds.piece > 0].max(initial=0.0))
    ratio = np.minimum(areas, largest)[:, None] / np.maximum(own, UNIT)
    return EXTENT * np.log(np.maximum(ratio, 1.0))


def _agreement(reading: Reading, colours: np.ndarray) -> np.ndarray:
    """C×K logits: how well K×3 colours in [-1, 1] agree with what is expected in each cell.

    The expectation is blurred but knows figures: it gives a face skin, whatever colour a bow has.
    """
    expected, asked = signed_to_lab(reading.expected), signed_to_lab(colours)
    apart = np.square(expected[:, None] - asked[None]).sum(axis=2) / (2.0 * COLOUR_RANGE**2)
    return AGREEMENT * (NONE_APART - np.minimum(apart, MOST_APART))


def _share_by_nearness(cells: np.ndarray, seeds: Seeds, home: np.ndarray, fits: np.ndarray) -> None:
    """In place: in pieces with several hints, each cell goes to the hints near it."""
    for piece in np.unique(seeds.piece):
        own = np.flatnonzero(seeds.piece == piece)
        inside = np.flatnonzero(home == piece)
        if not len(inside) or not fits[own].all():
            continue
        nearness = np.exp(-seeds.distance[np.ix_(inside, own)] / SHARED_RANGE) + 1e-9
        weight = nearness * np.maximum(cells[np.ix_(inside, own)], 1e-4)
        cells[inside] = 0.0
        cells[np.ix_(inside, own)] = weight / weight.sum(axis=1, keepdims=True)


def _mix(
    shares: np.ndarray, colours: np.ndarray, least: float | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The mixture of the hints' colours, and their strength; the last shares are no hints'."""
    hints = shares[:, : len(colours)]
    total = hints.sum(axis=1)
    strength = np.clip((total - least) / FADE, 0.0, 1.0)
    mixed = hints @ colours / np.maximum(total, UNIT)[:, None]
    return mixed.astype(np.float32), strength.astype(np.float32)


def _softmax(logits: np.ndarray) -> np.ndarray:
    sharp = SHARPNESS * (logits - logits.max(axis=1, keepdims=True))
    weights = np.exp(sharp)
    return weights / weights.sum(axis=1, keepdims=True)
