"""Probe strokes and what they change."""

import numpy as np
import pytest

from sketchcolor.evaluation.hint_leak import probe_stroke, stroke_changes


@pytest.fixture
def room() -> np.ndarray:
    """A page with one closed square of lines."""
    sketch = np.ones((200, 200), np.float32)
    sketch[50:121, [50, 120]] = sketch[[50, 120], 50:121] = -1.0
    return sketch


@pytest.fixture
def truth(room) -> np.ndarray:
    """The square's inside in blue on white, and a stripe of the same blue far away."""
    colours = np.full((200, 200, 3), 255, np.uint8)
    colours[51:120, 51:120] = colours[:, 190:] = (40, 60, 200)
    return colours


def test_what_the_truth_has_in_the_same_colour_is_no_leak(room, truth):
    stroke = probe_stroke(room, truth, np.random.default_rng(0))
    assert stroke.part[:, 190:].all() and stroke.part[60, 60] and not stroke.part[:, 130:180].any()
    white = np.full((200, 200, 3), 255, np.uint8)
    striped = white.copy()
    striped[:, 190:] = 0
    assert stroke_changes(white, striped, stroke) == (0, 0)
    everywhere = probe_stroke(room, white, np.random.default_rng(0))
    assert stroke_changes(white, np.zeros_like(white), everywhere)[1] == 0


def test_a_stroke_lies_inside_a_closed_region(room, truth):
    truth[:, 190:] = 255
    stroke = probe_stroke(room, truth, np.random.default_rng(0))
    assert stroke.region.sum() == 69 * 69
    assert stroke.painted.any() and not (stroke.painted & ~stroke.region).any()
    grown = stroke.neighbourhood()
    assert grown[:, 45].any() and not grown[:, 40].any()
    hint_map = stroke.hint_map()
    assert hint_map.shape == (200, 200, 4) and hint_map[..., 3].sum() == stroke.painted.sum()
    assert (hint_map[~stroke.painted] == 0).all()


def test_an_open_page_gets_no_stroke():
    white = np.full((200, 200, 3), 255, np.uint8)
    assert probe_stroke(np.ones((200, 200), np.float32), white, np.random.default_rng(0)) is None


def test_changes_inside_and_outside_by_hand(room, truth):
    truth[:, 190:] = 255
    stroke = probe_stroke(room, truth, np.random.default_rng(0))
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
