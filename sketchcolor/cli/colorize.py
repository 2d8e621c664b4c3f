"""``sketchcolor colorize``: colours sketches, single files or whole folders.

PyTorch and diffusers take seconds to import, so they are imported when the command runs. Options
that are not given are not passed on, so that the defaults are defined in the pipeline only.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from .common import DONE, SOME_FAILED, positive, refuse, report
from .painting import StyleBar, add_style_options, check_style_is_given, painting_of

if TYPE_CHECKING:
    from ..pipeline import SketchColorPipeline
    from ..style.styled import StyledPipeline

__all__ = ["add_arguments", "run"]

LAYER_KINDS = ("ora", "psd", "zip", "png")  # of layers.files.FORMATS, which takes long to import
OUTPUT_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


@dataclass(frozen=True)
class Job:
    """One sketch and its output files, one for each variant; the layers' where they are asked."""

    sketch: Path
    outputs: list[Path]
    layers: list[Path]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``colorize``."""
    parser.description = (
        "Colours sketches, each at its own size, and prints a line for every picture: "
        "its path and the seed that reproduces it. With --style every picture is then painted in "
        "that style, under the sketch's own lines; an interrupt ends that and writes what is "
        "painted so far."
    )
    parser.epilog = (
        "Exit status: 0 every picture written, 1 some sketch failed (each is reported), "
        "2 nothing done (wrong usage, no sketches, or a model that cannot be loaded)."
    )
    parser.add_argument(
        "inputs", nargs="+", type=Path, metavar="IN", help="picture, or folder of pictures"
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="OUT",
        help=f"for one sketch, a picture file ({', '.join(OUTPUT_SUFFIXES)}); else a folder, "
        "where every sketch becomes NAME.png",
    )
    parser.add_argument("--model", help="folder or Hub id of a model (default: the bundled one)")
    parser.add_argument("--revision", help="commit, tag or branch of a Hub model")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, … (default: cuda where there is one)")
    parser.add_argument("--seed", type=int, help="same seed, same picture (default: a random one)")
    parser.add_argument("--resolution", type=positive, help="px, side of the square worked at")
    parser.add_argument(
        "--variants",
        type=positive,
        default=1,
        metavar="N",
        help="colourings of each sketch, written as NAME-1, NAME-2, … (default: 1)",
    )
    parser.add_argument("--steps", type=positive, help="sampling steps of the colour proposal")
    parser.add_argument(
        "--lines", choices=("keep", "model"), help="keep your own lines, or use the model's"
    )
    parser.add_argument(
        "--background",
        choices=("paper", "painted"),
        help="leave the background white except where hints colour it, or colour it, too (default: "
        "paper); a model without a part encoder ignores this",
    )
    parser.add_argument(
        "--hints",
        type=Path,
        metavar="FILE",
        help="strokes as JSON, or a transparent picture of the sketch's size, for every sketch",
    )
    colours = parser.add_mutually_exclusive_group()
    colours.add_argument(
        "--palette", metavar="FILE|NAME", help=".gpl or .json file, or a built-in palette"
    )
    colours.add_argument(
        "--reference",
        type=Path,
        metavar="PICTURE",
        help="picture whose palette to use, or whose style if the model takes styles",
    )
    parser.add_argument(
        "--layers",
        metavar="FILE|KIND",
        help=f"also write flats, shadow, light and lines as layers: a file for one picture, or "
        f"one of {', '.join(LAYER_KINDS)} for a file of that kind beside every picture; png is "
        "a single picture, colours and lines on transparent paper",
    )
    parser.add_argument(
        "--edits",
        type=Path,
        metavar="FILE",
        help="changes of the colours of parts, as a JSON list or a session that was saved on the "
        "page, made to every picture",
    )
    parser.add_argument("--force", action="store_true", help="overwrite existing pictures")
    add_style_options(parser, "style-")


def run(options: argparse.Namespace) -> int:
    """Colours all sketches that ``options.inputs`` names; a sketch that fails is reported.

    Returns:
        Exit status: 0 every picture written, 1 some sketch failed, 2 nothing could be tried.
    """
    from diffusers.utils import logging

    from ..hub.access import ModelLoadError
    from ..loading import load_pipeline
    from ..style.styled import StyledPipeline

    sketches = _list_sketches(options.inputs)
    if not sketches:
        return refuse("No pictures in what was given: name picture files, or folders of them.")
    if _names_a_picture(options.output):
        if len(options.inputs) > 1 or options.inputs[0].is_dir():
            return refuse(f"{options.output} is one picture: name a folder for several sketches.")
    elif options.output.is_file():
        return refuse(f"{options.output} is no picture: use one of {', '.join(OUTPUT_SUFFIXES)}.")

    is_one = len(sketches) == options.variants == 1
    if options.layers is not None:
        try:
            check_layers(options.layers, is_one, options.lines, options.style)
        except ValueError as error:
            return refuse(error)
    plan = _plan(sketches, options.output, options.variants, options.layers)
    jobs = _writable(plan, options.force)
    if not jobs:
        return SOME_FAILED
    logging.disable_progress_bar()  # only the bar of sketches is shown
    bar = StyleBar(leave=False)
    styled = None
    try:
        check_style_is_given(options)
        conditions = _read_conditions(options)
        painting = None if options.style is None else painting_of(options)
        pipeline = load_pipeline(options.model, options.revision, options.device)
        if painting is not None:
            styled = StyledPipeline(pipeline, on_step=bar.show, **painting)
    except (ModelLoadError, ValueError) as error:
        return refuse(error)
    settings: dict[str, Any] = conditions | {
        "num_variants": options.variants,
        "seed": options.seed,
        "resolution": options.resolution,
        "num_inference_steps": options.steps,
        "lines": options.lines,
        "background": options.background,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    if styled is None:
        done = _colour(jobs, pipeline, settings)
    else:
        with bar:
            done = _colour(jobs, styled, settings, lambda: bar.interrupted)
    return DONE if done == len(sketches) else SOME_FAILED


def _colour(
    jobs: Iterable[Job],
    pipeline: SketchColorPipeline | StyledPipeline,
    settings: dict[str, Any],
    is_over: Callable[[], bool] = lambda: False,
) -> int:
    """Does the jobs, reports those that fail, and returns how many were done in full.

    Args:
        jobs: in their order.
        pipeline: colours, or colours and paints.
        settings: of its call, for every sketch.
        is_over: asked after every job; True leaves the jobs after it undone.
    """
    from ..layers.files import save_layers

    done = 0
    for job in tqdm(jobs, unit="sketch"):
        try:
            job.outputs[0].parent.mkdir(parents=True, exist_ok=True)
            result = pipeline(job.sketch, **settings)
            # An interrupted painting has fewer pictures than were asked for.
            for image, seed, path in zip(result.images, result.seeds, job.outputs, strict=False):
                image.save(path, quality=95)  # of JPEG and WebP, whose defaults blur thin lines
                tqdm.write(f"{path}  seed {seed}")
            for number, path in enumerate(job.layers):
                if result.layers is None:
                    raise ValueError("This model does not know parts, so there are no layers.")
                save_layers(result.layers[number], path)
                tqdm.write(f"{path}")
        except (ValueError, OSError) as error:
            report(f"{job.sketch}: {error}")
        else:
            done += len(result.images) == len(job.outputs)
        if is_over():
            break
    return done


def _read_conditions(options: argparse.Namespace) -> dict[str, Any]:
    """Reads hints, palette, edits and reference for the pipeline, once for all sketches.

    Raises:
        ValueError: a file cannot be read; the message is one sentence.
    """
    from ..conditions import palette_files
    from ..conditions.hint_files import load_hints
    from ..images import read_image
    from ..layers.edits import load_edits

    conditions: dict[str, Any] = {}
    if options.hints is not None:
        conditions["hints"] = load_hints(options.hints)
    if options.palette is not None:
        is_built_in = options.palette in palette_files.BUILT_IN
        read = palette_files.built_in if is_built_in else palette_files.load_palette
        conditions["palette"] = read(options.palette)
    if options.edits is not None:
        conditions["edits"] = load_edits(options.edits)
    if options.reference is not None:
        conditions["reference"] = read_image(options.reference)
    return conditions


def _list_sketches(inputs: Iterable[Path]) -> list[Path]:
    """The given files, and the pictures directly in the given folders."""
    from PIL import Image

    from ..images import FORMATS

    readable = {end for end, name in Image.registered_extensions().items() if name in FORMATS}
    sketches = []
    for path in inputs:
        if path.is_dir():
            sketches += sorted(
                file
                for file in path.iterdir()
                if file.suffix.lower() in readable and not file.name.startswith(".")
            )
        else:
            sketches.append(path)
    return list(dict.fromkeys(sketches))


def _names_a_picture(output: Path) -> bool:
    return output.suffix.lower() in OUTPUT_SUFFIXES and not output.is_dir()


def check_layers(wanted: str, is_one: bool, lines: str | None, style: object) -> None:
    """Checks what ``--layers`` asks for.

    Args:
        wanted: file or kind. is_one: whether one picture is made. lines, style: other options.

    Raises:
        ValueError: it cannot be done; the message is one sentence.
    """
    kinds = ", ".join(LAYER_KINDS)
    if wanted in LAYER_KINDS:
        pass
    elif Path(wanted).suffix.lower().removeprefix(".") not in LAYER_KINDS:
        raise ValueError(f"Layers are written as {kinds}, not as {wanted!r}.")
    elif not is_one:
        raise ValueError(
            f"{wanted} is one file: for several pictures give --layers one of {kinds}."
        )
    if lines == "model":
        raise ValueError("Layers have the artist's own lines: leave --lines model out.")
    if style is not None:
        raise ValueError(
            "A picture painted in a style has no layers: leave --layers or --style out."
        )


def _plan(
    sketches: Iterable[Path], output: Path, variants: int, layers: str | None
) -> Iterable[Job]:
    """Names the output files; several variants are numbered ``-1``, ``-2``, …"""
    numbers = [f"-{number}" for number in range(1, variants + 1)] if variants > 1 else [""]
    for sketch in sketches:
        path = output if _names_a_picture(output) else output / f"{sketch.stem}.png"
        outputs = [path.with_stem(path.stem + number) for number in numbers]
        beside: list[Path] = []
        if layers is not None:
            named = layers in LAYER_KINDS
            # The transparent picture would have the name of the coloured one.
            end = "-transparent.png" if layers == "png" else f".{layers}"
            beside = [one.with_name(one.stem + end) if named else Path(layers) for one in outputs]
        yield Job(sketch, outputs, beside)


def _writable(jobs: Iterable[Job], force: bool) -> list[Job]:
    """The jobs that overwrite nothing they must not; the others are reported."""
    jobs = list(jobs)
    sketches = {job.sketch.resolve() for job in jobs}
    sources: dict[Path, Path] = {}  # of the output files

    def obstacle(path: Path) -> str | None:
        if path.resolve() in sketches:
            return f"{path} is a sketch itself; name another output."
        if path in sources:
            return f"{path} will be made from {sources[path]}; rename one of the two."
        if path.exists() and not force:
            return f"{path} exists; give --force to overwrite it."
        return None

    writable = []
    for job in jobs:
        obstacles = list(filter(None, map(obstacle, (*job.outputs, *job.layers))))
        if obstacles:
            report(f"{job.sketch}: {obstacles[0]}")
        else:
            sources |= dict.fromkeys((*job.outputs, *job.layers), job.sketch)
            writable.append(job)
    return writable
