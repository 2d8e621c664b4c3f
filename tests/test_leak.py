"""Probe strokes and what they change."""

import numpy as np
import pytest

from sketchcolor.leak import probe_stroke, stroke_changes


@pytest.fixture
def room() -> np.ndarray:
    """A page with one closed square of lines."""
    sketch = np.ones((200, 200), np.float32)
    sketch[50:121, [50, 120]] = sketch[[50, 120], 50:121] = -1.0
    return sketch


def test_a_stroke_lies_inside_a_closed_region(room):
    stroke = probe_stroke(room, np.random.default_rng(0))
    assert stroke.region.sum() == 69 * 69
    assert stroke.painted.any() and not (stroke.painted & ~stroke.region).any()
    grown = stroke.neighbourhood()
    assert grown[:, 45].any() and not grown[:, 40].any()
    hint_map = stroke.hint_map()
    assert hint_map.shape == (200, 200, 4) and hint_map[..., 3].sum() == stroke.painted.sum()
    assert (hint_map[~stroke.painted] == 0).all()


def test_an_open_page_gets_no_stroke():
    assert probe_stroke(np.ones((200, 200), np.float32), np.random.default_rng(0)) is None


def test_changes_inside_and_outside_by_hand(room):
    stroke = probe_stroke(room, np.random.default_rng(0))
    white = np.full((200, 200, 3), 255, np.uint8)
    painted = white.copy()
    painted[stroke.region] = 0  # black on white differ by 100 in CIEDE2000
    assert stroke_changes(white, painted, stroke) == pytest.approx((100, 0), abs=1e-3)
    near = white.copy()
    near[stroke.neighbourhood() & ~stroke.region] = 0
    assert stroke_changes(white, near, stroke) == (0, 0)
    half = white.copy()
    half[:, :20] = 0
    beyond = (~stroke.neighbourhood()).sum()
    assert stroke_changes(white, half, stroke)[1] == pytest.approx(100 * 4000 / beyond, rel=1e-3)
