"""Adapts a recipe to another resolution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..models.pix2pix import CHANNELS
from .recipes import Recipe
from .steps import PROPOSAL_SCALE

__all__ = ["at_resolution"]


def at_resolution(recipe: Recipe, resolution: int) -> Recipe:
    """The recipe at another resolution, with the network settings that depend on it.

    A U-Net that goes down to 1×1 gets as many levels as the resolution allows. The sample size of a
    proposer or of a fully connected discriminator follows the resolution. A crop larger than the
    picture is turned off.

    Args:
        recipe: at its own resolution.
        resolution: side of the pictures, px.
    """
    changes: dict[str, Any] = {"resolution": resolution}
    if recipe.crop > resolution:
        changes["crop"] = 0
    if recipe.model in ("pix2pix", "auto-painter"):
        halvings = (resolution & -resolution).bit_length() - 1  # until the side is odd
        channels = recipe.model_config.get("channels", CHANNELS)[:halvings]
        changes["model_config"] = recipe.model_config | {"channels": channels}
    elif recipe.objective == "flow":
        sample_size = resolution // PROPOSAL_SCALE
        changes["model_config"] = recipe.model_config | {"sample_size": sample_size}
    if recipe.discriminator == "white-out":
        changes["discriminator_config"] = recipe.discriminator_config | {"sample_size": resolution}
    return replace(recipe, **changes)
