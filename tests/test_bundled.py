"""The weights that come with the package."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open

import sketchcolor
from sketchcolor import load_pipeline
from sketchcolor.loading import BUNDLED
from sketchcolor.ui.examples import EXAMPLES

ROOT = Path(sketchcolor.__file__).parents[1]


@pytest.fixture(scope="module")
def bundled():
    return load_pipeline(model=BUNDLED, device="cpu")


def test_the_example_is_coloured_at_its_own_size_under_its_own_lines(bundled):
    sketch = Image.open(EXAMPLES[0][1])
    image = bundled(sketch, seed=1, resolution=384).images[0]
    assert image.size == sketch.size
    pixels = np.asarray(image).astype(int)
    black = np.asarray(sketch) == 0
    assert black.any() and (pixels[black] == 0).all()
    chroma = pixels.max(axis=2) - pixels.min(axis=2)
    assert (chroma > 30).mean() > 0.05  # colours, not greys


def test_seeds_give_different_colourings_and_hints_are_heard(bundled):
    sketch = Image.open(EXAMPLES[0][1])
    settings = {"resolution": 256, "seed": 5}
    first, second = bundled(sketch, num_variants=2, **settings).images
    difference = np.abs(np.asarray(first).astype(int) - np.asarray(second))
    assert difference.mean() > 2
    stroke = {"color": "#d02020", "width": 40, "points": [[380, 200], [420, 260]]}
    hinted = bundled(sketch, hints=[stroke], **settings).images[0]

    def redness(image):
        patch = np.asarray(image.crop((370, 190, 430, 270))).astype(int)
        return (patch[..., 0] - patch[..., 1:].mean(axis=2)).mean()

    assert redness(hinted) > redness(first) + 15


def test_history_and_budget_are_beside_the_weights():
    history = json.loads((BUNDLED / "training.json").read_text())
    for role in ("proposer", "generator"):
        assert history[role]["training"]["images"] > 0
        weights = BUNDLED / role / "diffusion_pytorch_model.safetensors"
        with safe_open(weights, "pt") as stored:
            kinds = {stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118
        assert kinds == {"F16"}
    size = sum(path.stat().st_size for path in (ROOT / "sketchcolor/weights").rglob("*"))
    assert size < 70e6
