"""Parts as tokens, for the network that colours them."""

import numpy as np
import pytest

from sketchcolor.models.part_colours import MOST_PARTS
from sketchcolor.parts.tokens import describe
from tests.support.networks import drawing_parts


def test_tokens_say_where_parts_are_and_how_large():
    label = np.zeros((40, 80), np.int32)
    label[:, 40:] = 1
    label[:20, 60:] = 2
    vectors = np.zeros((2, 20, 40), np.float32)
    vectors[0] = 1.0
    ink = np.full((20, 40), 0.25, np.float32)
    parts = drawing_parts(label, vectors, part=[0, 1, 2], ink=ink)
    tokens = describe(parts)
    assert tokens.features.shape == (MOST_PARTS, 1 + 3 + 2 + 1 + 7)
    assert tokens.features.dtype == tokens.area.dtype == np.float32
    assert np.allclose(tokens.area[:4], [0.5, 0.375, 0.125, 0.0])
    assert tokens.present.tolist() == [True] * 3 + [False] * (MOST_PARTS - 3)
    assert tokens.of_part.tolist() == [0, 1, 2]
    assert np.allclose(tokens.cells[:3].sum(axis=1), [1600, 1200, 400])
    assert tokens.features[2, 4:7].tolist() == [1.0, 0.0, 1.0]  # of the vectors, and white
    dark, _, y, x, spread_y, spread_x, is_paper = tokens.features[2, 7:]
    assert dark == pytest.approx(1.0) and is_paper == 0.0 and tokens.features[0, -1] == 1.0
    cells = np.arange(10), 30 + np.arange(10)
    assert y == pytest.approx(2 * cells[0].mean() / 20, abs=1e-5)
    assert x == pytest.approx(2 * cells[1].mean() / 40, abs=1e-5)
    assert spread_y == pytest.approx(4 * cells[0].std() / 20, abs=1e-3)
    assert spread_x == pytest.approx(4 * cells[1].std() / 40, abs=1e-3)
    assert not tokens.features[3:].any()


def test_the_smallest_of_too_many_parts_go_by_what_they_are_most_like():
    """30 stripes of falling width: the last six are of the kinds of the first six."""
    label, vectors = np.zeros((8, 930), np.int32), np.zeros((24, 4, 465), np.float32)
    ends = np.cumsum([0, *range(60, 0, -2)])[:30]
    for piece, left in enumerate(ends):
        label[:, left:] = piece
        vectors[:, :, left // 2 :] = 0.0
        kind = piece % 24
        vectors[kind, :, left // 2 :] = 1.0
    parts = drawing_parts(label, vectors)
    tokens = describe(parts)
    count = len(parts.pieces.area)
    assert count == 30 and len(tokens.of_part) == 30
    assert tokens.of_part[:24].tolist() == list(range(24))
    # 24 is of paper's kind, which nothing goes by; the others are of the kinds of 1 to 5.
    assert tokens.of_part[25:].tolist() == [1, 2, 3, 4, 5] and tokens.of_part[24] > 0
    assert tokens.area.sum() == pytest.approx(1.0)
    assert tokens.cells.sum() == pytest.approx(label.size)
