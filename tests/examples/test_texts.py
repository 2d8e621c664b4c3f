"""The Python code of README.md and docs/python.md runs as it stands."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sketchcolor import load_pipeline
from sketchcolor.conditions import Stroke
from sketchcolor.session import Session
from tests.support import ROOT
from tests.support.quick import Quick

MADE = {
    "README.md": ("colored.png", "flats.png"),
    "docs/python.md": (
        *("colored-7.png", "red.png", "night.png", "largest-part.png", "flats.png"),
        *("layers.psd", "painted.png", "before.png", "brushed.png", "girl.png"),
    ),
}


@pytest.mark.parametrize("text", MADE)
def test_python_code_runs(text, example_sketch, colour_picture, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    example_sketch.save("sketch.png")
    Image.fromarray(colour_picture).save("painting.jpg")
    strokes = [Stroke("#c03040", 6, [(120, 80), (140, 95)])]
    Session(example_sketch, 3, strokes=strokes).save("girl-session.json")
    bundled = load_pipeline()
    monkeypatch.setattr("sketchcolor.load_pipeline", lambda: Quick(bundled), raising=False)
    monkeypatch.setattr("sketchcolor.style.blend.paint", lambda picture, *_: picture)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / text).read_text(), flags=re.DOTALL)
    assert examples
    names: dict = {}
    for example in examples:
        exec(example, names)
    for name in MADE[text]:
        picture = Image.open(Path(name))
        assert picture.size == example_sketch.size
        assert np.ptp(np.asarray(picture)) > 0
