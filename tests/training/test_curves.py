"""Curves and progression sheets of validations."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sketchcolor.evaluation.plots import COLORS, SIZE, line_chart
from sketchcolor.training.curves import (
    CURVES,
    HEADING_HEIGHT,
    MAX_COLUMNS,
    Moment,
    draw_progressions,
    record_validation,
    with_headings,
)
from tests.support.training import train


def measured(psnr: float) -> dict[str, float]:
    return {"validation_psnr": psnr, "validation_ssim": psnr / 20}


def read(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / CURVES).read_text().splitlines()]


def test_a_resumed_run_writes_its_last_validations_again(tmp_path):
    for step, psnr in ((10, 9.0), (20, 10.0), (30, 11.0), (20, 10.5)):
        record_validation(tmp_path, Moment(step, 4 * step), measured(psnr))
    assert [(e["step"], e["images"], e["validation_psnr"]) for e in read(tmp_path)] == [
        (10, 40, 9.0),
        (20, 80, 10.5),
    ]
    # A panel for PSNR and one for SSIM; there was no VGG-19.
    assert Image.open(tmp_path / "validation.png").size == (SIZE[0], 2 * SIZE[1])


def test_measures_of_earlier_versions_are_read(tmp_path):
    (tmp_path / CURVES).write_text('{"step": 1, "images": 4, "validation_psnr_wished": 9.0}\n')
    record_validation(tmp_path, Moment(2, 8), {"validation_psnr_conditioned": 10.0})
    assert [entry["validation_psnr_conditioned"] for entry in read(tmp_path)] == [9.0, 10.0]
    assert Image.open(tmp_path / "validation.png").size == SIZE


def test_a_line_passes_through_its_values():
    chart = np.asarray(line_chart("PSNR", "pictures", [0, 1, 2], {"rising": [1.0, 2.0, 3.0]}))
    color = [int(COLORS[0][i : i + 2], 16) for i in (1, 3, 5)]
    rows, columns = np.nonzero((chart[30:] == color).all(axis=2))
    assert np.corrcoef(rows, columns)[0, 1] < -0.99  # upwards is a smaller row
    flat = line_chart("one point", "pictures", [5], {"a": [1.0], "b": [1.0]})
    assert flat.size == SIZE


@pytest.mark.parametrize("count", [1, 3, 25])
def test_a_progression_has_a_column_for_each_validation_up_to_a_limit(tmp_path, count):
    tile, rows = 16, 2
    for step in range(1, count + 1):
        shades = {"input": 0, "truth": 255, "automatic": 100 + step, "hints": 50 + step}
        sheet = with_headings(
            [(k, Image.new("RGB", (tile, rows * tile), (v, v, v))) for k, v in shades.items()]
        )
        sheet.save(tmp_path / Moment(step, step).sheet)
    (tmp_path / "step-000099.png").write_bytes(b"left over from a longer run")
    draw_progressions(tmp_path, Moment(count, count), tile, ["automatic", "hints"])
    drawn = np.asarray(Image.open(tmp_path / "progression-hints.png"))
    assert drawn.shape == (HEADING_HEIGHT + rows * tile, (min(count, MAX_COLUMNS) + 2) * tile, 3)
    shades = drawn[-1, ::tile, 0].tolist()
    assert shades[0] == 0 and shades[-1] == 255
    assert shades[1] == 51 and shades[-2] == 50 + count and shades == sorted(shades)
    automatic = np.asarray(Image.open(tmp_path / "progression-automatic.png"))
    assert automatic[-1, tile, 0] == 101


def test_training_writes_curves_and_progressions(pictures, vgg_file, tmp_path):
    settings = {"validation_files": pictures, "validation_steps": 2, "validation_images": 4}
    run = train("palette-attention", pictures, tmp_path, vgg19=vgg_file, **settings)
    curve = read(run)
    assert [(entry["step"], entry["images"]) for entry in curve] == [(2, 4), (4, 8)]
    measures = {"validation_psnr", "validation_ssim", "validation_vgg19_fid"}
    assert measures | {f"{name}_conditioned" for name in measures} <= curve[0].keys()
    resolved = json.loads((run / "recipe.json").read_text())
    assert resolved["validation"] == {k: v for k, v in curve[-1].items() if "validation" in k}
    training = resolved["training"]
    assert 0 < training["validation_seconds"] < training["seconds"]
    assert training["parameters"] > 1000 and training["hardware"]
    assert Image.open(run / "validation.png").size == (SIZE[0], 3 * SIZE[1])
    names = {path.name for path in (run / "sheets").iterdir()}
    sheets = {"step-000002.png", "step-000004.png"}
    assert names == sheets | {"progression-automatic.png", "progression-palette.png"}
    assert Image.open(run / "sheets" / "progression-palette.png").size == (
        4 * 128,
        HEADING_HEIGHT + 512,
    )


def test_the_duration_of_a_run_has_its_last_validation_in_it(pictures, tmp_path):
    """Training alone took the rest, which a run of one quick step would otherwise have below 0."""
    settings = {"validation_files": pictures, "validation_steps": 1, "validation_images": 8}
    run = train("pix2pix", pictures, tmp_path, max_train_steps=1, **settings)
    training = json.loads((run / "recipe.json").read_text())["training"]
    assert 0 < training["validation_seconds"] < training["seconds"]
