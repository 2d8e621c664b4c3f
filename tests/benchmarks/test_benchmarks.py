"""The benchmarks run and measure what they claim; no test here depends on the machine's speed."""

import importlib
import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support import ROOT
from tests.support.pictures import example_sketches


@pytest.fixture
def inference(monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.inference")


@pytest.fixture
def machine(inference):
    return inference.machine


@pytest.fixture
def tiny_folder(tiny_pipeline, tmp_path) -> str:
    tiny_pipeline.save_pretrained(tmp_path / "tiny")
    return str(tmp_path / "tiny")


def test_median_seconds_warms_up_once_and_repeats(machine):
    calls = []
    assert machine.median_seconds(lambda: calls.append(1), repeats=4, least=0) >= 0
    assert len(calls) == 5


def test_machine_measures_every_shape_in_every_precision(machine):
    measured = machine.measure(((8, 16), (16, 8)))
    assert set(measured["rates"]) == set(measured["best"]) == {"float32", "bfloat16"}
    for name, rates in measured["rates"].items():
        assert list(rates) == ["8×16²", "16×8²"] and min(rates.values()) > 0
        assert measured["best"][name] == max(rates.values())
    assert measured["threads"] == torch.get_num_threads()
    table = machine.describe(measured)
    assert "bfloat16" in table and "16×8²" in table


def test_drawing_is_a_reproducible_line_drawing(inference):
    page = np.asarray(inference.drawing((300, 200)))
    assert page.shape == (200, 300)
    assert np.array_equal(page, np.asarray(inference.drawing((300, 200))))
    assert set(np.unique(page)) == {0, 255} and 0.01 < (page == 0).mean() < 0.3


def test_cases_pair_both_models_and_end_with_the_page(inference):
    found = inference.cases([256, 512], 512, None)
    assert len(found) == 2 * (3 * 2 + 1)
    for ours, base in zip(found[::2], found[1::2], strict=True):
        assert (ours.model, base.model) == (inference.FLAGSHIP, inference.BASELINE)
        assert (ours.task, ours.size, ours.resolution) == (base.task, base.size, base.resolution)
    assert found[-1].size == inference.PAGE and found[-1].task == "picture"


@pytest.mark.parametrize("task", ["generator", "networks", "picture"])
def test_a_case_of_the_flagship(inference, tiny_folder, task):
    case = inference.Case(inference.FLAGSHIP, task, (64, 64), 64, tiny_folder)
    result = inference.run_case(case)
    assert result["seconds"] > 0 and result["gflop"] > 0
    assert result["peak_mib"] >= result["loaded_mib"] > 50
    assert result["precision"] in ("float32", "bfloat16")


def test_the_proposal_is_counted_with_the_networks(inference, tiny_folder):
    generator, networks = (
        inference.run_case(inference.Case(inference.FLAGSHIP, task, (64, 64), 64, tiny_folder))
        for task in ("generator", "networks")
    )
    assert networks["gflop"] > generator["gflop"]


def test_the_whole_run_writes_json_and_prints_ratios(
    inference, machine, tiny_folder, tmp_path, monkeypatch, capsys
):
    pair = [
        inference.Case(inference.FLAGSHIP, "picture", (256, 256), 256, tiny_folder),
        inference.Case(inference.BASELINE, "picture", (256, 256), 256),
    ]
    monkeypatch.setattr(inference, "cases", lambda *_: pair)
    rates = machine.measure(((8, 16),))
    monkeypatch.setattr(machine, "measure", lambda: rates)
    output = tmp_path / "inference.json"
    assert inference.main(["--model", tiny_folder, "-o", str(output)]) == 0
    ours, base = json.loads(output.read_text())["cases"]
    assert (ours["model"], base["model"]) == (inference.FLAGSHIP, inference.BASELINE)
    # By hand: 1.98 G multiply-accumulates in the encoder and 4.03 G in the decoder. (18.1 G, often
    # quoted, counts transposed convolutions at their output's size, four times too much.)
    assert base["gflop"] == pytest.approx(2 * (1.98 + 4.03), rel=0.01)
    assert ours["share"] > 0
    table = capsys.readouterr().out
    assert f"{ours['seconds'] / base['seconds']:.2f}" in table
    assert f"{base['peak_mib']:.0f}" in table


def test_a_model_that_cannot_be_loaded_ends_the_run(inference, machine, tmp_path, monkeypatch):
    rates = machine.measure(((8, 16),))
    monkeypatch.setattr(machine, "measure", lambda: rates)
    output = tmp_path / "inference.json"
    absent = str(tmp_path / "absent")
    assert inference.main(["--model", absent, "-o", str(output)]) != 0
    assert not output.exists()


@pytest.fixture
def conditions(inference):
    return importlib.import_module("benchmarks.conditions")


def test_conditions_are_measured_on_pictures(conditions, coloured_examples, tiny_pipeline):
    images = conditions.validation_pictures(coloured_examples, 4)
    found = conditions.measure_conditions(tiny_pipeline, images)
    assert set(found) == {"networks", "pipeline"}
    held = found["pipeline"]
    assert held["own_reference"]["palette_distance"] < held["own_reference"]["other_palette"]
    assert held["stroke"]["strokes"] > 0
    assert held["stroke"]["stroke_change"] > held["stroke"]["leak"]
    assert held["own_reference"] != found["networks"]["own_reference"]


def test_a_model_that_memorised_a_picture_is_detected(inference, coloured_examples):
    memorising = importlib.import_module("benchmarks.memorising")
    rows = memorising.spread_rows(coloured_examples, 4, split="train")
    (known,) = memorising.batches([rows[0]["image"]], memorising.SIDE)

    class Copier:
        """Returns the first training picture, whatever the sketch is."""

        def colour_tensor(self, sketch, seeds):
            return known.truth.expand(len(sketch), -1, -1, -1)

    report = memorising.compare(Copier(), coloured_examples, 4)
    nearest = report["nearest_training_picture"]
    assert nearest["colourings"]["least"] < 0.7 * nearest["true_pictures"]["least"]
    assert report["own_picture_is_nearest"] == {"train": 0.25, "validation": 0.0}
    assert report["psnr"]["train"] > report["psnr"]["validation"]


def test_every_kind_of_condition_is_timed(conditions, tiny_pipeline):
    waits = conditions.measure_waits(tiny_pipeline, side=64)
    assert set(waits) == {"automatic", "stroke", "palette", "four_variants"}
    assert min(waits.values()) > 0


def test_conditions_lie_beside_each_other(inference, tiny_folder, tmp_path, monkeypatch):
    conditions_sheet = importlib.import_module("benchmarks.conditions_sheet")
    chosen = dict(list(json.loads(conditions_sheet.DOTS.read_text()).items())[:2])
    sketches = tmp_path / "sketches"
    sketches.mkdir()
    for start, sketch in zip(chosen, example_sketches(), strict=False):
        sketch.save(sketches / f"{start}drawn.png")
    few = tmp_path / "dots.json"
    few.write_text(json.dumps(chosen))
    monkeypatch.setattr(conditions_sheet, "DOTS", few)
    sheet = tmp_path / "sheet.png"
    arguments = ["--model", str(tiny_folder), "--sketches", str(sketches)]
    monkeypatch.setattr("sys.argv", ["conditions_sheet", *arguments, "-o", str(sheet)])
    conditions_sheet.main()
    picture = np.asarray(Image.open(sheet))
    rows = picture.reshape(5, -1, *picture.shape[1:])
    automatic, three, ten, *palettes = rows.astype(int)
    assert all((automatic != row).any() for row in (three, ten, *palettes))
    assert (three != ten).any()


READS = {  # benchmark → flags that name the files it reads
    "conditions": ["--data"],
    "memorising": ["--data"],
    "sheet": ["--data", "--sketches"],
    "conditions_sheet": ["--sketches"],
    "side_by_side": ["--data", "--vgg19", "--sketches"],
    "style_transfer": ["--vgg19", "--sketches", "--styles"],
}


@pytest.mark.parametrize(
    ("benchmark", "flag"), [(name, each) for name, flags in READS.items() for each in flags]
)
def test_a_benchmark_names_what_is_missing(
    inference, benchmark, flag, tmp_path, vgg_file, monkeypatch, capsys
):
    module = importlib.import_module(f"benchmarks.{benchmark}")
    arguments = ["-o", str(tmp_path / "report.json")]
    if benchmark == "side_by_side":
        arguments += ["--runs", str(tmp_path / "runs")]
    for each in READS[benchmark]:
        there = vgg_file if each == "--vgg19" else tmp_path
        arguments += [each, str(tmp_path / "absent" if each == flag else there)]
    monkeypatch.setattr("sys.argv", [benchmark, *arguments])
    with pytest.raises(SystemExit) as stopped:
        module.main()
    assert stopped.value.code == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert flag in last and f"{tmp_path / 'absent'}" in last


def test_a_folder_without_the_pictures_is_named(inference, tmp_path, coloured_examples):
    pictures = importlib.import_module("benchmarks.pictures")
    with pytest.raises(SystemExit, match=r"There is no validation-\*\.parquet in "):
        pictures.spread_rows(tmp_path, 4)
    assert len(pictures.spread_rows(coloured_examples, 3)) == 3
    for number in range(2):
        with pytest.raises(SystemExit, match=rf"There are {2 * number} files 01_\* in "):
            pictures.find_picture(tmp_path, "01_")
        for name in ("01_a.png", "01_b.png", "02_c.png"):
            (tmp_path / name).touch()
    assert pictures.find_picture(tmp_path, "02_") == tmp_path / "02_c.png"
