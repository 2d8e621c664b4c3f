"""Of two noises, the one that promises the skin that is due."""

import torch
from conftest import tiny_proposer
from diffusers import FlowMatchEulerDiscreteScheduler

from sketchcolor import sampling, starts
from sketchcolor.sampling import draw_proposal

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
    noises = [torch.full((len(looks[0]), 3, 4, 4), float(i)) for i in range(len(looks))]
    told = (t.expand(len(looks[0]), *t.shape[1:]) for t in palette(skin))
    best = starts.promising(noises, looks, *told)
    return [int(noise.unique()) for noise in best]


def test_the_start_with_skin_is_taken_for_each_picture():
    blue, face = page(BLUE, BLUE, WHITE, WHITE), page(BLUE, SKIN, WHITE, WHITE)
    assert chosen([torch.cat([blue, face, blue]), torch.cat([face, blue, blue])], 0.25) == [1, 0, 0]


def test_more_skin_than_the_palette_has_is_no_merit():
    face, bare = page(BLUE, SKIN, WHITE, WHITE), page(SKIN, SKIN, SKIN, WHITE)
    assert chosen([face, bare], 0.25) == [0]
    assert chosen([face, bare], 0.75) == [1]
    assert chosen([page(BLUE, BLUE), face], 0.0) == [0]  # none is due


def test_only_a_guess_gets_to_choose_and_strokes_keep_its_choice(monkeypatch):
    """The choice is made once per drawing: what strokes are drawn over must not change."""
    proposer, scheduler = tiny_proposer(), FlowMatchEulerDiscreteScheduler(shift=3.0)
    sketch, (colours, weights) = torch.ones(1, 1, 64, 64), palette(0.5)
    calls = []

    def second(noises, looks, *told):
        calls.append(len(looks))
        assert looks[0].shape == noises[0].shape and told[0] is colours
        return noises[1]

    monkeypatch.setattr(sampling, "promising", second)

    def draw(hints=None, **more):
        generator = torch.Generator().manual_seed(3)
        wishes = {"hints": hints, "palette": colours, "weights": weights}
        return draw_proposal(proposer, scheduler, sketch, **wishes, generator=generator, **more)

    with torch.inference_mode():
        asked, guessed = draw(), draw(guessed=True)
        assert calls == [starts.STARTS]
        assert not torch.equal(asked.colors, guessed.colors)
        known = sampling.FreeColourings()
        free = draw(guessed=True, known=known).unhinted
        dot = torch.zeros(1, 4, 16, 16)
        dot[:, :, 8, 8] = 1.0
        stroke = draw(dot, guessed=True, known=known)
        assert len(calls) == 2 and torch.equal(stroke.unhinted, free)
        assert not torch.equal(stroke.colors, free)
