"""What a run leaves for the next one that starts from its weights, beside the weights.

A run's folder and a pipeline's have the network in a folder of its own and, next to it, a record of
how it came about and the discriminator that judged it last. A new discriminator knows nothing, and
at first makes a trained generator worse.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diffusers import ModelMixin

from ..models import DISCRIMINATORS
from .recipes import Recipe

__all__ = ["DISCRIMINATOR", "PROPOSER", "keep_beside", "make_discriminator", "read_record"]

# Folders beside a run's or a pipeline's network.
DISCRIMINATOR, PROPOSER = "discriminator", "proposer"


def read_record(init_from: str | None) -> dict[str, Any] | None:
    """The record beside the folder of starting weights: of their run, or of their pipeline's role.

    Returns:
        What a run writes as ``recipe.json``; None for weights that are not ours, or for none.
    """
    if not init_from:
        return None
    network = Path(init_from)
    run, pipeline = network.parent / "recipe.json", network.parent / "training.json"
    if run.is_file():
        return json.loads(run.read_text())
    return json.loads(pipeline.read_text()).get(network.name) if pipeline.is_file() else None


def make_discriminator(recipe: Recipe, init_from: str | None) -> ModelMixin:
    """The recipe's discriminator: the one beside the starting weights if alike, or a new one."""
    network = DISCRIMINATORS[recipe.discriminator]
    record = read_record(init_from)
    if record is not None and (trained := Path(init_from).parent / DISCRIMINATOR).is_dir():
        before, now = record["recipe"], json.loads(json.dumps(asdict(recipe)))
        if all(before[name] == now[name] for name in ("discriminator", "discriminator_config")):
            return network.from_pretrained(str(trained))
    return network(**recipe.discriminator_config)


def keep_beside(name: str, network: ModelMixin, folder: Path) -> None:
    """Write a network that was trained along with another into a run's or a pipeline's folder.

    Args:
        name: :data:`DISCRIMINATOR`, where :func:`make_discriminator` looks for it, or
            :data:`PROPOSER`.
    """
    network.register_to_config(_name_or_path=name)  # not a path of this machine
    network.save_pretrained(str(folder / name))
