"""Trained on sketches that say nothing about colours, a system has to take them from the hints."""

import dataclasses

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState

from sketchcolor.models import MODELS
from sketchcolor.training.colour_step import ColourStep
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.trainer import prepare_model

SIDE, STEPS, PICTURES = 32, 40, 8
# Wide enough that a group of the normalisation has several channels: one alone would lose its mean,
# and with it the colour.
NETWORKS = {
    "auto-painter": {"channels": (4, 8, 8)},
    "sgru-hint": {"channels": (16, 16, 16, 16)},
    "whiteout-hint": {"channels": (4, 8, 8, 8)},
}
COLOURS = np.array([[210, 60, 40], [45, 195, 215]], np.uint8)  # their mean is grey


def batch(seed: int) -> dict[str, torch.Tensor]:
    """Pictures of one of two colours, all with an empty sketch; hints are on a random half."""
    rng = np.random.default_rng(seed)
    colour = torch.from_numpy(COLOURS[rng.integers(0, 2, PICTURES)] / 127.5 - 1.0).float()
    pictures = colour[:, :, None, None].expand(-1, -1, SIDE, SIDE)
    painted = torch.zeros(PICTURES, 1, SIDE, SIDE)
    for mask, start in zip(painted, rng.integers(0, SIDE // 2, PICTURES), strict=True):
        mask[:, :, start : start + SIDE // 2] = 1.0
    return {
        "sketch": torch.ones(PICTURES, 1, SIDE, SIDE),
        "colour": pictures.contiguous(),
        "hints": torch.cat([pictures * painted, painted], dim=1),
    }


def error_after_training(recipe: str, is_deaf: bool) -> float:
    """Mean squared error on new pictures, as a share of the colours' variance.

    A system that does not follow its hints can do no better than to paint the mean colour, at which
    the share is 1.
    """
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    accelerator = Accelerator(cpu=True)
    settings = dataclasses.replace(
        RECIPES[recipe],
        adversarial="none",
        perceptual_weight=0.0,
        variation_weight=0.0,
        learning_rate=1e-2,
        max_grad_norm=1.0,  # the rate is high
    )
    torch.manual_seed(0)
    network = MODELS[settings.model](**settings.model_config | NETWORKS[recipe])
    prepared = prepare_model(accelerator, settings, network, settings.learning_rate, STEPS)
    step = ColourStep(settings, accelerator, prepared)
    for number in range(STEPS):
        data = batch(number)
        if is_deaf:
            data["hints"] = torch.zeros_like(data["hints"])
        step(data, torch.Generator().manual_seed(number))
    network.eval()
    errors, variances = [], []
    with torch.no_grad():
        for number in range(STEPS, STEPS + 8):
            data = batch(number)
            given = torch.zeros_like(data["hints"]) if is_deaf else data["hints"]
            made = network(data["sketch"], hints=given).image
            errors.append((made - data["colour"]).square().mean())
            variances.append(data["colour"].square().mean())
    return float(sum(errors) / sum(variances))


@pytest.mark.parametrize("recipe", NETWORKS)
def test_a_trained_system_follows_its_hints_and_a_deaf_one_would_not(recipe):
    assert error_after_training(recipe, is_deaf=False) < 0.3
    assert error_after_training(recipe, is_deaf=True) > 0.9
