"""Muon compared with PyTorch's optimisers, and which parameters it updates."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from sketchcolor.training.optimisers import Muon, inner_matrices, make_optimizer
from sketchcolor.training.recipes import RECIPES

RATE = 0.01
BETAS = (0.9, 0.98)


def network() -> nn.ModuleDict:
    """An input layer, inner layers of several shapes and an output layer."""
    torch.manual_seed(0)
    layers = {
        "conv_in": nn.Conv2d(32, 32, 3),
        "middle": nn.Conv2d(32, 48, 3),
        "wide": nn.Linear(48, 64),
        "tall": nn.Linear(64, 48),
        "tall_too": nn.Linear(64, 48),
        "out": nn.Linear(64, 3),
    }
    return nn.ModuleDict(layers).to(memory_format=torch.channels_last)


def descend(layers: nn.ModuleDict, optimizer: torch.optim.Optimizer, steps: range) -> None:
    """Updates with random gradients that depend on the step only."""
    for step in steps:
        noise = torch.Generator().manual_seed(step)
        for parameter in layers.parameters():
            parameter.grad = torch.randn(parameter.shape, generator=noise)
        optimizer.step()


def test_input_and_output_layers_biases_and_small_layers_are_no_inner_matrices():
    layers = network()
    expected = [layers[name].weight for name in ("middle", "wide", "tall", "tall_too")]
    assert [id(p) for p in inner_matrices(layers)] == [id(p) for p in expected]


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_updates_are_those_of_pytorch(weight_decay):
    """PyTorch's Muon does not take convolutions, so their weights are given to it as matrices."""
    layers = network()
    start = {name: p.detach().clone() for name, p in layers.named_parameters()}
    descend(layers, Muon(layers, RATE, BETAS, weight_decay), range(3))
    inner = {id(p) for p in inner_matrices(layers)}
    flat = {
        name: nn.Parameter((start[name].flatten(1) if id(p) in inner else start[name]).clone())
        for name, p in layers.named_parameters()
    }
    matrices = [flat[name] for name, p in layers.named_parameters() if id(p) in inner]
    rest = [flat[name] for name, p in layers.named_parameters() if id(p) not in inner]
    settings = {"lr": RATE, "weight_decay": weight_decay}
    reference = [
        torch.optim.Muon(matrices, adjust_lr_fn="match_rms_adamw", **settings),
        torch.optim.AdamW(rest, betas=BETAS, **settings),
    ]
    for step in range(3):
        noise = torch.Generator().manual_seed(step)
        for name, parameter in flat.items():
            gradient = torch.randn(start[name].shape, generator=noise)
            parameter.grad = gradient.reshape(parameter.shape)
        for optimizer in reference:
            optimizer.step()
    for name, parameter in layers.named_parameters():
        theirs_at, start_at = flat[name].detach(), start[name].reshape(flat[name].shape)
        apart = (parameter.detach().reshape(flat[name].shape) - theirs_at).norm()
        # PyTorch converts to bfloat16 before dividing by the norm, we do afterwards.
        bound = 0.02 if id(parameter) in inner else 1e-5
        assert apart <= bound * (theirs_at - start_at).norm() + 1e-6, name


def test_the_singular_values_of_an_update_are_nearly_equal():
    layers = network()
    before = layers["wide"].weight.detach().clone()
    descend(layers, Muon(layers, RATE, BETAS), range(1))
    sizes = torch.linalg.svdvals(layers["wide"].weight.detach() - before)
    assert sizes.max() < 2.0 * sizes.min()  # those of the gradient differ by a factor of 10


def test_a_restored_state_continues_to_the_same_weights():
    straight, broken = network(), network()
    optimizer = Muon(straight, RATE, BETAS)
    descend(straight, optimizer, range(4))
    first = Muon(broken, RATE, BETAS)
    descend(broken, first, range(2))
    second = Muon(broken, 1.0, BETAS)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    descend(broken, second, range(2, 4))
    for one, other in zip(straight.parameters(), broken.parameters(), strict=True):
        assert torch.equal(one, other)


def test_parameters_without_gradients_are_not_changed():
    layers = network()
    optimizer = Muon(layers, RATE, BETAS, weight_decay=0.1)
    before = copy.deepcopy(layers.state_dict())
    optimizer.step()
    layers["wide"].weight.grad = torch.ones_like(layers["wide"].weight)
    optimizer.step()
    moved = [name for name, value in layers.state_dict().items() if (value != before[name]).any()]
    assert moved == ["wide.weight"]


def test_the_recipe_names_the_optimiser():
    recipe = RECIPES["sketchcolor-proposal"]
    muon = make_optimizer(replace(recipe, optimizer="muon"), network(), RATE)
    assert isinstance(muon, Muon) and {group["lr"] for group in muon.param_groups} == {RATE}
    adamw = make_optimizer(replace(recipe, optimizer="adamw"), network(), RATE)
    assert isinstance(adamw, torch.optim.AdamW)
    with pytest.raises(ValueError, match="choose adamw or muon"):
        make_optimizer(replace(recipe, optimizer="lion"), network(), RATE)
