"""Time and peak memory of colouring, compared with the pix2pix U-Net at equal size.

    python -m benchmarks.inference -o inference.json

There are three tasks for each model: *generator* (one forward pass of the generator), *networks*
(proposal and refinement of a tensor) and *picture* (from a sketch to a picture of the same size).
Every case runs in its own process, so that memory, caches and threads of another do not affect it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import machine
from sketchcolor import ModelLoadError, load_pipeline
from sketchcolor.models.pix2pix import Pix2PixGenerator
from sketchcolor.pipeline import SketchColorPipeline

FLAGSHIP, BASELINE = "sketchcolor", "pix2pix"
PAGE = (3000, 2000)  # px, a scanned page


@dataclass(frozen=True)
class Case:
    """One measurement: which model does what at which size."""

    model: str  # FLAGSHIP or BASELINE
    task: str  # "generator", "networks" or "picture"
    size: tuple[int, int]  # of the input, width × height in px
    resolution: int  # working resolution in px
    source: str | None = None  # folder or Hub id of the flagship; None is the bundled model


def cases(resolutions: list[int], page_resolution: int, source: str | None) -> list[Case]:
    """Every task at every resolution, and the scanned page; the two models' cases alternate."""
    found = []
    for task in ("generator", "networks", "picture"):
        sizes = [((side, side), side) for side in resolutions]
        if task == "picture":
            sizes.append((PAGE, page_resolution))
        for size, resolution in sizes:
            found.append(Case(FLAGSHIP, task, size, resolution, source))
            found.append(Case(BASELINE, task, size, resolution))
    return found


def drawing(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """A page of thin closed curves, black on white, mode L; the same seed gives the same page."""
    rng = np.random.default_rng(seed)
    page = Image.new("L", size, 255)
    draw = ImageDraw.Draw(page)
    stroke = max(1, round(min(size) / 300))
    angle = np.linspace(0, 2 * np.pi, 200)
    for _ in range(30):
        centre, radius = rng.uniform(0, size), min(size) * rng.uniform(0.05, 0.4)
        wobble = 1 + 0.2 * np.sin(rng.integers(2, 6) * angle + rng.uniform(0, 6))
        curve = centre + radius * wobble[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
        draw.line([tuple(point) for point in curve], fill=0, width=stroke)
    return page


def run_case(case: Case) -> dict:
    """Measures one case in this process.

    Returns:
        ``seconds`` (median), ``peak_mib`` (of the whole process) and ``loaded_mib`` (before the
        first call), ``gflop`` (2 × multiply-accumulate, counted), ``precision`` of the generator.
    """
    pipeline = _pipeline(case)
    for component in (pipeline.generator, pipeline.proposer):
        if component is not None:
            component.requires_grad_(False)  # FlopCounterMode fails on parameters passed to modules
    loaded = machine.memory_mib("VmRSS")
    call, precision = _task(case, pipeline)
    with FlopCounterMode(display=False) as counter:
        call()
    return {
        "seconds": machine.median_seconds(call),
        "peak_mib": machine.memory_mib("VmHWM"),
        "loaded_mib": loaded,
        "gflop": counter.get_total_flops() / 1e9,
        "precision": precision,
    }


def report(measured: dict) -> str:
    """The results as Markdown; a ratio above 1 means that the flagship needs more."""
    lines = [
        machine.describe(measured["machine"]),
        "",
        "| task | input | working | model | s | × | peak MiB | × | GFLOP | precision | of rate |",
        "|---|---|---:|---|---:|---:|---:|---:|---:|---|---:|",
    ]
    results = measured["cases"]
    for ours, base in zip(results[::2], results[1::2], strict=True):
        for each in (ours, base):
            ratios = [
                f"{ours[key] / base[key]:.2f}" if each is ours else ""
                for key in ("seconds", "peak_mib")
            ]
            width, height = each["size"]
            cells = [
                each["task"],
                f"{width}×{height}",
                f"{each['resolution']}",
                each["model"],
                f"{each['seconds']:.3f}",
                ratios[0],
                f"{each['peak_mib']:.0f}",
                ratios[1],
                f"{each['gflop']:.1f}",
                each["precision"],
                f"{each['share']:.0%}",
            ]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measures all cases, prints the table and writes the JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="folder or Hub id instead of the bundled model")
    parser.add_argument("--resolutions", type=int, nargs="+", default=[256, 512, 1024])
    parser.add_argument("--page_resolution", type=int, default=512, help="px, for the page")
    parser.add_argument("-o", "--output", type=Path, default=Path("inference.json"))
    parser.add_argument("--case", help=argparse.SUPPRESS)  # for the process that measures a case
    args = parser.parse_args(arguments)
    if args.case:
        try:
            print(json.dumps(run_case(Case(**json.loads(args.case)))))
        except ModelLoadError as error:
            print(error, file=sys.stderr)
            return 2
        return 0

    rates = machine.measure()
    results = []
    for case in cases(args.resolutions, args.page_resolution, args.model):
        print(f"{case.task} {case.size[0]}×{case.size[1]} {case.model} …", file=sys.stderr)
        process = subprocess.run(
            [sys.executable, "-m", "benchmarks.inference", "--case", json.dumps(asdict(case))],
            stdout=subprocess.PIPE,
            text=True,
        )
        if process.returncode:
            return process.returncode  # the process has printed why
        result = asdict(case) | json.loads(process.stdout.splitlines()[-1])
        rate = rates["best"][result["precision"]]
        results.append(result | {"share": result["gflop"] / result["seconds"] / rate})
    measured = {"machine": rates, "cases": results}
    args.output.write_text(json.dumps(measured, indent=2) + "\n")
    print(report(measured))
    return 0


def _pipeline(case: Case) -> SketchColorPipeline:
    """The model of a case as a pipeline, so that both models are called in the same way."""
    if case.model == FLAGSHIP:
        return load_pipeline(case.source, device="cpu")
    # The weights are random: time and memory do not depend on them.
    return SketchColorPipeline(generator=Pix2PixGenerator().eval())


def _task(case: Case, pipeline: SketchColorPipeline) -> tuple[Callable[[], object], str]:
    """The call to measure, and the precision in which the pipeline runs its generator."""
    sketch = drawing(case.size)
    tensor = torch.from_numpy(np.asarray(sketch, dtype=np.float32) / 127.5 - 1)[None, None]

    # No input is used twice, because the pipeline keeps results for inputs that it has seen.
    numbers = count()

    def networks() -> object:
        number = next(numbers)
        tensor[..., 0, 0] = number % 256 / 127.5 - 1.0
        with torch.inference_mode():
            return pipeline.colour_tensor(tensor, seeds=[number])

    def picture() -> object:
        number = next(numbers)
        sketch.putpixel((0, 0), number % 256)
        return pipeline(sketch, seed=number, resolution=case.resolution)

    # The generator task calls the generator with the arguments that the pipeline calls it with.
    recorded: dict = {}

    def record(module, args, kwargs) -> None:
        autocast = torch.is_autocast_enabled("cpu")
        dtype = torch.get_autocast_dtype("cpu") if autocast else next(module.parameters()).dtype
        recorded.update(args=args, kwargs=kwargs, autocast=autocast, dtype=dtype)

    hook = pipeline.generator.register_forward_pre_hook(record, with_kwargs=True)
    (picture if case.task == "picture" else networks)()
    hook.remove()

    def generator() -> object:
        with (
            torch.inference_mode(),
            torch.autocast("cpu", recorded["dtype"], enabled=recorded["autocast"]),
        ):
            return pipeline.generator(*recorded["args"], **recorded["kwargs"])

    call = {"generator": generator, "networks": networks, "picture": picture}[case.task]
    return call, str(recorded["dtype"]).removeprefix("torch.")


if __name__ == "__main__":
    sys.exit(main())
