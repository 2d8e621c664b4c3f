"""Hints that hold: under the stroke, through its region, and no further."""

import numpy as np
import torch

from sketchcolor.postprocess.hint_propagation import propagate_hints

SIDE = 160
RED = (0.8, -0.8, -0.8)


def page_with_box() -> torch.Tensor:
    """A closed square of thin black lines from 40 to 120."""
    sketch = torch.ones(1, 1, SIDE, SIDE)
    sketch[..., 40:121, [40, 120]] = -1.0
    sketch[..., [40, 120], 40:121] = -1.0
    return sketch


def hint_at(*places: tuple[int, int, tuple[float, float, float]]) -> torch.Tensor:
    hints = torch.zeros(1, 4, SIDE, SIDE)
    for y, x, color in places:
        hints[0, :, y - 1 : y + 2, x - 1 : x + 2] = torch.tensor([*color, 1.0])[:, None, None]
    return hints


def test_a_hint_colours_its_region_and_stays_inside_the_lines():
    grey = torch.zeros(1, 3, SIDE, SIDE)
    colour = propagate_hints(grey, page_with_box(), hint_at((80, 80, RED)))
    assert torch.allclose(colour[0, :, 80, 80], torch.tensor(RED), atol=1e-3)
    inside = colour[0, :, 48:112, 48:112]
    assert (inside[0] > 0.3).all() and (inside[1] < -0.3).all()
    outside = colour.clone()
    outside[..., 36:125, 36:125] = 0.0
    assert outside.abs().max() < 0.02


def test_shading_under_a_flat_stroke_survives():
    shaded = torch.linspace(-0.4, 0.4, SIDE).expand(1, 3, SIDE, SIDE).clone()
    hints = torch.zeros(1, 4, SIDE, SIDE)
    hints[0, :, 78:82, 60:100] = torch.tensor([*RED, 1.0])[:, None, None]
    colour = propagate_hints(shaded, torch.ones(1, 1, SIDE, SIDE), hints)
    rise = colour[0, 1, 70, 100] - colour[0, 1, 70, 60]
    assert rise > 0.1  # the slope of the shading, which the stroke's flat colour does not have


def test_two_hints_in_one_region_blend_between_them():
    grey = torch.zeros(1, 3, SIDE, SIDE)
    blue = (-0.8, -0.8, 0.8)
    hints = hint_at((80, 60, RED), (80, 100, blue))
    colour = propagate_hints(grey, page_with_box(), hints)[0]
    assert torch.allclose(colour[:, 80, 60], torch.tensor(RED), atol=1e-3)
    assert torch.allclose(colour[:, 80, 100], torch.tensor(blue), atol=1e-3)
    steps = colour[0, 80, 62:98].diff().abs()
    assert steps.max() < 0.5  # 1.6 if it jumped


def test_without_a_hint_nothing_changes_and_a_met_hint_changes_nothing():
    picture = torch.from_numpy(
        np.random.default_rng(0).uniform(-1, 1, (1, 3, SIDE, SIDE)).astype(np.float32)
    )
    nothing = torch.zeros(1, 4, SIDE, SIDE)
    assert torch.equal(propagate_hints(picture, page_with_box(), nothing), picture)
    red = torch.tensor(RED)[None, :, None, None].expand(1, 3, SIDE, SIDE)
    kept = propagate_hints(red, page_with_box(), hint_at((80, 80, RED)))
    assert torch.allclose(kept, red, atol=1e-3)


def test_each_picture_of_a_batch_follows_its_own_hints():
    grey = torch.zeros(2, 3, SIDE, SIDE)
    hints = torch.cat([hint_at((80, 80, RED)), torch.zeros(1, 4, SIDE, SIDE)])
    colour = propagate_hints(grey, page_with_box().expand(2, -1, -1, -1), hints)
    assert colour[0, 0, 80, 80] > 0.7
    assert torch.equal(colour[1], grey[1])
