"""Which hint speaks for which place: likeness says how far it goes, lines say where it ends."""

from dataclasses import replace

import numpy as np
import pytest

from sketchcolor.parts.analysis import DrawingParts
from sketchcolor.parts.flats import Flats
from sketchcolor.parts.hint_shares import find_seeds, hint_colours
from tests.support.networks import drawing_parts

SIDE, CELL = 64, 2  # px
RED, BLUE, WHITE, GREY = (1, -1, -1), (-1, -1, 1), (1, 1, 1), (0.1, 0.1, 0.1)

# Pieces of the drawing of this file, 0 to 5, and the kinds of their vectors.
PAPER, STRAND, FACE, OTHER_STRAND, HOLE, EYE = range(6)
KINDS = [3, 0, 1, 0, 3, 2]
VECTORS = np.eye(4, dtype=np.float32)


def drawn_label() -> np.ndarray:
    """A face between two strands, with an eye, and below it a hole through which paper shows."""
    label = np.zeros((SIDE, SIDE), np.int32)
    label[8:56, 4:14] = STRAND
    label[8:44, 18:46] = FACE
    label[8:56, 50:60] = OTHER_STRAND
    label[46:56, 22:42] = HOLE
    label[16:20, 24:28] = EYE
    return label


def drawn(vectors: np.ndarray = VECTORS, **more) -> DrawingParts:
    label = drawn_label()
    cells = vectors[np.array(KINDS)[label[::CELL, ::CELL]]]
    return drawing_parts(label, cells.transpose(2, 0, 1), **more)


def painted(*strokes: tuple, side: int = SIDE) -> np.ndarray:
    """Hint map of rectangles (rows, columns, colour)."""
    hint_map = np.zeros((side, side, 4), np.float32)
    for rows, columns, colour in strokes:
        hint_map[slice(*rows), slice(*columns)] = (*colour, 1.0)
    return hint_map


def flats_with(parts: DrawingParts, *strokes: tuple, side: int = SIDE) -> Flats:
    """Everything grey but for paper, and over it what the strokes ask for."""
    free = np.full((len(parts.pieces.area), 3), 0.1, np.float32)
    free[PAPER] = 1.0
    seeds = find_seeds(parts, parts.reading, painted(*strokes, side=side))
    return Flats(parts, free, hint_colours(parts, parts.reading, seeds))


def assert_colour(flats: Flats, piece: int, colour: tuple) -> None:
    """Of the piece as such and of every pixel of it."""
    assert np.allclose(flats.colours[piece], colour, atol=1e-2)
    picture = flats.paint((SIDE, SIDE))[drawn_label() == piece]
    assert np.allclose(picture, colour, atol=1e-2)


DOT_ON_STRAND = (30, 34), (7, 11), RED


@pytest.mark.parametrize("side", [SIDE, 32, 160])
def test_a_dot_on_one_strand_colours_the_other_and_nothing_else(side):
    scale = side / SIDE
    rows, columns, colour = DOT_ON_STRAND
    dot = [tuple(round(scale * end) for end in ends) for ends in (rows, columns)]
    flats = flats_with(drawn(), (*dot, colour), side=side)
    for piece in (STRAND, OTHER_STRAND):
        assert_colour(flats, piece, RED)
        assert flats.asked.strength[piece] == 1.0
    for piece in (FACE, EYE):
        assert_colour(flats, piece, GREY)
        assert flats.asked.strength[piece] == 0.0
    assert_colour(flats, PAPER, WHITE)


def test_a_hint_that_ends_soon_reaches_no_strand_far_away():
    flats = flats_with(drawn(locality=20.0), DOT_ON_STRAND)
    assert_colour(flats, STRAND, RED)
    assert_colour(flats, OTHER_STRAND, GREY)


def test_paper_competes_for_what_is_like_it():
    """A hole is a little like the strand, and more like paper."""
    strand, face, eye, paper = VECTORS.copy()
    paper = 0.5 * strand + np.sqrt(0.75) * paper
    vectors = np.stack([strand, face, eye, paper]).astype(np.float32)
    flats = flats_with(drawn(vectors, alone=2.0), DOT_ON_STRAND)
    assert_colour(flats, STRAND, RED)
    assert_colour(flats, PAPER, WHITE)
    assert np.ptp(flats.colours[HOLE]) < 0.01  # no red in it
    # Were there no paper, the hole would go by the strand.
    label = drawn_label()
    label[label == PAPER] = FACE
    cells = vectors[np.array(KINDS)[label[::CELL, ::CELL]]]
    full = drawing_parts(label, cells.transpose(2, 0, 1), alone=2.0)
    assert np.allclose(flats_with(full, DOT_ON_STRAND).colours[HOLE], RED, atol=1e-2)


def test_a_dot_on_paper_colours_paper():
    flats = flats_with(drawn(), ((0, 3), (30, 34), BLUE))
    for piece in (PAPER, HOLE):
        assert_colour(flats, piece, BLUE)
    for piece in (STRAND, FACE, OTHER_STRAND, EYE):
        assert_colour(flats, piece, GREY)


def test_expected_colours_are_evidence_where_likeness_says_nothing():
    """The other strand takes the red dot if red is expected there, and not if blue is."""
    parts = drawn(alone=8.7)  # about as likely as the hint in its own kind
    expected = np.full((len(parts.reading.alone), 3), 0.1, np.float32)
    label = drawn_label()[::CELL, ::CELL].ravel()

    def reached(colour: tuple) -> float:
        expected[label == OTHER_STRAND] = colour
        reading = replace(parts.reading, expected=expected)
        seeds = find_seeds(parts, reading, painted(DOT_ON_STRAND))
        return float(hint_colours(parts, reading, seeds).strength[OTHER_STRAND])

    assert reached(RED) > 0.9 and reached(BLUE) < 0.1


def test_paper_that_is_painted_stays_so_under_hints_on_the_figure():
    parts = drawn()
    free = np.full((6, 3), 0.1, np.float32)
    free[PAPER] = (-0.5, 0.0, 0.5)
    seeds = find_seeds(parts, parts.reading, painted(DOT_ON_STRAND))
    asked = hint_colours(parts, parts.reading, seeds)
    assert asked.strength[PAPER] == 0.0
    assert_colour(Flats(parts, free, asked), PAPER, (-0.5, 0.0, 0.5))


def test_a_hint_never_leaves_the_figure_even_where_paper_is_like_it():
    alike = np.eye(4, dtype=np.float32)[[0, 1, 2, 0]]
    flats = flats_with(drawn(alike), DOT_ON_STRAND)
    assert_colour(flats, STRAND, RED)
    assert_colour(flats, PAPER, WHITE)


def test_a_dot_on_paper_close_beside_the_figure_means_the_figure():
    """Its outline's pixels belong half to paper, and a small dot may lie just beside it."""
    parts = drawn()
    beside = (30, 32), (49, 50), RED  # one pixel left of the other strand
    assert find_seeds(parts, parts.reading, painted(beside)).piece.tolist() == [OTHER_STRAND]
    flats = flats_with(parts, beside)
    assert_colour(flats, PAPER, WHITE)
    # What goes further out is about paper.
    far = painted(((30, 32), (61, 64), RED))
    assert find_seeds(parts, parts.reading, far).piece.tolist() == [PAPER]


def test_white_on_paper_asks_for_nothing_on_the_figure():
    white = (0, 3), (30, 34), WHITE
    flats = flats_with(drawn(), white)
    assert_colour(flats, PAPER, WHITE)
    for piece in (STRAND, FACE, OTHER_STRAND, EYE):
        assert_colour(flats, piece, GREY)
    flats = flats_with(drawn(), white, DOT_ON_STRAND)
    assert_colour(flats, PAPER, WHITE)
    assert_colour(flats, OTHER_STRAND, RED)


def test_white_is_a_colour():
    flats = flats_with(drawn(), (*DOT_ON_STRAND[:2], WHITE))
    for piece in (STRAND, OTHER_STRAND):
        assert_colour(flats, piece, WHITE)
    assert_colour(flats, FACE, GREY)


def test_two_hints_colour_the_parts_that_they_are_on():
    flats = flats_with(drawn(), DOT_ON_STRAND, ((30, 34), (30, 34), BLUE))
    for piece in (STRAND, OTHER_STRAND):
        assert_colour(flats, piece, RED)
    assert_colour(flats, FACE, BLUE)
    assert_colour(flats, EYE, GREY)


def test_a_strand_that_has_a_hint_of_its_own_does_not_take_the_others():
    flats = flats_with(drawn(), DOT_ON_STRAND, ((10, 14), (53, 57), BLUE))
    assert_colour(flats, STRAND, RED)
    assert_colour(flats, OTHER_STRAND, BLUE)


def test_a_stroke_a_little_over_a_line_means_the_piece_that_it_is_in():
    parts = drawn()
    over = (30, 32), (6, 20), RED  # 8 px on the strand, 4 on paper, 2 on the face
    seeds = find_seeds(parts, parts.reading, painted(over))
    assert FACE not in seeds.piece and STRAND in seeds.piece
    flats = flats_with(parts, over)
    assert_colour(flats, STRAND, RED)
    assert_colour(flats, FACE, GREY)


def test_a_stroke_over_two_pieces_means_both():
    label = np.ones((SIDE, SIDE), np.int32)
    label[:, 32:] = 2
    kind = np.zeros((32, 32), int)
    kind[:, 16:] = 1
    parts = drawing_parts(label, VECTORS[kind].transpose(2, 0, 1))
    for columns, meant in (((22, 42), [1, 2]), ((20, 34), [1]), ((31, 60), [2])):
        seeds = find_seeds(parts, parts.reading, painted(((30, 34), columns, RED)))
        assert sorted(seeds.piece) == meant
        assert np.allclose(seeds.colours, RED)


def test_a_stroke_that_covers_a_small_piece_means_it_too():
    parts = drawn()
    wide = (16, 20), (20, 44), RED  # the whole eye is a sixth of it
    assert sorted(find_seeds(parts, parts.reading, painted(wide)).piece) == [FACE, EYE]
    beside = (19, 20), (20, 44), RED  # a quarter of the eye
    assert sorted(find_seeds(parts, parts.reading, painted(beside)).piece) == [FACE]


def test_colours_that_touch_are_hints_of_their_own():
    two = painted(((28, 32), (24, 32), RED), ((28, 32), (32, 40), BLUE))
    seeds = find_seeds(drawn(), drawn().reading, two)
    assert sorted(map(tuple, seeds.colours)) == sorted([RED, BLUE])
    assert set(seeds.piece) == {FACE}
    # An antialiased stroke is one hint.
    soft = painted(((28, 32), (24, 32), (1, -0.99, -1)), ((28, 32), (32, 40), (0.99, -1, -1)))
    assert len(find_seeds(drawn(), drawn().reading, soft).piece) == 1


def test_a_seed_knows_its_vector_and_how_far_each_cell_is():
    parts = drawn()
    seeds = find_seeds(parts, parts.reading, painted(DOT_ON_STRAND))
    assert seeds.vectors.shape == (1, 4) and np.allclose(seeds.vectors, VECTORS[:1])
    assert seeds.locality == [1.0] and seeds.piece == [STRAND]
    away = seeds.distance.reshape(parts.grid)
    assert away[15, 4] == 0.0 and away.shape == (32, 32)
    assert away[15, 21] == pytest.approx(16 / 32, abs=0.01)  # painted cells end at column 5
    assert away[25, 4] == pytest.approx(9 / 32, abs=0.01)  # and at row 16


def test_two_hints_in_one_piece_share_it_by_nearness():
    flats = flats_with(drawn(), ((28, 32), (20, 23), RED), ((28, 32), (41, 44), BLUE))
    assert flats.asked.cell_share[FACE] == 1.0
    picture = flats.paint((SIDE, SIDE))
    assert np.allclose(picture[30, 21], RED, atol=0.05)
    assert np.allclose(picture[30, 42], BLUE, atol=0.05)
    reds = picture[30, 20:44, 0]
    assert np.all(np.diff(reds) <= 1e-5)
    middle = int((reds > 0).sum())
    assert abs(middle - 12) <= 2
    assert np.abs(picture[30, 32] - (0, -1, 0)).max() < 0.5
    for piece in (STRAND, OTHER_STRAND):
        assert_colour(flats, piece, GREY)


def test_an_open_mouth_does_not_colour_the_face_that_it_lies_in():
    """A place unlike its piece speaks for the cells that are like it."""
    label = np.ones((SIDE, SIDE), np.int32)
    kind = np.zeros((32, 32), int)
    kind[20:22, 14:18] = 1  # too small to be cut out
    parts = drawing_parts(label, VECTORS[kind].transpose(2, 0, 1))
    seeds = find_seeds(parts, parts.reading, painted(((40, 44), (28, 36), RED)))
    free = np.full((2, 3), 0.1, np.float32)
    picture = Flats(parts, free, hint_colours(parts, parts.reading, seeds)).paint((SIDE, SIDE))
    assert np.allclose(picture[41:43, 29:35], RED, atol=0.05)
    assert np.allclose(picture[:36], 0.1, atol=0.05) and np.allclose(picture[48:], 0.1, atol=0.05)


def face_with_mouth(*strokes: tuple) -> Flats:
    """A face and a closed mouth in it that look much the same, and hair."""
    label = np.full((SIDE, SIDE), 1, np.int32)  # hair
    label[16:56, 12:52] = 2  # face
    label[44:48, 28:36] = 3  # mouth
    mouth = np.array([0.0, 0.8, 0.6, 0.0])
    vectors = np.stack([VECTORS[0], VECTORS[0], VECTORS[1], mouth]).astype(np.float32)
    parts = drawing_parts(label, vectors[label[::CELL, ::CELL]].transpose(2, 0, 1))
    seeds = find_seeds(parts, parts.reading, painted(*strokes))
    return Flats(parts, np.full((4, 3), 0.1, np.float32), hint_colours(parts, parts.reading, seeds))


def test_a_closed_mouth_does_not_colour_the_face_around_it_beside_a_hint_on_the_hair():
    flats = face_with_mouth(((45, 47), (30, 34), RED), ((4, 8), (20, 24), BLUE))
    for piece, colour in ((1, BLUE), (2, GREY), (3, RED)):
        assert np.allclose(flats.colours[piece], colour, atol=0.02)


def test_a_single_hint_in_a_small_piece_colours_large_ones_that_are_like_it():
    flats = face_with_mouth(((45, 47), (30, 34), RED))
    for piece, colour in ((1, GREY), (2, RED), (3, RED)):
        assert np.allclose(flats.colours[piece], colour, atol=0.02)


def test_hints_that_speak_for_nothing_else_leave_the_free_colours():
    flats = flats_with(drawn(alone=50.0), DOT_ON_STRAND)
    assert_colour(flats, STRAND, RED)  # a piece that was painted in is the hint's in any case
    for piece in (FACE, OTHER_STRAND, HOLE, EYE):
        assert flats.asked.strength[piece] == 0.0
        assert_colour(flats, piece, GREY)
    assert_colour(flats, PAPER, WHITE)


def test_a_map_without_a_painted_pixel_has_no_hints():
    assert find_seeds(drawn(), drawn().reading, painted()) is None


def test_as_many_hints_as_a_drawing_has_cells_are_the_largest_of_them():
    """A painted draft: every pixel is a hint."""
    rng = np.random.default_rng(0)
    hint_map = np.ones((SIDE, SIDE, 4), np.float32)
    hint_map[..., :3] = rng.uniform(-1.0, 1.0, (SIDE, SIDE, 3))
    hint_map[8:44, 18:46, :3] = BLUE
    parts = drawn()
    seeds = find_seeds(parts, parts.reading, hint_map)
    assert len(seeds.piece) == 192 and seeds.piece[0] == FACE
    assert np.allclose(seeds.colours[0], BLUE)
    asked = hint_colours(parts, parts.reading, seeds)
    assert np.isfinite(asked.pieces).all() and np.isfinite(asked.cells).all()
    assert np.abs(asked.pieces).max() <= 1.0 + 1e-6
