"""Flats: one colour per piece, which ones a proposal gives them, and light over them."""

import cv2
import numpy as np
import pytest

from sketchcolor.parts.analysis import DrawingParts
from sketchcolor.parts.flats import Flats, free_colours, relight, weighted_median
from sketchcolor.parts.hint_shares import HintColours
from tests.support.networks import drawing_parts

SIDE, CELL = 48, 2  # px
PAPER, HAIR, SKIN, MORE_HAIR = range(4)
COLOURS = np.array([[1, 1, 1], [0.2, -0.4, -0.8], [0.9, 0.6, 0.4], [0.2, -0.4, -0.8]], np.float32)


def drawn_label() -> np.ndarray:
    label = np.zeros((SIDE, SIDE), np.int32)
    label[8:40, 4:16], label[8:40, 16:32], label[8:40, 32:40] = HAIR, SKIN, MORE_HAIR
    return label


def drawn(**more) -> DrawingParts:
    """Hair at both sides of skin; both of its pieces are one part."""
    label = drawn_label()
    kinds = np.array([2, 0, 1, 0])[label[::CELL, ::CELL]]
    vectors = np.eye(3, dtype=np.float32)[kinds].transpose(2, 0, 1)
    return drawing_parts(label, vectors, part=[0, 1, 2, 1], **more)


def proposal_of(colours: np.ndarray) -> np.ndarray:
    """A picture of the drawing's cells in the colours of its pieces."""
    return colours[drawn_label()[::CELL, ::CELL]]


def test_every_pixel_of_a_piece_has_its_colour():
    flats = Flats(drawn(), COLOURS)
    assert np.array_equal(flats.colours, COLOURS)
    assert np.array_equal(flats.paint((SIDE, SIDE)), COLOURS[drawn_label()])
    wide = flats.paint((100, 30))
    assert wide.shape == (30, 100, 3)
    assert {tuple(c) for c in wide.reshape(-1, 3)} == {tuple(c) for c in COLOURS}


def test_what_hints_ask_for_lies_over_the_free_colours():
    parts = drawn()
    red, half = np.array([1, -1, -1], np.float32), np.array([0.0, 0.5, 1.0, 0.0], np.float32)
    nothing = np.zeros(4, np.float32)
    cells = np.zeros((24 * 24, 3), np.float32)
    asked = HintColours(np.tile(red, (4, 1)), half, cells, cells[:, 0], nothing, 1)
    flats = Flats(parts, COLOURS, asked)
    expected = np.stack([COLOURS[0], (COLOURS[1] + red) / 2, red, COLOURS[3]])
    assert np.allclose(flats.colours, expected, atol=1e-6)
    assert np.allclose(flats.paint((SIDE, SIDE)), expected[drawn_label()], atol=1e-6)


def test_a_piece_may_go_by_its_cells():
    """Red above, free below: cells without a hint do not lend their colour to others."""
    parts = drawn()
    strength = np.zeros((24, 24), np.float32)
    strength[:12] = 1.0
    cells = np.zeros((24, 24, 3), np.float32)
    cells[:12] = (1, -1, -1)
    by_cell = np.array([0.0, 0.0, 1.0, 0.0], np.float32)
    asked = HintColours(
        np.zeros((4, 3), np.float32),
        by_cell * 0,
        cells.reshape(-1, 3),
        strength.ravel(),
        by_cell,
        1,
    )
    picture = Flats(parts, COLOURS, asked).paint((SIDE, SIDE))
    assert np.allclose(picture[8:22, 16:32], (1, -1, -1), atol=1e-5)
    assert np.allclose(picture[26:40, 16:32], COLOURS[SKIN], atol=1e-5)
    other = drawn_label() != SKIN
    assert np.array_equal(picture[other], COLOURS[drawn_label()][other])


def test_a_part_has_the_median_colour_of_its_cells_away_from_ink():
    proposal = proposal_of(COLOURS)
    ink = np.zeros((24, 24), np.float32)
    proposal[6:8] = -1.0  # drawn lines over everything, known as such,
    ink[6:8] = 1.0
    proposal[10, 9:14] = (0.0, 1.0, 0.0)  # and a speck of paint that is none
    found = free_colours(drawn(ink=ink), proposal, paint_paper=False)
    assert found.shape == (4, 3) and np.allclose(found, COLOURS, atol=1e-6)


def test_ink_does_not_count_even_where_there_is_more_of_it():
    proposal = np.full((24, 24, 3), -1.0, np.float32)
    ink = np.full((24, 24), 0.9, np.float32)
    proposal[18:20], ink[18:20] = (0.5, 0.25, 0.0), 0.0
    found = free_colours(drawn(ink=ink), proposal, paint_paper=False)
    assert np.allclose(found[1:], (0.5, 0.25, 0.0), atol=1e-6)
    # A part that is ink as a whole has the colour of ink.
    black = free_colours(drawn(ink=np.ones((24, 24), np.float32)), proposal, paint_paper=False)
    assert np.allclose(black[1:], -1.0)


def test_the_pieces_of_a_part_have_one_colour():
    """The larger piece has the say."""
    colours = COLOURS.copy()
    colours[MORE_HAIR] = (0.0, 0.0, 1.0)
    found = free_colours(drawn(), proposal_of(colours), paint_paper=False)
    assert np.allclose(found[[HAIR, MORE_HAIR]], COLOURS[HAIR], atol=1e-6)


def test_paper_is_white_unless_it_is_to_be_painted():
    colours = COLOURS.copy()
    colours[PAPER] = (-0.5, 0.0, 0.5)
    proposal = proposal_of(colours)
    assert np.array_equal(free_colours(drawn(), proposal, False)[PAPER], (1.0, 1.0, 1.0))
    assert np.allclose(free_colours(drawn(), proposal, True), colours, atol=1e-6)


def test_a_proposal_may_be_of_any_size():
    for size in (12, 24, 96):
        proposal = np.full((size, size, 3), 0.25, np.float32)
        found = free_colours(drawn(), proposal, paint_paper=True)
        assert np.allclose(found, 0.25, atol=1e-6)


def test_a_weighted_median_is_the_value_in_the_middle_of_the_weight():
    values = np.array([[3, 30], [1, 10], [2, 20], [9, 90]], np.float32)
    even = np.ones(4, np.float32)
    assert weighted_median(values, np.array([1, 1, 1, 0.0])).tolist() == [2, 20]
    assert weighted_median(values, np.array([1, 5, 1, 1.0])).tolist() == [1, 10]
    assert weighted_median(values, np.array([0, 0, 0, 0.1])).tolist() == [9, 90]
    assert weighted_median(values, even).tolist() == [2, 20]  # the lower of two


@pytest.mark.parametrize("size", [(SIDE, SIDE), (64, 40)])
def test_light_leaves_a_parts_mean_and_paper_as_they_are(size):
    parts = drawn()
    drawing = Flats(parts, 0.5 * COLOURS)
    flats = drawing.paint(size)
    light = np.random.default_rng(0).uniform(-0.2, 0.2, flats.shape).astype(np.float32)
    light[: size[1] // 2] += 0.1
    lit = relight(flats + light, flats, drawing)
    assert lit.shape == flats.shape and lit.dtype == np.float32
    plain = Flats(parts, np.eye(4, 3, dtype=np.float32)).paint(size)  # paper, hair and skin apart
    hair = (flats == 0.5 * COLOURS[HAIR]).all(axis=2)
    paper = (plain == (1, 0, 0)).all(axis=2)
    for mask in (hair, ~hair & ~paper):
        assert mask.any()
        assert np.allclose(lit[mask].mean(axis=0), flats[mask].mean(axis=0), atol=1e-4)
        moved = lit[mask] - flats[mask] - light[mask]
        assert np.allclose(moved, moved[0], atol=1e-4) and lit[mask].std() > 0.05
    assert np.array_equal(lit[paper], flats[paper])


def test_lines_that_a_generator_paints_do_not_make_the_places_between_them_pale():
    """They are dark, and a part that kept its mean with them would be lighter everywhere else."""
    ink = np.zeros((24, 24), np.float32)
    ink[::3] = 1.0
    parts = drawn(ink=ink)
    drawing = Flats(parts, 0.5 * COLOURS)
    flats = drawing.paint((SIDE, SIDE))
    picture = flats.copy()
    lines = np.kron(ink, np.ones((CELL, CELL))) > 0.5
    picture[lines] = -1.0
    lit = relight(picture, flats, drawing)
    away = drawn_label() == SKIN
    away &= ~cv2.dilate(lines.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert away.any() and np.allclose(lit[away], flats[away], atol=1e-5)


def test_a_picture_that_is_another_colour_as_a_whole_changes_nothing():
    """A generator may paint light and shadow, not other flats."""
    parts = drawn()
    drawing = Flats(parts, 0.5 * COLOURS)
    flats = drawing.paint((SIDE, SIDE))
    other = np.where(drawn_label()[..., None] == SKIN, -0.3, 0.4).astype(np.float32)
    assert np.allclose(relight(flats + other, flats, drawing), flats, atol=1e-5)


def test_light_stays_within_the_range_of_colours():
    parts = drawn()
    drawing = Flats(parts, COLOURS)
    flats = drawing.paint((SIDE, SIDE))
    stripes = np.tile(np.array([1.5, -1.5], np.float32), SIDE // 2)[None, :, None]
    lit = relight(flats + stripes, flats, drawing)
    assert np.abs(lit).max() <= 1.0 and np.array_equal(lit[0], flats[0])


def test_hints_of_two_colours_in_one_part_both_keep_theirs():
    parts = drawn()
    colours = 0.5 * COLOURS
    colours[MORE_HAIR] = (-0.4, 0.1, 0.6)
    drawing = Flats(parts, colours)
    assert drawing.part[HAIR] != drawing.part[MORE_HAIR] and drawing.part[PAPER] == 0
    flats = drawing.paint((SIDE, SIDE))
    shift = np.select([drawn_label() == HAIR, drawn_label() == MORE_HAIR], [0.3, -0.3], 0.0)
    lit = relight(flats + shift[..., None].astype(np.float32), flats, drawing)
    assert np.allclose(lit, flats, atol=1e-5)


def test_a_part_has_its_colour_where_the_stroke_is():
    drawing = Flats(drawn(), 0.5 * COLOURS)
    flats = drawing.paint((SIDE, SIDE))
    falling = np.linspace(0.3, -0.3, SIDE, dtype=np.float32)[:, None, None]
    stroke = np.zeros((SIDE, SIDE), bool)
    stroke[12:14, 20:24] = True  # on the skin, where it is light
    lit = relight(flats + falling, flats, drawing, stroke)
    assert np.allclose(lit[stroke].mean(axis=0), flats[stroke].mean(axis=0), atol=1e-4)
    skin, hair = drawn_label() == SKIN, drawn_label() == HAIR
    assert lit[skin].mean() < flats[skin].mean() - 0.1  # the rest of it lies in shadow
    assert np.allclose(lit[hair].mean(axis=0), flats[hair].mean(axis=0), atol=1e-4)
