"""What another resolution than a recipe's own forces upon its networks."""

from __future__ import annotations

from dataclasses import replace

from ..models.pix2pix import CHANNELS
from .recipes import Recipe
from .steps import FINE

__all__ = ["at_resolution"]


def at_resolution(recipe: Recipe, resolution: int) -> Recipe:
    """The recipe for pictures of another size, everything else as it was.

    U-Nets that go down to 1×1 lose the levels that the pictures do not have; a fully connected
    head and a proposer are told the size of their pictures; a window is no larger than the picture.

    Args:
        recipe: at its own resolution.
        resolution: side of the pictures, px.
    """
    changes: dict[str, object] = {"resolution": resolution}
    if recipe.crop > resolution:
        changes["crop"] = 0
    if recipe.model in ("pix2pix", "auto-painter"):
        halvings = (resolution & -resolution).bit_length() - 1  # until a side is odd
        channels = recipe.model_config.get("channels", CHANNELS)[:halvings]
        changes["model_config"] = recipe.model_config | {"channels": channels}
    elif recipe.objective == "flow":
        changes["model_config"] = recipe.model_config | {"sample_size": resolution // FINE}
    if recipe.discriminator == "white-out":
        changes["discriminator_config"] = recipe.discriminator_config | {"sample_size": resolution}
    return replace(recipe, **changes)
