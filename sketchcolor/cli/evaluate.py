"""``sketchcolor evaluate``: measures models; writes JSON, Markdown and plots."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from ..conditions.hints import HINT_KINDS
from ..evaluation.evaluate import evaluate
from ..evaluation.fid_lpips import PublishedMetrics, weights_are_here
from ..evaluation.plots import similarity_sheet
from ..evaluation.report import markdown_table
from ..hub.access import ModelLoadError
from ..lineart.extract import EXTRACTORS, RANDOM_LINEART
from ..loading import load_pipeline
from ..models.vgg19 import WEIGHTS_VARIABLE, VGG19Features
from ..training.pictures import PAIRS
from .common import DONE, refuse

__all__ = ["add_arguments", "run"]

# Options that are parameters of `evaluate`, with their help.
SETTINGS = {
    "samples": "automatic colourings of each image",
    "hint_counts": "a protocol for each number of simulated hints",
    "num_inference_steps": "sampling steps of the colour proposal",
    "side": "px, square that the pictures are letterboxed to",
    "batch_size": "pictures coloured at once",
    "seed": "of line art, hints and noise",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``evaluate``; defaults are those of the function `evaluate`."""
    parser.description = (
        "Measures models on colour pictures. Line art is extracted from them unless --pair says "
        "where it lies. Writes the results as JSON and as a Markdown table."
    )
    settings = inspect.signature(evaluate).parameters
    add = parser.add_argument
    add("--model", nargs="+", default=[None], help="folders or Hub ids (default: the bundled one)")
    add("--device", help="cpu, cuda, … (default: cuda where there is one)")
    add("--data_files", nargs="+", help="files with the images; wildcards allowed")
    add(
        "--data_format",
        choices=["parquet", "imagefolder", "webdataset"],
        default="parquet",
        help="of --data_files (default: %(default)s)",
    )
    add("--dataset_name", help="Hub dataset, instead of --data_files")
    add("--split", default="validation", help="split of --dataset_name (default: %(default)s)")
    add("--image_column", default="image", help="default: %(default)s")
    add(
        "--pair",
        choices=PAIRS,
        help="line art is drawn, beside the colours in one picture or in a folder of its own",
    )
    add("--colour_dir", help="folder of colour pictures, with --pair folders")
    add("--sketch_dir", help="folder of their line art, in files of the same names")
    add("--max_images", type=int, help="only the first N images")
    add("--vgg19", help=f"VGG-19 weights for FID, KID and styles (default: ${WEIGHTS_VARIABLE})")
    add(
        "--published",
        action="store_true",
        help="also FID (Inception-v3) and LPIPS, whose weights torchmetrics downloads; without "
        "this, only where they were downloaded before",
    )
    add("--plots", action="store_true", help="also draw histograms beside the output")
    add("-o", "--output", type=Path, default=Path("evaluation.json"), help="default: %(default)s")
    add(
        "--lineart",
        choices=(RANDOM_LINEART, *EXTRACTORS),
        default=settings["lineart"].default,
        help="how line art is extracted (default: %(default)s)",
    )
    add(
        "--hint_kind",
        choices=HINT_KINDS,
        help="a protocol with simulated hints of this kind, for a system that was trained with it",
    )
    for name, meaning in SETTINGS.items():
        default = settings[name].default
        many = "*" if isinstance(default, tuple) else None
        meaning += " (default: %(default)s)"
        add(f"--{name}", type=int, nargs=many, default=default, help=meaning)


def run(args: argparse.Namespace) -> int:
    """Evaluates the given models and writes JSON and, beside it, a Markdown table.

    Returns:
        Exit status: 0, or 2 if a model or data cannot be loaded.
    """
    try:
        images, sketches = _load_images(args)
        vgg = None
        if args.vgg19 or os.environ.get(WEIGHTS_VARIABLE):
            vgg = VGG19Features.from_file(args.vgg19)
        else:
            print(
                "vgg19_fid, vgg19_kid and references for models that read styles are left out: "
                f"give --vgg19 or set {WEIGHTS_VARIABLE}.",
                file=sys.stderr,
            )
        asked = args.published or weights_are_here()
        published = _published_metrics() if asked else None
        settings = {name: getattr(args, name) for name in (*SETTINGS, "lineart", "hint_kind")}
        settings["sketches"] = sketches
        results = []
        for name in args.model:
            pipeline = load_pipeline(name, device=args.device)
            identity = {"model": pipeline.model_id, "revision": pipeline.revision}
            results.append(identity | evaluate(pipeline, images, vgg, published, **settings))
    except (ModelLoadError, OSError, ValueError) as error:
        return refuse(error)
    table = markdown_table(results)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(results, indent=2) + "\n")
    args.output.with_suffix(".md").write_text(table)
    if args.plots:
        _write_plots(results, args.output)
    print(table)
    return DONE


def _published_metrics() -> PublishedMetrics | None:
    """Networks of FID and LPIPS; None, with a message, if they cannot be loaded."""
    try:
        return PublishedMetrics()
    except ValueError as error:
        print(f"fid and lpips are left out: {error}", file=sys.stderr)
        return None


def _write_plots(results: Sequence[dict[str, Any]], output: Path) -> None:
    """Writes ``OUTPUT-MODEL-PROTOCOL.png`` for each protocol that compares with the truth."""
    for result in results:
        model = re.sub(r"[^\w.]+", "-", result["model"]).strip("-")
        plotted = {k: v for k, v in result["protocols"].items() if "per_image" in v}
        for protocol, measures in plotted.items():
            plot = output.with_name(f"{output.stem}-{model}-{protocol}.png")
            similarity_sheet(measures).save(plot)


def _load_images(
    args: argparse.Namespace,
) -> tuple[Sequence[Image.Image], Sequence[Image.Image] | None]:
    """The colour pictures of the split and, if they are pairs, their sketches; read on access."""
    # Here because importing datasets takes a second.
    from ..training.sources import Pictures, Source, load_images

    source = Source(
        dataset_name=args.dataset_name,
        data_files=args.data_files,
        data_format=args.data_format,
        split=args.split,
        image_column=args.image_column,
        pair=args.pair,
        colour_dir=args.colour_dir,
        sketch_dir=args.sketch_dir,
        max_samples=args.max_images,
    )
    rows = load_images(source)
    sketches = Pictures(rows, source, drawn=True) if source.pair else None
    return Pictures(rows, source), sketches
