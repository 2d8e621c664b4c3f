"""Of two noises, the one that becomes the skin that a palette has."""

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from sketchcolor.conditions import Conditions
from sketchcolor.sampling import flow
from sketchcolor.sampling import proposal as sampling
from sketchcolor.sampling.noise_selection import CANDIDATES, select_noise
from sketchcolor.sampling.proposal import UnhintedCache, draw_proposal
from tests.support.networks import tiny_proposer

SKIN, BLUE, WHITE = ([0.93, 0.79, 0.71], [0.2, 0.3, 0.8], [1.0, 1.0, 1.0])


def page(*rows: list[float]) -> torch.Tensor:
    """1×3×h×4, one colour a row, in [-1, 1]."""
    colours = torch.tensor(rows) * 2.0 - 1.0
    return colours.T[None, :, :, None].expand(1, 3, len(rows), 4)


def palette(skin: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Skin with this share, the rest blue."""
    colours = torch.tensor([[SKIN, BLUE]]) * 2.0 - 1.0
    return colours, torch.tensor([[skin, 1.0 - skin]])


def chosen(looks: list[torch.Tensor], skin: float) -> list[int]:
    told = (t.expand(len(looks[0]), *t.shape[1:]) for t in palette(skin))
    return select_noise(looks, *told).tolist()


def test_the_start_with_skin_is_taken_for_each_picture():
    blue, face = page(BLUE, BLUE, WHITE, WHITE), page(BLUE, SKIN, WHITE, WHITE)
    assert chosen([torch.cat([blue, face, blue]), torch.cat([face, blue, blue])], 0.25) == [1, 0, 0]


def test_more_skin_than_the_palette_has_is_no_merit():
    face, bare = page(BLUE, SKIN, WHITE, WHITE), page(SKIN, SKIN, SKIN, WHITE)
    assert chosen([face, bare], 0.25) == [0]
    assert chosen([face, bare], 0.75) == [1]
    assert chosen([page(BLUE, BLUE), face], 0.0) == [0]  # none is due


@pytest.mark.parametrize("guidance", [1.0, 2.0])
def test_the_choice_is_the_first_step_and_not_another_one(monkeypatch, guidance):
    """Which noise is gone on from is all that a choice changes; it costs one look more, no step."""
    proposer, scheduler = tiny_proposer(), FlowMatchEulerDiscreteScheduler(shift=3.0)
    sketch, (colours, weights) = torch.rand(2, 1, 64, 64) * 2.0 - 1.0, palette(0.5)
    told = {"palette": colours.expand(2, 2, 3), "palette_weights": weights.expand(2, 2)}
    noises = [torch.randn(2, 3, 16, 16) for _ in range(CANDIDATES)]
    pictures = []
    proposer.register_forward_pre_hook(lambda _, given: pictures.append(len(given[0])))

    def draw(order, guessed=False):
        handed = iter(order)
        monkeypatch.setattr(sampling, "starting_noise", lambda *_: next(handed))
        pictures.clear()
        given = Conditions(sketch, **told, palette_is_guess=guessed)
        drawn = draw_proposal(proposer, scheduler, given, guidance_scale=guidance)
        return drawn.colors, sum(pictures)

    monkeypatch.setattr(flow, "select_noise", lambda *_: np.array([1, 0]))
    with torch.inference_mode():
        (first, plain), (second, _) = draw(noises[:1]), draw(noises[1:])
        chosen, looked = draw(noises, guessed=True)
    assert torch.allclose(chosen, torch.stack([second[0], first[1]]), atol=1e-5)
    assert looked == plain + len(sketch)


def test_only_a_guess_gets_to_choose_and_strokes_keep_its_choice(monkeypatch):
    """The choice is made once per drawing: what strokes are drawn over must not change."""
    proposer, scheduler = tiny_proposer(), FlowMatchEulerDiscreteScheduler(shift=3.0)
    sketch, (colours, weights) = torch.ones(1, 1, 64, 64), palette(0.5)
    calls = []

    def second(looks, *told):
        calls.append(len(looks))
        assert looks[0].shape == (1, 3, 16, 16) and told[0] is colours
        return np.array([1])

    monkeypatch.setattr(flow, "select_noise", second)

    def draw(hints=None, guessed=False, cache=None):
        generator = torch.Generator().manual_seed(3)
        given = Conditions(sketch, hints, colours, weights, palette_is_guess=guessed)
        return draw_proposal(proposer, scheduler, given, generator, cache=cache)

    with torch.inference_mode():
        asked, guessed = draw(), draw(guessed=True)
        assert calls == [CANDIDATES]
        assert not torch.equal(asked.colors, guessed.colors)
        cache = UnhintedCache()
        free = draw(guessed=True, cache=cache).unhinted
        dot = torch.zeros(1, 4, 16, 16)
        dot[:, :, 8, 8] = 1.0
        stroke = draw(dot, guessed=True, cache=cache)
        assert len(calls) == 2 and torch.equal(stroke.unhinted, free)
        assert not torch.equal(stroke.colors, free)
