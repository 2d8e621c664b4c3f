"""Hint fields: hints speak for their regions, and no further than the lines let them."""

import numpy as np
import pytest
import torch

from sketchcolor.conditions.hint_field import hint_field, influence
from sketchcolor.lineart.geodesic import nearest_seed, soften

RED, BLUE = torch.tensor([1.0, -1.0, -1.0]), torch.tensor([-1.0, -1.0, 1.0])


@pytest.fixture
def page():
    """A page with a wall down its middle, a red dot left and a blue dot right of it."""
    sketch = torch.ones(1, 1, 64, 64)
    sketch[..., 30:32] = -1.0
    hints = torch.zeros(1, 4, 64, 64)
    hints[0, :3, 10:12, 4:6], hints[0, 3, 10:12, 4:6] = RED[:, None, None], 1.0
    hints[0, :3, 50:52, 40:42], hints[0, 3, 50:52, 40:42] = BLUE[:, None, None], 1.0
    return hints, sketch


def test_a_field_knows_the_hint_on_its_side_of_the_line(page):
    field = hint_field(*page, factor=4)[0]
    assert field.shape == (4, 16, 16)
    colors, confidence = field[:3] / field[3:], field[3]
    # The blue dot is nearer through the wall, the red one is on this side of it.
    assert torch.allclose(colors[:, 12, 6], RED, atol=0.1)
    assert torch.allclose(colors[:, 2, 9], BLUE, atol=0.1)
    assert confidence[2, 1] == 1.0 and confidence[12, 10] == 1.0
    assert 0.0 < confidence[12, 6] < confidence[5, 1] < 1.0


def test_what_is_painted_stays_as_it_is(page):
    field = hint_field(*page, factor=4)[0]
    assert torch.allclose(field[:3, 2, 1], RED) and torch.allclose(field[:3, 12, 10], BLUE)


def test_behind_a_line_there_is_little_confidence(page):
    hints, sketch = page
    hints[..., 32:] = 0.0
    confidence = hint_field(hints, sketch, factor=4)[0, 3]
    assert confidence[2, 9] < 0.5 * confidence[2, 6]


def test_no_hint_no_field_and_every_picture_for_itself(page):
    hints, sketch = page
    both = torch.cat([torch.zeros_like(hints), hints])
    field = hint_field(both, sketch.expand(2, 1, 64, 64), factor=4)
    assert not field[0].any()
    assert torch.equal(field[1:], hint_field(hints, sketch, factor=4))


def test_the_way_round_a_wall_is_shorter_than_through_it():
    cost = np.ones((9, 9))
    cost[1:, 4] = 1000.0  # open at the top
    distance, nearest = nearest_seed(cost, np.array([8 * 9]))  # lower left corner
    assert (nearest == 72).all()
    assert 14 < distance[8, 8] < 20
    assert distance[8, 3] == 3


def test_softening_does_not_cross_walls():
    values = np.zeros((5, 9, 3), np.float32)
    values[:, :4] = 1.0
    cost = np.ones((5, 9))
    fixed = np.zeros((5, 9), bool)
    without_wall = soften(values, cost, fixed, passes=5)
    cost[:, 4] = 1e6
    walled = soften(values, cost, fixed, passes=5)
    assert without_wall[2, 3, 0] < 0.9
    assert walled[2, 3, 0] > 0.99 and walled[2, 5, 0] < 0.01


def test_influence_ends_where_confidence_does(page):
    field = hint_field(*page, factor=4)
    share = influence(field)
    assert share.shape == (1, 1, 16, 16)
    assert share[0, 0, 2, 1] == 1.0
    assert not influence(torch.zeros_like(field)).any()
