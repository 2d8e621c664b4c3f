"""A palette that is a guess gives way to hints, one that was asked for does not."""

from dataclasses import replace

import torch

from sketchcolor.conditions import Conditions
from sketchcolor.postprocess.enforce import enforce_conditions

SIDE = 96
GREEN, BLUE = (-0.6, 0.5, -0.4), (-0.6, -0.4, 0.8)
GUESS = ((0.5, 0.1, -0.5), (0.3, -0.3, 0.0))  # no further than a guess may go


def given(colours=(GREEN, BLUE), **more) -> tuple[torch.Tensor, Conditions]:
    torch.manual_seed(0)
    colour = torch.tensor((0.5, -0.2, -0.3))[None, :, None, None] + 0.1 * torch.randn(
        1, 3, SIDE, SIDE
    )
    colour[..., SIDE // 2 :] *= 0.6
    sketch = torch.ones(1, 1, SIDE, SIDE)
    sketch[..., SIDE // 2 - 2 : SIDE // 2 + 2] = -1.0  # a wall: the hint stays left of it
    palette = torch.tensor([colours])
    weights = torch.tensor([[0.5, 0.5]])
    conditions = Conditions(sketch, palette=palette, palette_weights=weights, **more)
    return colour.clamp(-1.0, 1.0), conditions


def a_hint_of(colour: torch.Tensor) -> torch.Tensor:
    """A stroke in the middle of the left half, in the very colour that is there."""
    hints = torch.zeros(1, 4, SIDE, SIDE)
    at = (slice(None), slice(None), slice(40, 56), slice(16, 32))
    hints[at] = 1.0
    hints[:, :3][at] = colour[at].mean(dim=(2, 3), keepdim=True)
    return hints


def test_a_guessed_palette_gives_way_to_a_hint_and_holds_elsewhere():
    colour, conditions = given(GUESS, palette_is_guess=True)
    hints = a_hint_of(colour)
    held = enforce_conditions(colour, conditions)
    hinted = enforce_conditions(colour, replace(conditions, hints=hints))
    near, far = (..., slice(30, 66), slice(8, 40)), (..., slice(SIDE - 20, SIDE))
    assert (held[near] - colour[near]).abs().mean() > 0.07
    assert (hinted[near] - colour[near]).abs().mean() < 0.03
    assert torch.allclose(hinted[far], held[far], atol=0.02)


def test_a_palette_that_was_asked_for_holds_around_hints():
    colour, conditions = given()
    hints = a_hint_of(colour)
    hinted = enforce_conditions(colour, replace(conditions, hints=hints))
    around = (..., slice(0, 20), slice(0, 40))
    assert (hinted[around] - colour[around]).abs().mean() > 0.2


def test_without_conditions_the_picture_is_the_networks():
    colour, conditions = given()
    assert torch.equal(enforce_conditions(colour, Conditions(conditions.sketch)), colour)


def test_a_stroke_does_not_change_where_a_guessed_palette_moves_the_rest():
    colour, conditions = given(GUESS, palette_is_guess=True)
    stroked = colour.clone()
    stroked[..., : SIDE // 2] = torch.tensor((0.9, 0.8, -0.9))[:, None, None]
    right = (..., slice(SIDE // 2, SIDE))
    held, moved = (enforce_conditions(c, conditions) for c in (colour, stroked))
    assert (held[right] - moved[right]).abs().mean() > 0.05  # by the main colours of each
    still = enforce_conditions(stroked, conditions, unhinted=colour)
    assert torch.allclose(still[right], held[right], atol=1e-3)
