"""Recipes at other resolutions than their own."""

import inspect

import pytest

from sketchcolor.models import DISCRIMINATORS, MODELS
from sketchcolor.models.pix2pix import CHANNELS
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.resolution import at_resolution


@pytest.mark.parametrize("name", RECIPES)
def test_its_own_resolution_changes_no_network(name):
    recipe = RECIPES[name]
    same = at_resolution(recipe, recipe.resolution)
    for networks, kind, config in (
        (MODELS, "model", "model_config"),
        (DISCRIMINATORS, "discriminator", "discriminator_config"),
    ):
        network = networks[getattr(recipe, kind)]
        before, after = (_arguments(network, getattr(each, config)) for each in (recipe, same))
        assert before == after


def test_a_u_net_still_ends_at_one_pixel():
    assert at_resolution(RECIPES["pix2pix"], 128).model_config == {"channels": CHANNELS[:7]}
    assert at_resolution(RECIPES["auto-painter"], 512).model_config == {"channels": CHANNELS}
    # 96 can be halved five times, to 3.
    assert at_resolution(RECIPES["pix2pix"], 96).model_config == {"channels": CHANNELS[:5]}


def test_settings_that_depend_on_the_size_follow_it():
    white_out = at_resolution(RECIPES["whiteout-hint"], 128)
    assert white_out.discriminator_config["sample_size"] == 128
    proposal = at_resolution(RECIPES["sketchcolor-proposal"], 128)
    assert proposal.model_config["sample_size"] == 32 and proposal.model_config["patch"] == 4
    assert at_resolution(RECIPES["sketchcolor"], 64).crop == 0
    assert at_resolution(RECIPES["sketchcolor"], 128).crop == 128


def _arguments(network: type, config: dict) -> dict:
    """What a network would be built with, defaults included."""
    parameters = inspect.signature(network).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters} | config
