"""The course of a run: curves of what it measured, and its pictures from validation to validation.

As figures 5 and 6 of Liao, Ahmed & Shrestha, over the pictures seen instead of epochs, so that runs
on data sets of different sizes compare.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..evaluation.plots import line_chart, stack

__all__ = ["CURVES", "draw_progressions", "record"]

CURVES = "validation.jsonl"  # in a run's folder, a line for every validation
PANELS = {"psnr": "PSNR, dB", "ssim": "SSIM", "vgg19_fid": "FID on VGG-19 features"}
WISHED = "_wished"  # ends the names of what was measured with a wish
COLUMNS = 10  # validations on a progression sheet at most
HEADING = 18  # px above the pictures


def record(folder: Path, step: int, images: int, values: dict[str, float]) -> None:
    """Adds a validation to ``validation.jsonl`` and draws ``validation.png`` anew.

    A run that resumes before its last validation measures it again: later lines give way.

    Args:
        folder: of the run.
        step, images: updates made and pictures seen.
        values: ``validation_psnr``, ``validation_ssim``, …; those with a wish end in ``_wished``.
    """
    file = folder / CURVES
    lines = file.read_text().splitlines() if file.exists() else []
    known = [entry for entry in map(json.loads, lines) if entry["step"] < step]
    known.append({"step": step, "images": images} | values)
    file.write_text("".join(f"{json.dumps(entry)}\n" for entry in known))
    seen = [entry["images"] for entry in known]
    panels = []
    for name, title in PANELS.items():
        keys = {"automatic": f"validation_{name}", "with a wish": f"validation_{name}{WISHED}"}
        drawn = {k: [e[v] for e in known] for k, v in keys.items() if all(v in e for e in known)}
        if drawn:
            panels.append(line_chart(title, "pictures seen", seen, drawn))
    if panels:
        stack(panels).save(folder / "validation.png")


def draw_progressions(sheets: Path, step: int, tile: int, columns: list[str]) -> None:
    """Draws the sheets of a run side by side: a column a validation, the sketch first, truth last.

    Args:
        sheets: folder of ``step-N.png``; ``progression-NAME.png`` goes there.
        step: of the last validation; later sheets are left over from a run that was stopped.
        tile: side of the pictures on a sheet.
        columns: names of a sheet's columns between sketch and truth, one progression for each.
    """
    steps = sorted(int(path.stem.partition("-")[2]) for path in sheets.glob("step-*.png"))
    steps = [each for each in steps if each <= step]
    chosen = np.unique(np.linspace(0, len(steps) - 1, min(COLUMNS, len(steps))).round().astype(int))
    shown = [(steps[i], Image.open(sheets / f"step-{steps[i]:06d}.png")) for i in chosen]
    last = shown[-1][1]
    for column, name in enumerate(columns, start=1):
        strips = [("sketch", last, 0), *((str(at), sheet, column) for at, sheet in shown)]
        strips.append(("truth", last, len(columns) + 1))
        progression = Image.new("RGB", (tile * len(strips), HEADING + last.height), "white")
        pen, font = ImageDraw.Draw(progression), ImageFont.load_default(13)
        for place, (heading, sheet, taken) in enumerate(strips):
            strip = sheet.crop((taken * tile, 0, (taken + 1) * tile, sheet.height))
            progression.paste(strip, (place * tile, HEADING))
            pen.text(((place + 0.5) * tile, 2), heading, "black", font, anchor="ma")
        progression.save(sheets / f"progression-{name}.png")
