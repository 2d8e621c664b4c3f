"""Assembles trained networks into one pipeline folder, in half precision."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch
from diffusers import FlowMatchEulerDiscreteScheduler

from ..models import DISCRIMINATORS, MODELS, ColorProposer
from ..pipeline import SketchColorPipeline
from .palette_prior import collect
from .provenance import DISCRIMINATOR, PROPOSER, read_record, save_beside
from .recipes import RECIPES

__all__ = ["bundle"]


def bundle(
    generator: Path,
    output: Path,
    proposer: Path | None = None,
    parts: Path | None = None,
    part_colours: Path | None = None,
    view_cache: Path | None = None,
    **sampling: float | bool,
) -> SketchColorPipeline:
    """Assemble a pipeline from the output folders of ``train_accelerate.py``.

    Args:
        generator: folder of a generator's run. This and the next three may also be the folder of
            a network in an earlier bundle, whose record is then copied.
        output: folder of the pipeline.
        proposer: folder of a proposer's run, for a two-stage pipeline. None uses the proposer that
            was trained together with ``parts``, if there is one.
        parts: folder of a part encoder's run.
        part_colours: folder of the run of the network that colours parts.
        view_cache: the proposer's training views, from which a palette prior is collected; None
            leaves the prior out.
        sampling: ``noise_scale``, ``guidance_scale`` and ``hold`` of :class:`SketchColorPipeline`.

    Returns:
        The pipeline as written; one without a proposer does not enforce hints and palettes on the
        network's picture. Its folder also has ``training.json``, the runs' records by
        component, and the last ``discriminator`` for further training.
    """
    history = {}
    if proposer is None and parts is not None:
        proposer = (parts if (parts / "model").is_dir() else parts.parent) / PROPOSER
    networks = {
        "generator": generator,
        "proposer": proposer,
        "parts": parts,
        "part_colours": part_colours,
    }
    loaded: dict[str, Any] = {}
    for role, folder in networks.items():
        if folder is None:
            continue
        weights = folder / "model" if (folder / "model").is_dir() else folder
        history[role] = _record_of(role, weights)
        model = RECIPES[history[role]["recipe"]["name"]].model
        network = ColorProposer if role == PROPOSER else MODELS[model]
        loaded[role] = network.from_pretrained(str(weights), torch_dtype=torch.float16)
        loaded[role].register_to_config(_name_or_path=role)  # no local path in published files
    scheduler = None
    if proposer is not None:
        shift = history["proposer"]["recipe"]["time_shift"]
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    if view_cache is not None:
        loaded["palette_prior"] = collect(view_cache)
    # What a single stage makes of hints and palettes is shown as it is: enforced on its picture,
    # they would hide whether the system of a paper follows them.
    loaded |= {"hold": proposer is not None} | sampling
    pipeline = SketchColorPipeline(scheduler=scheduler, **loaded)
    pipeline.save_pretrained(str(output))
    (output / "training.json").write_text(json.dumps(history, indent=2) + "\n")
    beside = generator if (generator / "model").is_dir() else generator.parent
    trained = beside / DISCRIMINATOR
    if trained.is_dir():
        network = DISCRIMINATORS[history["generator"]["recipe"]["discriminator"]]
        discriminator = network.from_pretrained(str(trained), torch_dtype=torch.float16)
        save_beside(DISCRIMINATOR, discriminator, output)
    return pipeline


def _record_of(role: str, weights: Path) -> dict[str, Any]:
    """The record of a network; ``started_from`` in it is about this network.

    A part encoder's run also trains a proposer, whose starting weights have a key of their own.
    """
    record = read_record(str(weights))
    if record is None:
        raise ValueError(f"{weights} has no record of its training: name the folder of a run.")
    proposer_started_from = record.pop("proposer_started_from", None)
    if role == PROPOSER and proposer_started_from is not None:
        record["started_from"] = proposer_started_from
    return record


def main() -> None:
    """``python -m sketchcolor.training.bundle --generator RUN --proposer RUN -o FOLDER``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--proposer", type=Path)
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--part_colours", type=Path)
    parser.add_argument("--view_cache", type=Path, help="views to collect a palette prior from")
    parser.add_argument("--noise_scale", type=float, default=1.0)
    parser.add_argument("--guidance_scale", type=float, default=1.0)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    bundle(
        args.generator,
        args.output,
        args.proposer,
        args.parts,
        args.part_colours,
        args.view_cache,
        noise_scale=args.noise_scale,
        guidance_scale=args.guidance_scale,
    )


if __name__ == "__main__":
    main()
