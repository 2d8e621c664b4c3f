"""Trained networks that are enlarged."""

import json

import pytest
import torch

from sketchcolor.models import ColorProposer
from sketchcolor.training import net2net
from sketchcolor.training.recipes import RECIPES, Recipe
from tests.support.networks import TINY_PROPOSER, tiny_proposer


def without_lines() -> ColorProposer:
    torch.manual_seed(3)
    proposer = ColorProposer(**TINY_PROPOSER | {"line_channels": ()})
    torch.nn.init.normal_(proposer.unet.conv_out.weight, std=0.05)
    return proposer.eval()


def outputs(*proposers: ColorProposer) -> list[torch.Tensor]:
    inputs = torch.randn(2, 3, 16, 16), torch.full((2,), 400.0), torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        return [proposer(*inputs) for proposer in proposers]


def test_a_grown_network_computes_the_same_and_its_new_layers_learn():
    known, larger = without_lines(), ColorProposer(**TINY_PROPOSER).eval()
    net2net.grow(known, larger)
    before, after = outputs(known, larger)
    assert torch.equal(before, after)
    optimizer = torch.optim.SGD(larger.parameters(), lr=1e-3)
    for _ in range(2):  # the first step changes only the zero weights, the second the layers before
        larger(
            torch.randn(2, 3, 16, 16), torch.full((2,), 400.0), torch.rand(2, 1, 64, 64)
        ).square().mean().backward()
        optimizer.step()
    assert all(weight.grad.abs().sum() > 0 for weight in larger.lines.parameters())
    assert all(weight.grad.abs().sum() > 0 for weight in larger.head.parameters())


def test_a_network_without_room_is_refused():
    with pytest.raises(ValueError, match="no room for lines"):
        net2net.grow(tiny_proposer(), without_lines())


def test_the_command_grows_a_network_to_the_configuration_of_a_recipe(tmp_path, monkeypatch):
    recipe = Recipe("tiny", "tests", "proposer", "flow", model_config=TINY_PROPOSER)
    monkeypatch.setitem(RECIPES, "tiny", recipe)
    known = without_lines()
    known.save_pretrained(tmp_path / "known")
    grown = str(tmp_path / "grown")
    net2net.main(["--from", str(tmp_path / "known"), "--recipe", "tiny", "-o", grown])
    config = json.loads((tmp_path / "grown" / "config.json").read_text())
    assert config["line_channels"] == [8, 8]
    before, after = outputs(known, ColorProposer.from_pretrained(grown).eval())
    assert torch.equal(before, after)
