"""Records of training runs and the networks saved beside the weights, for later runs.

The folder of a run or of a pipeline has each network in a subfolder and, beside it, a record of its
training and its last discriminator. A run that starts from the weights continues with that
discriminator, because an untrained one makes a trained generator worse at first.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from diffusers import ModelMixin

from ..models import DISCRIMINATORS
from .recipes import Recipe

__all__ = ["DISCRIMINATOR", "PROPOSER", "make_discriminator", "read_record", "save_beside"]

# Names of the folders beside the published network.
DISCRIMINATOR, PROPOSER = "discriminator", "proposer"


def read_record(init_from: str | None) -> dict[str, Any] | None:
    """Reads how a network was trained.

    Args:
        init_from: folder of the network, in the folder of a run or of a bundled pipeline; or a Hub
            id, or None.

    Returns:
        The contents of the run's ``recipe.json``, or the network's entry in the pipeline's
        ``training.json``; None where there is neither.
    """
    if not init_from:
        return None
    network = Path(init_from)
    run, pipeline = network.parent / "recipe.json", network.parent / "training.json"
    if run.is_file():
        return json.loads(run.read_text())
    return json.loads(pipeline.read_text()).get(network.name) if pipeline.is_file() else None


def make_discriminator(recipe: Recipe, init_from: str | None) -> ModelMixin:
    """The recipe's discriminator.

    Args:
        recipe: names its class and configuration.
        init_from: the weights that the generator starts from, as in :func:`read_record`.

    Returns:
        The trained one beside the starting weights, if its class and configuration are the
        recipe's; a new one otherwise.
    """
    network = DISCRIMINATORS[recipe.discriminator]
    record = read_record(init_from)
    trained = None if init_from is None else Path(init_from).parent / DISCRIMINATOR
    if record is not None and trained is not None and trained.is_dir():
        before, now = record["recipe"], json.loads(json.dumps(asdict(recipe)))
        if all(before[name] == now[name] for name in ("discriminator", "discriminator_config")):
            return network.from_pretrained(str(trained))
    return network(**recipe.discriminator_config)


def save_beside(name: str, network: ModelMixin, folder: Path) -> None:
    """Save a network that was trained together with the published one.

    Args:
        name: of its subfolder, :data:`DISCRIMINATOR` or :data:`PROPOSER`.
        network: to be saved.
        folder: of the run or the pipeline.
    """
    network.register_to_config(_name_or_path=name)  # no local path in published files
    network.save_pretrained(str(folder / name))
