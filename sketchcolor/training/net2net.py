"""Enlarges a trained network without changing its function (Chen et al. 2016, Net2Net).

    python -m sketchcolor.training.net2net --from sketchcolor/weights/sketchcolor/proposer \\
        --recipe sketchcolor-proposal -o runs/grown/model
"""

from __future__ import annotations

import argparse
from operator import gt
from pathlib import Path

import torch
from diffusers import ModelMixin

from ..models import MODELS
from .recipes import RECIPES

__all__ = ["grow"]


@torch.no_grad()
def grow(trained: ModelMixin, larger: ModelMixin) -> None:
    """Copy the weights of a trained network into a larger one, which then computes the same.

    Additional channels of a layer, which come after the others, get weights of zero. New layers
    keep their initial weights and must be initialised so that they change nothing.

    Args:
        trained: the trained network.
        larger: of the same class; changed in place.

    Raises:
        ValueError: a weight of the trained network does not fit into the larger one.
    """
    targets = dict(larger.named_parameters())
    for name, weight in trained.named_parameters():
        target = targets.get(name)
        if (
            target is None
            or target.dim() != weight.dim()
            or any(map(gt, weight.shape, target.shape))
        ):
            raise ValueError(f"The larger network has no room for {name} {tuple(weight.shape)}.")
        target.zero_()
        target[tuple(slice(length) for length in weight.shape)] = weight.to(target.dtype)


def main(arguments: list[str] | None = None) -> None:
    """Enlarges a trained network to the configuration of a recipe."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--from", dest="trained", required=True, help="folder of the network")
    parser.add_argument("--recipe", required=True, choices=sorted(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args(arguments)
    recipe = RECIPES[args.recipe]
    network = MODELS[recipe.model]
    larger = network(**recipe.model_config)
    grow(network.from_pretrained(args.trained), larger)
    larger.save_pretrained(args.output)


if __name__ == "__main__":
    main()
