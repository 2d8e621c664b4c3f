"""The command line: ``python -m sketchcolor COMMAND``, or ``sketchcolor COMMAND``.

Each command has a function that adds its parser and one that runs it and returns the exit status.
An option left out is not passed on, so defaults stay where they are defined, in the pipeline.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

# The networks' libraries take seconds to import: a command imports them when it runs.

FINE, SOME_FAILED, NOTHING_DONE = 0, 1, 2  # exit status

SAVED_AS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command that ``arguments`` (default: the process's own) spell; see `colorize`.

    Raises:
        SystemExit: with status 2 for wrong usage, 0 after ``--help``.
    """
    parser = argparse.ArgumentParser(prog="sketchcolor", description="Colour anime line art.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_colorize(commands)
    add_palette(commands)
    add_publish(commands)
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    add_stylize(commands, chosen=arguments[:1] == ["stylize"])
    add_evaluate(commands, chosen=arguments[:1] == ["evaluate"])
    options = parser.parse_args(arguments)
    return options.run(options)


def add_colorize(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "colorize",
        help="colour sketches",
        description="Colours sketches, each at its own size, and prints a line for every picture: "
        "its path and the seed that makes it again.",
        epilog="Exit status: 0 every picture written, 1 some sketch failed (each is reported), "
        "2 nothing done (wrong usage, no sketches, or a model that cannot be loaded).",
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
        help=f"for one sketch, a picture file ({', '.join(SAVED_AS)}); else a folder, "
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
        "--lines", choices=("keep", "model"), help="keep your own lines, or draw the model's"
    )
    parser.add_argument(
        "--background",
        choices=("paper", "painted"),
        help="leave the ground around the figure white where no hint asks for a colour, or colour "
        "it, too (default: paper); a model without a part encoder ignores this",
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
        help="picture whose palette to take, or whose style if that is what the model takes",
    )
    parser.add_argument("--force", action="store_true", help="overwrite pictures that exist")
    parser.set_defaults(run=colorize)


def add_palette(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "palette",
        help="take a picture's palette",
        description="Prints a picture's main colours with their shares, heaviest first, or writes "
        "them as a palette file that `colorize --palette` and paint programs read.",
        epilog="Exit status: 0 done, 2 the picture cannot be read or the file not written.",
    )
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help=".gpl or .json file")
    parser.add_argument("--colors", type=positive, metavar="N", help="how many (default: 9)")
    parser.add_argument("--seed", type=int, help="of the clustering (default: 0)")
    parser.add_argument("--force", action="store_true", help="overwrite a file that exists")
    parser.set_defaults(run=take_palette)


def add_stylize(commands: argparse._SubParsersAction, chosen: bool) -> None:
    parser = commands.add_parser(
        "stylize",
        help="lay the style of other pictures over a coloured one",
        description="Paints a coloured picture in the style of others, at its own size. An "
        "interrupt ends the work and writes what is painted so far.",
        epilog="Exit status: 0 done, 2 refused (a picture, a setting or the network).",
    )
    if chosen:  # its options take their defaults from code that imports the networks
        from . import style_command

        style_command.add_arguments(parser)
        parser.set_defaults(run=style_command.run)


def add_evaluate(commands: argparse._SubParsersAction, chosen: bool) -> None:
    parser = commands.add_parser(
        "evaluate",
        help="measure models on colour pictures",
        description="Measures models on colour pictures whose line art they are given, and writes "
        "the numbers as JSON and as a Markdown table.",
    )
    if chosen:  # its options take their defaults from code that imports the networks
        from . import evaluate_command

        evaluate_command.add_arguments(parser)
        parser.set_defaults(run=evaluate_command.run)


def add_publish(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "publish",
        help="put the models and the app on the Hub",
        description="Puts each bundled model on the Hub, with card, sample pictures and licence, "
        "and prints it with its commit. What is there already is not sent again.",
        epilog="The token comes from HF_TOKEN or from `hf auth login`. Exit status: 0 done, "
        "2 the Hub or the token refused.",
    )
    parser.add_argument("--namespace", required=True, help="user or organization to publish as")
    parser.add_argument("--private", action="store_true", help="make new repositories private")
    parser.add_argument("--space", action="store_true", help="publish the app too, as a Space")
    parser.add_argument("--tag", help="name of the version (default: v and the package's version)")
    parser.add_argument(
        "--dry-run", action="store_true", help="list every file that would go, and ask nobody"
    )
    parser.set_defaults(run=publish)


@dataclass(frozen=True)
class Job:
    """One sketch and the files to write, one for each variant."""

    sketch: Path
    outputs: list[Path]


def colorize(options: argparse.Namespace) -> int:
    """Colours every sketch that ``options.inputs`` names; a bad one is reported, the rest go on.

    Returns:
        Exit status: 0 every picture written, 1 some sketch failed, 2 nothing could be tried.
    """
    from diffusers.utils import logging

    from .hub import ModelLoadError, load_pipeline

    sketches = _list_sketches(options.inputs)
    if not sketches:
        return _refuse("No pictures in what was given: name picture files, or folders of them.")
    if _names_a_picture(options.output):
        if len(options.inputs) > 1 or options.inputs[0].is_dir():
            return _refuse(f"{options.output} is one picture: name a folder for several sketches.")
    elif options.output.is_file():
        return _refuse(f"{options.output} is no picture: use one of {', '.join(SAVED_AS)}.")

    jobs = _unobstructed(_plan(sketches, options.output, options.variants), options.force)
    if not jobs:
        return SOME_FAILED
    logging.disable_progress_bar()  # the bar below counts sketches
    try:
        wishes = _read_wishes(options)
        pipeline = load_pipeline(options.model, options.revision, options.device)
    except (ModelLoadError, ValueError) as error:
        return _refuse(error)
    settings = wishes | {
        "num_variants": options.variants,
        "seed": options.seed,
        "resolution": options.resolution,
        "num_inference_steps": options.steps,
        "lines": options.lines,
        "background": options.background,
    }
    settings = {name: value for name, value in settings.items() if value is not None}
    done = 0
    for job in tqdm(jobs, unit="sketch"):
        try:
            job.outputs[0].parent.mkdir(parents=True, exist_ok=True)
            result = pipeline(job.sketch, **settings)
            for image, seed, path in zip(result.images, result.seeds, job.outputs, strict=True):
                image.save(path, quality=95)  # for JPEG and WebP, whose default blurs thin lines
                tqdm.write(f"{path}  seed {seed}")
        except (ValueError, OSError) as error:
            _report(f"{job.sketch}: {error}")
        else:
            done += 1
    return FINE if done == len(sketches) else SOME_FAILED


def take_palette(options: argparse.Namespace) -> int:
    """Prints or writes the palette of ``options.picture``.

    Returns:
        Exit status: 0, or 2 when the picture or the output is refused.
    """
    from .conditions import from_image
    from .conditions.palette_files import save_palette
    from .images import read_image

    settings = {"size": options.colors, "seed": options.seed}
    settings = {name: value for name, value in settings.items() if value is not None}
    try:
        if options.output and options.output.exists() and not options.force:
            return _refuse(f"{options.output} exists; give --force to overwrite it.")
        palette = from_image(read_image(options.picture), **settings)
        if options.output:
            save_palette(palette, options.output)
    except (ValueError, OSError) as error:
        return _refuse(error)
    for color, weight in zip(palette.to_hex(), palette.weights, strict=True):
        print(f"{color}  {weight:.1%}")
    return FINE


def publish(options: argparse.Namespace) -> int:
    """Puts the bundled models on the Hub and, if asked to, the app.

    Returns:
        Exit status: 0, or 2 when something is refused; what was published before stays so.
    """
    from . import publishing

    tag = options.tag or publishing.VERSION_TAG
    try:
        if options.dry_run:
            for publication in publishing.plan(options.namespace, tag, options.space):
                print(f"{publication.kind} {publication.repo} {tag}")
                for path in publication.files:
                    print(f"  {len(publication.content(path)):>12,} B  {path}")
            return FINE
        for done in publishing.publish(options.namespace, tag, options.space, options.private):
            sent = f"{len(done.changed)} files sent" if done.changed else "nothing changed"
            publication = done.publication
            print(f"{publication.kind} {publication.repo}@{done.revision} {tag}: {sent}")
    except publishing.PublishError as error:
        return _refuse(error)
    return FINE


def _read_wishes(options: argparse.Namespace) -> dict[str, object]:
    """Hints, palette and reference as the pipeline takes them, read once for all sketches.

    Raises:
        ValueError: a file does not hold what it should, in one sentence.
    """
    from .conditions import palette_files
    from .conditions.hint_files import load_hints
    from .images import read_image

    wishes: dict[str, object] = {}
    if options.hints is not None:
        wishes["hints"] = load_hints(options.hints)
    if options.palette is not None:
        known = options.palette in palette_files.BUILT_IN
        read = palette_files.built_in if known else palette_files.load_palette
        wishes["palette"] = read(options.palette)
    if options.reference is not None:
        wishes["reference"] = read_image(options.reference)
    return wishes


def _list_sketches(inputs: Iterable[Path]) -> list[Path]:
    """The files named, and of the folders named the pictures that lie directly in them."""
    from PIL import Image

    from .images import FORMATS

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
    return output.suffix.lower() in SAVED_AS and not output.is_dir()


def _plan(sketches: Iterable[Path], output: Path, variants: int) -> Iterable[Job]:
    """Says where each sketch's variants are written; variants get ``-1``, ``-2``, … if several."""
    numbers = [f"-{number}" for number in range(1, variants + 1)] if variants > 1 else [""]
    for sketch in sketches:
        path = output if _names_a_picture(output) else output / f"{sketch.stem}.png"
        yield Job(sketch, [path.with_stem(path.stem + number) for number in numbers])


def _unobstructed(jobs: Iterable[Job], force: bool) -> list[Job]:
    """Drops and reports each job that would overwrite something it must not."""
    jobs = list(jobs)
    sketches = {job.sketch.resolve() for job in jobs}
    made_from: dict[Path, Path] = {}

    def obstacle(path: Path) -> str | None:
        if path.resolve() in sketches:
            return f"{path} is a sketch itself; name another output."
        if path in made_from:
            return f"{path} will be made from {made_from[path]}; rename one of the two."
        if path.exists() and not force:
            return f"{path} exists; give --force to overwrite it."
        return None

    free = []
    for job in jobs:
        obstacles = list(filter(None, map(obstacle, job.outputs)))
        if obstacles:
            _report(f"{job.sketch}: {obstacles[0]}")
        else:
            made_from |= dict.fromkeys(job.outputs, job.sketch)
            free.append(job)
    return free


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _report(message: object) -> None:
    tqdm.write(str(message), file=sys.stderr)


def _refuse(message: object) -> int:
    _report(message)
    return NOTHING_DONE


if __name__ == "__main__":
    sys.exit(main())
