"""A proposer whose own drawings a discriminator judges."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from conftest import tiny_proposer

from sketchcolor.models.discriminators import PatchDiscriminator
from sketchcolor.noise import starting_noise
from sketchcolor.training.judged import JudgedFlowStep
from sketchcolor.training.recipes import Recipe
from sketchcolor.training.trainer import make_player

SCALE = 4  # line-art pixels per colour pixel, a proposer's default


@pytest.fixture
def judged() -> JudgedFlowStep:
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    settings = {"time_shift": 3.0, "adversarial_weight": 1.0, "lr_scheduler": "constant"}
    recipe = Recipe("tiny", "tests", "proposer", "flow", **settings)
    accelerator = Accelerator(cpu=True)
    judge = PatchDiscriminator((4, 8, 8), spectral_norm=True, sketch_scale=SCALE)
    players = [
        make_player(accelerator, recipe, network, 1e-3, 10) for network in (tiny_proposer(), judge)
    ]
    return JudgedFlowStep(recipe, accelerator, *players)


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {
        "sketch": torch.rand(6, 1, 64, 64) * 2.0 - 1.0,
        "colour": torch.rand(6, 3, 64 // SCALE, 64 // SCALE) * 2.0 - 1.0,
        "hints": torch.zeros(6, 4, 64 // SCALE, 64 // SCALE),
        "palette": torch.rand(6, 9, 3) * 2.0 - 1.0,
        "weights": torch.full((6, 9), 1.0 / 9.0),
        "palette_present": torch.tensor([True, False] * 3),
    }


def test_some_are_drawn_as_in_use_in_the_palette_before_theirs(judged, batch, monkeypatch):
    told = []
    network = judged.proposer.model
    forward = network.forward
    monkeypatch.setattr(network, "forward", lambda *a, **k: told.append((a, k)) or forward(*a, **k))
    sketch, drawn = judged._draw(batch, torch.Generator().manual_seed(1))
    assert torch.equal(sketch, batch["sketch"][:3]) and drawn.shape == (3, 3, 16, 16)
    times = [float(arguments[1][0]) / 1000.0 for arguments, _ in told]
    assert times == pytest.approx([1.0, 0.9, 0.75, 0.5])
    assert torch.equal(told[0][0][4], torch.roll(batch["palette"], 1, dims=0)[:3])
    noise = starting_noise(sketch, SCALE, torch.Generator().manual_seed(2))
    assert float(told[0][0][0].std()) == pytest.approx(float(noise.std()), rel=0.3)
    assert not told[0][0][0].requires_grad and told[-1][0][0].requires_grad


def test_both_players_learn_and_drawings_come_to_pass(judged, batch):
    before = [
        {name: value.clone() for name, value in player.model.state_dict().items()}
        for player in judged.players
    ]
    losses = judged(batch, torch.Generator().manual_seed(1))
    assert set(losses) == {"flow", "discriminator", "adversarial"}
    for player, values in zip(judged.players, before, strict=True):
        now = player.model.state_dict()
        assert any(not torch.equal(now[name], value) for name, value in values.items())
    # Against a judge that learns no more, drawings pass for true ever more often.
    judged.discriminator.optimizer.step = lambda: None
    first = float(judged(batch, torch.Generator().manual_seed(1))["adversarial"])
    for _ in range(15):
        last = float(judged(batch, torch.Generator().manual_seed(1))["adversarial"])
    assert last < first - 0.01
