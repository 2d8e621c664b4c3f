"""Gives a trained network more layers without forgetting what it knows (Chen et al. 2016, Net2Net).

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
def grow(known: ModelMixin, larger: ModelMixin) -> None:
    """Copy weights into a larger network that shall answer as the known one does.

    What a layer of the larger one takes in or gives out besides, counted from the end of its
    channels, gets weights of zero; layers that are new must begin as no change by themselves.

    Args:
        known: the trained network.
        larger: of the same class; is changed.

    Raises:
        ValueError: a weight of the known one has no place in the larger one.
    """
    places = dict(larger.named_parameters())
    for name, weight in known.named_parameters():
        place = places.get(name)
        room = () if place is None else place.shape
        if len(room) != weight.dim() or any(map(gt, weight.shape, room)):
            raise ValueError(f"The larger network has no room for {name} {tuple(weight.shape)}.")
        place.zero_()
        place[tuple(slice(length) for length in weight.shape)] = weight.to(place.dtype)


def main(arguments: list[str] | None = None) -> None:
    """Grows a trained network to the shape that a recipe asks for."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--from", dest="known", required=True, help="folder of the trained one")
    parser.add_argument("--recipe", required=True, choices=sorted(RECIPES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args(arguments)
    recipe = RECIPES[args.recipe]
    network = MODELS[recipe.model]
    larger = network(**recipe.model_config)
    grow(network.from_pretrained(args.known), larger)
    larger.save_pretrained(args.output)


if __name__ == "__main__":
    main()
