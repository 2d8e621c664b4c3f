"""Trained networks → one pipeline folder in half precision, with what it is beside it."""

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
from .provenance import DISCRIMINATOR, PROPOSER, keep_beside, read_record
from .recipes import RECIPES

__all__ = ["bundle"]


def bundle(
    generator: Path,
    output: Path,
    proposer: Path | None = None,
    parts: Path | None = None,
    part_colours: Path | None = None,
    view_cache: Path | None = None,
    **sampling: float,
) -> SketchColorPipeline:
    """Assemble a pipeline from the output folders of ``train_accelerate.py``.

    Args:
        generator: folder of a generator's run. Like the others it may be a network's folder in an
            earlier bundle instead, which then goes on with its record.
        output: where the pipeline goes.
        proposer: folder of a proposer's run, for a two-stage pipeline.
        parts: folder of a part encoder's run. The proposer that was trained along goes with it, if
            no other is named. part_colours: folder of the run of the network that colours parts.
        view_cache: the views that it was trained on; with them goes a palette prior.
        sampling: ``noise_scale`` and ``guidance_scale`` of :class:`SketchColorPipeline`.

    Returns:
        The pipeline as written, half precision; ``training.json`` beside it holds the resolved
        recipes and what each run cost, and ``discriminator`` is there to train on with.
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
    loaded = {}
    for role, folder in networks.items():
        if folder is None:
            continue
        weights = folder / "model" if (folder / "model").is_dir() else folder
        history[role] = _record_of(role, weights)
        model = RECIPES[history[role]["recipe"]["name"]].model
        network = ColorProposer if role == PROPOSER else MODELS[model]
        loaded[role] = network.from_pretrained(str(weights), torch_dtype=torch.float16)
        loaded[role].register_to_config(_name_or_path=role)  # not a path of this machine
    scheduler = None
    if proposer is not None:
        shift = history["proposer"]["recipe"]["time_shift"]
        scheduler = FlowMatchEulerDiscreteScheduler(shift=shift)
    if view_cache is not None:
        loaded["palette_prior"] = collect(view_cache)
    pipeline = SketchColorPipeline(scheduler=scheduler, **sampling, **loaded)
    pipeline.save_pretrained(str(output))
    (output / "training.json").write_text(json.dumps(history, indent=2) + "\n")
    beside = generator if (generator / "model").is_dir() else generator.parent
    trained = beside / DISCRIMINATOR
    if trained.is_dir():
        network = DISCRIMINATORS[history["generator"]["recipe"]["discriminator"]]
        rival = network.from_pretrained(str(trained), torch_dtype=torch.float16)
        keep_beside(DISCRIMINATOR, rival, output)
    return pipeline


def _record_of(role: str, weights: Path) -> dict[str, Any]:
    """The record beside a network; of two that were trained together each has its own past."""
    record = read_record(str(weights))
    along = record.pop("proposer_started_from", None)
    if role == PROPOSER and along is not None:
        record["started_from"] = along
    return record


def main() -> None:
    """``python -m sketchcolor.training.bundle --generator RUN --proposer RUN -o FOLDER``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", type=Path, required=True)
    parser.add_argument("--proposer", type=Path)
    parser.add_argument("--parts", type=Path)
    parser.add_argument("--part_colours", type=Path)
    parser.add_argument("--view_cache", type=Path, help="views to take a palette prior from")
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
