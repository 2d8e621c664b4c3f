"""The benchmark of the style transfer: the optimisers' curves and the chart that shows them."""

import importlib
import json

import numpy as np
import pytest
from PIL import Image

from tests.support import ROOT


@pytest.fixture
def benchmark(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    return importlib.import_module("benchmarks.style_transfer")


def test_the_curves_are_measured_and_the_chart_is_drawn_from_them(
    benchmark, tiny_pipeline, vgg_file, example_sketch, colour_picture, tmp_path, monkeypatch
):
    for start in benchmark.CONTENTS:
        example_sketch.resize((75, 90)).save(tmp_path / f"{start}_drawn.png")
    for start in benchmark.PAINTINGS:
        Image.fromarray(colour_picture).save(tmp_path / f"{start}.png")
    monkeypatch.setattr(benchmark, "load_pipeline", lambda: tiny_pipeline)
    output = tmp_path / "report.json"
    words = ["--vgg19", vgg_file, "--sketches", tmp_path, "--styles", tmp_path, "-o", output]
    words += ["--only", "optimisers", "--curve-side", 48, "--curve-iterations", 20]
    monkeypatch.setattr("sys.argv", ["style_transfer", *map(str, words)])
    benchmark.main()
    report = json.loads(output.read_text())
    assert list(report) == ["optimisers at 48"]
    curves = report["optimisers at 48"]
    assert curves["iteration"] == [1, 10, 20]
    for optimizer in ("lbfgs", "adam"):
        first, *_, last = curves[optimizer]
        assert first > last > 0 and curves["kept"][optimizer] > 0
    chart = output.with_suffix(".png")
    drawn = chart.read_bytes()
    chart.unlink()
    monkeypatch.setattr(benchmark, "measure_optimisers", None)  # nothing is measured again
    benchmark.main()
    assert chart.read_bytes() == drawn


def test_the_chart_shows_the_data_and_lbfgs_ends_lower_as_published(benchmark):
    curves = json.loads((ROOT / "benchmarks/style_transfer.json").read_text())["optimisers at 128"]
    chart = Image.open(ROOT / "benchmarks/style_transfer.png").convert("RGB")
    assert np.array_equal(np.asarray(chart), np.asarray(benchmark.plot(curves)))
    assert curves["iteration"][-1] == 1000
    assert curves["lbfgs"][-1] < curves["adam"][-1]
    assert curves["kept"]["lbfgs"] < curves["kept"]["adam"]
