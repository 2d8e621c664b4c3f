"""The examples: each script runs as a process, and the notebook's cells as they stand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sketchcolor import load_pipeline
from sketchcolor.conditions.hint_files import load_hints
from sketchcolor.ui.examples import FOLDER
from tests.support import ROOT
from tests.support.quick import Quick

EXAMPLES = ROOT / "examples"
QUICK = ("--resolution", "128")
HINTED = dict.fromkeys(("hints", "palette", "flats", "largest-part"), "spiky_hair")
SCRIPTS = {  # script → (small settings, what it writes → the sketch whose size that has)
    "colour_a_sketch": (
        (*QUICK, "--variants", "2", "--seed", "4"),
        {"long_hair-4": "long_hair", "long_hair-5": "long_hair"},
    ),
    "hints_and_palette": (QUICK, HINTED),
    "style_pass": ((*QUICK, "--style-resolution", "128"), {"cat-watercolour": "cat"}),
    "train_a_model": ((), {"cat-trained": "cat"}),
}


run_process = subprocess.run


def no_installation(command: list[str], **kwargs) -> subprocess.CompletedProcess:
    assert not {"git", "pip"} & set(command), "sketchcolor is installed already"
    return run_process(command, **kwargs)


def run(script: str, folder: Path, *flags: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ACCELERATE_USE_CPU": "true"}
    command = [sys.executable, str(EXAMPLES / f"{script}.py"), *flags]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_every_script_is_tested_and_listed():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    assert scripts == set(SCRIPTS)
    listed = (EXAMPLES / "README.md").read_text()
    assert all(f"`{path.name}`" in listed for path in EXAMPLES.glob("*.[pi]*"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_an_example_runs(script, tmp_path):
    flags, pictures = SCRIPTS[script]
    process = run(script, tmp_path, *flags, "--output", "made")
    assert process.returncode == 0, process.stderr
    for name, sketch in pictures.items():
        picture = Image.open(tmp_path / "made" / f"{name}.png")
        assert picture.size == Image.open(FOLDER / f"{sketch}.png").size
        assert np.ptp(np.asarray(picture)) > 0
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


@pytest.mark.parametrize(
    ("strokes", "sketch"), [("tousled_hair", "spiky_hair"), ("falling_petals", "long_hair")]
)
def test_strokes_lie_on_their_sketch(strokes, sketch):
    width, height = Image.open(FOLDER / f"{sketch}.png").size
    hints = load_hints(EXAMPLES / "strokes" / f"{strokes}.json")
    points = [point for stroke in hints for point in stroke.points]
    assert points and all(0 <= x < width and 0 <= y < height for x, y in points)


def test_the_notebook_runs_without_the_network(tmp_path, monkeypatch):
    """Its cells one after the other, as a notebook would, at a small working resolution."""
    notebook = json.loads((EXAMPLES / "sketchcolor.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    install = "".join(code[0]["source"])
    assert '"clone", "--depth", "1"' in install
    bundled = load_pipeline()
    monkeypatch.setattr("sketchcolor.load_pipeline", lambda: Quick(bundled), raising=False)
    monkeypatch.setattr("subprocess.run", no_installation)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for cell in code:
        exec("".join(cell["source"]), names)
    assert len(names["result"].images) == 2
    assert Image.open("coloured.png").size == Image.open(names["sketch"]).size
