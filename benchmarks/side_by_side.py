"""Trains every system of the papers and ours on the same pictures, and measures them alike.

``python -m benchmarks.side_by_side --data pictures --vgg19 vgg19.safetensors --sketches lineart
--resolution 128 --images 4000 --minutes 40 --runs runs/side_by_side -o
benchmarks/side_by_side.json``

It can be stopped at any time: the same command continues at the last checkpoint and does not repeat
finished systems. The table is written after every system, of all that are finished; the sheet is
drawn when all are. Each system is measured three times: what its networks make alone; finished,
with hints and palettes enforced on the picture; and alone on the kinds of line art and hints that
it was trained with.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

import train_accelerate
from benchmarks.pictures import (
    DATA_HELP,
    existing_file,
    existing_folder,
    validation_pictures,
)
from benchmarks.sheet import TILE, paste_rows, tile
from sketchcolor.evaluation.evaluate import evaluate
from sketchcolor.evaluation.report import markdown_table
from sketchcolor.hub.cards import system_card
from sketchcolor.images import read_sketch
from sketchcolor.lineart.extract import RANDOM_LINEART
from sketchcolor.loading import load_pipeline
from sketchcolor.models import VGG19Features
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.session import model_name
from sketchcolor.training.bundle import bundle
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.sources import Source, load_images

FLAGSHIP = "sketchcolor"
SYSTEMS = (
    "sgru",
    "sgru-hint",
    "style-guided",
    "auto-painter",
    "pix2pix",
    "palette-attention",
    "whiteout-hint",
    FLAGSHIP,
)
PROPOSAL = "sketchcolor-proposal"
PROPOSAL_SHARE = 0.75  # of the flagship's pictures train its proposer, whose task is the harder one
VALIDATIONS = 4  # in a run, with a checkpoint each; more would cost as much as training
WARM_UP = 0.1  # of the updates at most, so that short runs also reach the full learning rate
SUMMARY = {  # heading → (protocol, measure, decimal places)
    "FID": ("automatic", "vgg19_fid", 1),
    "KID": ("automatic", "vgg19_kid", 2),
    "colourful": ("automatic", "colourfulness", 1),
    "PSNR": ("automatic", "psnr", 2),
    "SSIM": ("automatic", "ssim", 3),
    "PSNR, 20 hints": ("hints_20", "psnr", 2),
    "SSIM, 20 hints": ("hints_20", "ssim", 3),
    "hint ΔE": ("hints_20", "hint_delta_e", 1),
    "leak ΔE": ("stroke", "leak", 1),
    "palette ΔE": ("own_reference", "palette_distance", 1),
    "PSNR, own hints": ("own_hints", "psnr", 2),
}
# Headings of the summaries, by their key in a system's entry.
STATES = {
    "protocols": "Networks alone",
    "finished": "With hints and palettes enforced on the picture",
    "own": "Networks alone, on each system's own kind of line art",
}
NOTE = """\
Every system has its own settings (`sketchcolor/training/recipes.py`) except for the resolution:
U-Nets that go down to 1×1 have as many levels as that takes, and a fully connected head has the
pictures' size; warm-up takes at most a tenth of the updates. All systems are trained on the same
pictures in the same order, framed and turned into line art as their recipes say. `sketchcolor` is
two networks: the first sees three quarters of the number of pictures and the second one quarter,
each from the first picture on. Minutes and pictures/s are those of training without validations.
"""


@dataclass(frozen=True)
class Settings:
    """Settings that all runs of a folder have in common.

    Attributes:
        resolution: px.
        images: pictures that each system is trained on, at least.
        minutes: of training, at least; a fast system sees more pictures.
        evaluated: number of validation pictures.
        seed: of all runs and measurements.
    """

    resolution: int
    images: int
    minutes: float
    evaluated: int
    seed: int


@dataclass(frozen=True)
class Bench:
    """Trains and measures systems, with the settings and files given."""

    settings: Settings
    data: Path
    vgg19: Path
    runs: Path
    mixed_precision: str

    def train(self, recipe: str, folder: Path, share: float, *more: str) -> dict:
        """Trains a recipe on enough pictures for long enough, from the last checkpoint if any.

        Args:
            recipe, folder: what is trained, and where its run is kept.
            share: of the settings' pictures and minutes.
            more: further flags.

        Returns:
            The run's record.
        """
        record, finished = folder / "recipe.json", folder / "finished"
        images = round(share * self.settings.images)
        least = 60.0 * share * self.settings.minutes
        while not finished.is_file():
            if record.is_file():  # it is written when a run is complete
                trained = json.loads(record.read_text())["training"]
                seconds = trained["seconds"] - trained["validation_seconds"]
                if trained["images"] >= images and seconds >= least:
                    finished.touch()
                    break
                images = max(images, math.ceil(trained["images"] * least / max(seconds, 1.0)))
            arguments = self.arguments(recipe, folder, images)
            train_accelerate.main(train_accelerate.parse_args([*arguments, *more]))
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)
        return json.loads(record.read_text())

    def arguments(self, recipe: str, folder: Path, images: int) -> list[str]:
        """Flags of ``train_accelerate.py`` to train a recipe on about ``images`` pictures."""
        batch = RECIPES[recipe].train_batch_size
        steps = math.ceil(images / batch)
        # So that a run that goes on for more pictures keeps its rhythm and its warm-up.
        planned = math.ceil(self.settings.images / batch)
        often = max(1, planned // VALIDATIONS)
        values = {
            "recipe": recipe,
            "output_dir": folder,
            "data_files": self.data / "train-*.parquet",
            "validation_files": self.data / "validation-*.parquet",
            "vgg19": self.vgg19,
            "resolution": self.settings.resolution,
            "seed": self.settings.seed,
            "max_train_steps": steps,
            "lr_warmup_steps": min(RECIPES[recipe].lr_warmup_steps, round(WARM_UP * planned)),
            "checkpointing_steps": often,
            "validation_steps": often,
            "resume_from_checkpoint": "latest",
            "mixed_precision": self.mixed_precision,
            "report_to": "none",
        }
        return [part for name, value in values.items() for part in (f"--{name}", str(value))]

    def pipeline(self, system: str) -> tuple[Path, dict[str, dict]]:
        """Trains a system's networks.

        Returns:
            The pipeline's folder, and the record of each network by its role.
        """
        folder, share = self.runs / system, 1.0
        proposer, more, records = None, [], {}
        if system == FLAGSHIP:
            proposer = folder / "proposer"
            records["proposer"] = self.train(PROPOSAL, proposer, PROPOSAL_SHARE)
            share, more = 1.0 - PROPOSAL_SHARE, ["--proposer", str(proposer / "model")]
        generator = folder / "generator"
        records["generator"] = self.train(system, generator, share, *more)
        bundle(generator, folder / "pipeline", proposer)
        return folder / "pipeline", records

    def is_measured(self, system: str) -> bool:
        """Whether a system has been trained and measured."""
        return self._result_file(system).is_file()

    def _result_file(self, system: str) -> Path:
        return self.runs / system / "result.json"

    def measure(self, system: str, pictures: list[Image.Image], vgg: VGG19Features) -> dict:
        """A system's entry in the report. It is trained and measured unless it was before."""
        finished = self._result_file(system)
        if not finished.is_file():
            folder, records = self.pipeline(system)
            pipeline, recipe = load_pipeline(folder), RECIPES[system]
            pipeline.register_to_config(hold=False)
            result = self._evaluate(pipeline, pictures, vgg)
            own = {"lineart": recipe.lineart, "hint_kind": recipe.hint_kind}
            if own != {"lineart": RANDOM_LINEART, "hint_kind": "mixed"}:
                result["own"] = self._evaluate(pipeline, pictures, vgg, **own)["protocols"]
            if pipeline.conditions:
                pipeline.register_to_config(hold=True)
                result["finished"] = self._evaluate(pipeline, pictures, vgg)["protocols"]
            entry = {"model": system, "revision": None, **result, "training": records}
            finished.write_text(json.dumps(entry, indent=2) + "\n")
        return json.loads(finished.read_text())

    def measure_as_it_is(self, model: str, pictures: list[Image.Image], vgg: VGG19Features) -> dict:
        """The report's entry for a model that has been trained elsewhere, perhaps for longer."""
        pipeline = load_pipeline(model)
        identity = {"model": f"{model_name(pipeline)}, as it is", "revision": pipeline.revision}
        return {**identity, **self._evaluate(pipeline, pictures, vgg)}

    def _evaluate(
        self,
        pipeline: SketchColorPipeline,
        pictures: list[Image.Image],
        vgg: VGG19Features,
        **kinds: str,
    ) -> dict:
        settings = {"side": self.settings.resolution, "seed": self.settings.seed}
        result = evaluate(pipeline, pictures, vgg, **settings, **kinds)
        for measures in result["protocols"].values():
            measures.pop("per_image", None)
        return result

    def claim(self) -> None:
        """Writes the settings into the folder of runs, so that it never holds runs of others.

        Raises:
            SystemExit: it holds runs of other settings.
        """
        self.runs.mkdir(parents=True, exist_ok=True)
        file, wanted = self.runs / "settings.json", asdict(self.settings)
        known = json.loads(file.read_text()) if file.exists() else wanted
        if known != wanted:
            raise SystemExit(f"{self.runs} holds runs of {known}: name another --runs.")
        file.write_text(json.dumps(wanted) + "\n")


def training_table(entries: list[dict]) -> str:
    """Size, source and training time of each system, as Markdown."""
    rows = [
        "| system | parameters, M | batch | pictures seen | minutes | pictures/s | source |",
        "|---|---:|---:|---:|---:|---:|---|",
    ]
    for entry in entries:
        records = list(entry["training"].values())
        runs = [record["training"] for record in records]
        parameters, images = (sum(run[name] for run in runs) for name in ("parameters", "images"))
        seconds = sum(run["seconds"] - run["validation_seconds"] for run in runs)
        batch = records[-1]["recipe"]["train_batch_size"]
        source = records[-1]["recipe"]["source"]
        rows.append(
            f"| `{entry['model']}` | {parameters / 1e6:.1f} | {batch} | {images:,} | "
            f"{seconds / 60:.1f} | {images / seconds:.2f} | {source} |"
        )
    records = [record for entry in entries for record in entry["training"].values()]
    hardware = sorted({record["training"]["hardware"] for record in records})
    return "\n".join([*rows, "", f"On {'; '.join(hardware)}. {NOTE}"])


def summary_tables(entries: list[dict]) -> str:
    """The most important scores in each of `STATES`, one row for each system, as Markdown."""
    tables = [
        _summary([entry for entry in entries if key in entry], key, title)
        for key, title in STATES.items()
        if any(key in entry for entry in entries)
    ]
    colourful = entries[0]["truth"]["colourfulness"]
    note = f"FID and KID are of VGG-19 features. True pictures are {colourful:.1f} colourful."
    return "\n".join([*tables, note]) + "\n"


def _summary(entries: list[dict], key: str, title: str) -> str:
    """One table of systems that were all measured so; columns without values are left out."""
    shown = {
        heading: at
        for heading, at in SUMMARY.items()
        if any(at[1] in entry[key].get(at[0], {}) for entry in entries)
    }
    rows = [f"{title}:", "", "| system |" + "".join(f" {heading} |" for heading in shown)]
    rows.append("|---|" + "---:|" * len(shown))
    for entry in entries:
        cells = [f"`{entry['model']}`"]
        for protocol, measure, places in shown.values():
            value = entry[key].get(protocol, {}).get(measure)
            cells.append("" if value is None else f"{value:.{places}f}")
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([*rows, ""])


def write_report(entries: list[dict], settings: Settings, output: Path) -> None:
    """Writes the report as JSON, and as Markdown beside it."""
    report = {"settings": asdict(settings), "systems": entries}
    output.write_text(json.dumps(report, indent=2) + "\n")
    head = f"Resolution {settings.resolution}, seed {settings.seed}.\n"
    trained = [entry for entry in entries if "training" in entry]
    tables = [summary_tables(entries), training_table(trained)]
    for key, title in STATES.items():
        measured = [entry | {"protocols": entry[key]} for entry in entries if key in entry]
        tables += [f"{title}:\n", markdown_table(measured)] if measured else []
    table = "\n".join([head, *tables])
    output.with_suffix(".md").write_text(table)


def describe_data(data: Path) -> str:
    """A sentence for model cards: how many training pictures there are of which kind."""
    rows = load_images(Source(data_files=str(data / "train-*.parquet")))
    text = f"{len(rows):,} colour pictures"
    if "kind" in rows.column_names:
        kinds = Counter(rows["kind"]).most_common()
        text += f" ({', '.join(f'{count:,} of kind {kind}' for kind, count in kinds)})"
    return f"{text}; those of the validation split were never trained on."


def write_cards(entries: list[dict], settings: Settings, data: str, folder: Path) -> None:
    """Writes model cards of all systems but the flagship, whose card is about bundled weights."""
    for entry in entries:
        if "training" in entry and entry["model"] != FLAGSHIP:
            command = (
                "python -m benchmarks.side_by_side --data data --vgg19 vgg19.safetensors "
                f"--resolution {settings.resolution} --images {settings.images} "
                f"--minutes {settings.minutes:g} --evaluated {settings.evaluated} "
                f"--seed {settings.seed} "
                "--runs runs/side_by_side -o benchmarks/side_by_side.json"
            )
            card = system_card(entry, markdown_table([entry]), data, command)
            (folder / f"{entry['model']}.md").write_text(card)


def draw_sheet(runs: Path, sketches: Path, resolution: int, seed: int) -> Image.Image:
    """A row for each sketch of a folder: the sketch and its automatic colouring by each system."""
    pages = [read_sketch(path) for path in sorted(sketches.iterdir())]
    columns = [[tile(page.convert("RGB")) for page in pages]]
    for system in SYSTEMS:
        pipeline = load_pipeline(runs / system / "pipeline")
        made = [pipeline(page, seed=seed, resolution=resolution).images[0] for page in pages]
        columns.append([tile(picture) for picture in made])
    headings = [_heading(name) for name in ("sketch", *SYSTEMS)]
    return paste_rows([headings, *map(list, zip(*columns, strict=True))])


def _heading(text: str) -> Image.Image:
    """A tile with a name at its lower edge."""
    heading = Image.new("RGB", (TILE, TILE), "white")
    pen, font = ImageDraw.Draw(heading), ImageFont.load_default(18)
    pen.text((TILE / 2, TILE - 12), text, "black", font, anchor="ms")
    return heading


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=existing_folder, required=True, help=DATA_HELP)
    parser.add_argument("--vgg19", type=existing_file, required=True, help="weights of VGG-19")
    parser.add_argument("--beside", nargs="*", default=[], help="models to measure as they are")
    parser.add_argument(
        "--sketches", type=existing_folder, help="folder of sketches, for RUNS/sheet.jpg"
    )
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument(
        "--images", type=int, default=4000, help="pictures that each system sees, at least"
    )
    parser.add_argument(
        "--minutes", type=float, default=40.0, help="of training of each system, at least"
    )
    parser.add_argument(
        "--systems",
        nargs="+",
        choices=SYSTEMS,
        default=SYSTEMS,
        help="those that this process trains, so that several can share the work (default: all)",
    )
    parser.add_argument("--evaluated", type=int, default=100, help="validation pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mixed_precision", choices=["no", "bf16"], default="no")
    parser.add_argument("--runs", type=Path, required=True, help="folder that keeps the runs")
    parser.add_argument("--cards", type=Path, help="folder for a model card of each system")
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args(arguments)

    settings = Settings(args.resolution, args.images, args.minutes, args.evaluated, args.seed)
    bench = Bench(settings, args.data, args.vgg19, args.runs, args.mixed_precision)
    bench.claim()
    vgg = VGG19Features.from_file(args.vgg19)
    pictures = validation_pictures(args.data, args.evaluated)
    entries = []
    for system in SYSTEMS:
        if system in args.systems or bench.is_measured(system):
            entries.append(bench.measure(system, pictures, vgg))
            write_report(entries, settings, args.output)
    for model in args.beside:
        entries.append(bench.measure_as_it_is(model, pictures, vgg))
        write_report(entries, settings, args.output)
    if args.cards is not None:
        write_cards(entries, settings, describe_data(args.data), args.cards)
    if args.sketches is not None and all(map(bench.is_measured, SYSTEMS)):
        sheet = draw_sheet(args.runs, args.sketches, args.resolution, args.seed)
        sheet.save(args.runs / "sheet.jpg", quality=88)
    print(args.output.with_suffix(".md").read_text())


if __name__ == "__main__":
    main()
