"""Curves of a run's validation measures, and titled sheets of how its pictures changed.

They correspond to figures 5 and 6 of Liao, Ahmed & Shrestha and to function 2 of W. Zhang. A run
that counts epochs has epochs on the axis, as theirs do; any other has the number of pictures, so
that runs on data sets of different sizes can be compared.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..evaluation.plots import line_chart, stack

__all__ = [
    "CONDITIONED",
    "CURVES",
    "Moment",
    "draw_progressions",
    "record_validation",
    "with_headings",
]

CURVES = "validation.jsonl"  # in a run's folder, one line per validation
PANELS = {"psnr": "PSNR, dB", "ssim": "SSIM", "vgg19_fid": "FID on VGG-19 features"}
CONDITIONED = "_conditioned"  # suffix of measures of pictures coloured with a condition
OLD_CONDITIONED = "_wished"  # the same in files of earlier versions
MAX_COLUMNS = 10  # validations on a progression sheet
HEADING_HEIGHT = 18  # px


@dataclass(frozen=True)
class Moment:
    """When a validation takes place.

    Attributes:
        step: updates made.
        images: pictures trained on.
        epoch: epochs completed, or None in a run that does not count them.
    """

    step: int
    images: int
    epoch: int | None = None

    @property
    def sheet(self) -> str:
        """File name of the moment's sheet."""
        number = self.step if self.epoch is None else self.epoch
        return f"{self.prefix}{number:06d}.png"

    @property
    def prefix(self) -> str:
        """Beginning of the names of the run's sheets."""
        return "step-" if self.epoch is None else "epoch-"


def record_validation(folder: Path, moment: Moment, values: dict[str, float]) -> None:
    """Adds a validation to ``validation.jsonl`` and redraws ``validation.png``.

    Lines of this moment or later ones, left over from before the run was resumed, are replaced.

    Args:
        folder: of the run.
        moment: of the validation.
        values: ``validation_psnr``, ``validation_ssim``, …; the names end in :data:`CONDITIONED`
            for pictures that were coloured with a condition.
    """
    file = folder / CURVES
    lines = file.read_text().splitlines() if file.exists() else []
    entries = [entry for entry in map(_read_entry, lines) if entry["step"] < moment.step]
    when: dict[str, float] = {"step": moment.step, "images": moment.images}
    if moment.epoch is not None:
        when["epoch"] = moment.epoch
    entries.append(when | values)
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    axis, label = "images", "training pictures"
    if all("epoch" in entry for entry in entries):
        axis, label = "epoch", "epochs"
    across = [entry[axis] for entry in entries]
    panels = []
    for name, title in PANELS.items():
        key = f"validation_{name}"
        keys = {"automatic": key, "conditioned": key + CONDITIONED}
        drawn = {
            k: [e[v] for e in entries] for k, v in keys.items() if all(v in e for e in entries)
        }
        if drawn:
            panels.append(line_chart(title, label, across, drawn))
    if panels:
        stack(panels).save(folder / "validation.png")


def _read_entry(line: str) -> dict[str, float]:
    return {k.replace(OLD_CONDITIONED, CONDITIONED): v for k, v in json.loads(line).items()}


def with_headings(strips: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Columns of equal size side by side, each with a heading above it.

    Args:
        strips: heading and picture of each column.
    """
    width, height = strips[0][1].size
    sheet = Image.new("RGB", (width * len(strips), HEADING_HEIGHT + height), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for place, (heading, strip) in enumerate(strips):
        sheet.paste(strip, (place * width, HEADING_HEIGHT))
        pen.text(((place + 0.5) * width, 2), heading, "black", font, anchor="ma")
    return sheet


def draw_progressions(sheets: Path, moment: Moment, tile: int, columns: Sequence[str]) -> None:
    """Draws input, predictions at successive validations, and ground truth side by side.

    Args:
        sheets: folder of the sheets, which were drawn by :func:`with_headings` with the columns
            input, ground truth and ``columns``; ``progression-NAME.png`` is written there.
        moment: of the last validation; later sheets, from before the run was resumed, are ignored.
        tile: side of the pictures on a sheet, px.
        columns: names of the predictions, one progression for each.
    """
    names = sorted(path.name for path in sheets.glob(f"{moment.prefix}*.png"))
    names = [name for name in names if name <= moment.sheet]
    count = min(MAX_COLUMNS, len(names))
    chosen = np.unique(np.linspace(0, len(names) - 1, count).round().astype(int))
    shown = [(names[i], Image.open(sheets / names[i])) for i in chosen]
    last = shown[-1][1]
    for column, name in enumerate(columns, start=2):
        strips = [("input", _strip(last, 0, tile))]
        for file, sheet in shown:
            number = int(Path(file).stem.removeprefix(moment.prefix))
            strips.append((str(number), _strip(sheet, column, tile)))
        strips.append(("ground truth", _strip(last, 1, tile)))
        with_headings(strips).save(sheets / f"progression-{name}.png")


def _strip(sheet: Image.Image, column: int, tile: int) -> Image.Image:
    """One column of a sheet, without its heading."""
    return sheet.crop((column * tile, HEADING_HEIGHT, (column + 1) * tile, sheet.height))
