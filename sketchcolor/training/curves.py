"""Curves of a run's validation measures, and sheets of how its pictures changed.

They correspond to figures 5 and 6 of Liao, Ahmed & Shrestha. The axis is the number of pictures
instead of epochs, so that runs on data sets of different sizes can be compared.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..evaluation.plots import line_chart, stack

__all__ = ["CONDITIONED", "CURVES", "draw_progressions", "record_validation"]

CURVES = "validation.jsonl"  # in a run's folder, one line per validation
PANELS = {"psnr": "PSNR, dB", "ssim": "SSIM", "vgg19_fid": "FID on VGG-19 features"}
CONDITIONED = "_conditioned"  # suffix of measures of pictures coloured with a condition
OLD_CONDITIONED = "_wished"  # the same in files of earlier versions
MAX_COLUMNS = 10  # validations on a progression sheet
HEADING_HEIGHT = 18  # px


def record_validation(folder: Path, step: int, images: int, values: dict[str, float]) -> None:
    """Adds a validation to ``validation.jsonl`` and redraws ``validation.png``.

    Lines of this step or later ones, left over from before the run was resumed, are replaced.

    Args:
        folder: of the run.
        step: updates made.
        images: pictures trained on.
        values: ``validation_psnr``, ``validation_ssim``, …; the names end in :data:`CONDITIONED`
            for pictures that were coloured with a condition.
    """
    file = folder / CURVES
    lines = file.read_text().splitlines() if file.exists() else []
    entries = [entry for entry in map(_read_entry, lines) if entry["step"] < step]
    entries.append({"step": step, "images": images} | values)
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    axis = [entry["images"] for entry in entries]
    panels = []
    for name, title in PANELS.items():
        key = f"validation_{name}"
        keys = {"automatic": key, "conditioned": key + CONDITIONED}
        drawn = {
            k: [e[v] for e in entries] for k, v in keys.items() if all(v in e for e in entries)
        }
        if drawn:
            panels.append(line_chart(title, "training pictures", axis, drawn))
    if panels:
        stack(panels).save(folder / "validation.png")


def _read_entry(line: str) -> dict[str, float]:
    return {k.replace(OLD_CONDITIONED, CONDITIONED): v for k, v in json.loads(line).items()}


def draw_progressions(sheets: Path, step: int, tile: int, columns: list[str]) -> None:
    """Draws sketch, colourings at successive validations, and truth side by side.

    Args:
        sheets: folder of the sheets ``step-N.png``, where ``progression-NAME.png`` is written.
        step: of the last validation; later sheets, from before the run was resumed, are ignored.
        tile: side of the pictures on a sheet, px.
        columns: names of a sheet's columns between sketch and truth, one progression for each.
    """
    steps = sorted(int(path.stem.partition("-")[2]) for path in sheets.glob("step-*.png"))
    steps = [each for each in steps if each <= step]
    count = min(MAX_COLUMNS, len(steps))
    chosen = np.unique(np.linspace(0, len(steps) - 1, count).round().astype(int))
    shown = [(steps[i], Image.open(sheets / f"step-{steps[i]:06d}.png")) for i in chosen]
    last = shown[-1][1]
    for column, name in enumerate(columns, start=1):
        strips = [("sketch", last, 0), *((str(at), sheet, column) for at, sheet in shown)]
        strips.append(("truth", last, len(columns) + 1))
        progression = Image.new("RGB", (tile * len(strips), HEADING_HEIGHT + last.height), "white")
        pen, font = ImageDraw.Draw(progression), ImageFont.load_default(13)
        for place, (heading, sheet, source) in enumerate(strips):
            strip = sheet.crop((source * tile, 0, (source + 1) * tile, sheet.height))
            progression.paste(strip, (place * tile, HEADING_HEIGHT))
            pen.text(((place + 0.5) * tile, 2), heading, "black", font, anchor="ma")
        progression.save(sheets / f"progression-{name}.png")
