"""Fixtures of many tests: tiny networks, drawn sketches, a browser, real data if it is there."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from sketchcolor.models import VGG19Features
from sketchcolor.pipeline import SketchColorPipeline
from tests.support import ROOT
from tests.support.networks import (
    parts_pipeline,
    tiny_part_colours,
    tiny_proposer,
    tiny_refiner,
)
from tests.support.pictures import write_coloured_examples, write_pictures


@pytest.fixture
def in_float32(monkeypatch):
    """Pipelines compute in float32 on every CPU, so that pictures can be compared closely.

    On CPUs with fast bfloat16 they would use that. Its rounding errors depend on the batch size and
    on memory alignment, and networks with random weights amplify them.
    """
    monkeypatch.setattr("sketchcolor.colouring.fastest_dtype", lambda device: torch.float32)


@pytest.fixture
def tiny_pipeline(in_float32) -> SketchColorPipeline:
    """A fast two-stage pipeline with a few thousand random weights; its colours are arbitrary."""
    return SketchColorPipeline(tiny_refiner(), tiny_proposer(), FlowMatchEulerDiscreteScheduler())


@pytest.fixture
def tiny_parts_pipeline(in_float32) -> SketchColorPipeline:
    """As fast, with the networks that the bundled model has, so that it knows parts."""
    return parts_pipeline(tiny_part_colours(), guidance_scale=1.5)


@pytest.fixture(scope="session")
def tiny_vgg() -> VGG19Features:
    """VGG-19 with few channels and random weights, scaled so that signals do not fade in depth."""
    torch.manual_seed(0)
    vgg = VGG19Features(channels=(8, 8, 8, 8, 12))
    for layer in vgg.features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight)
    return vgg


@pytest.fixture
def vgg_file(tiny_vgg, tmp_path) -> Path:
    save_file(tiny_vgg.state_dict(), tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Finds a file or folder in ``shared`` beside the checkout, or skips the test without it.

    Nobody who clones the repository has that folder: a test may use it only for what cannot be
    tested with pictures that we draw.
    """

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"this test needs data that is not in the repository: there is no {path}")
        return path

    return find


@pytest.fixture(scope="session")
def coloured_examples(tmp_path_factory) -> Path:
    """A folder with a small data set of drawn pictures, see `write_coloured_examples`."""
    return write_coloured_examples(tmp_path_factory.mktemp("examples"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "These tests need Chromium: apt-get install chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Chromium as root in a container has no sandbox and little /dev/shm. The canvas needs
            # WebGL, here rendered in software.
            args=[
                *("--no-sandbox", "--disable-dev-shm-usage", "--use-gl=angle"),
                *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def example_sketch() -> Image.Image:
    """A drawn face, 300×360, black lines on white."""
    page = Image.new("L", (300, 360), 255)
    pen = ImageDraw.Draw(page)
    pen.ellipse((60, 60, 240, 300), outline=0, width=3)
    pen.arc((40, 30, 260, 260), 180, 360, fill=0, width=3)
    for x in (115, 185):
        pen.ellipse((x - 18, 160, x + 18, 205), outline=0, width=3)
        pen.ellipse((x - 7, 175, x + 7, 198), fill=0)
    pen.arc((130, 230, 170, 260), 20, 160, fill=0, width=2)
    return page


@pytest.fixture
def colour_picture() -> np.ndarray:
    """H×W×3 uint8: a red disc with a black outline on a light blue ground."""
    picture = Image.new("RGB", (96, 128), (200, 225, 250))
    ImageDraw.Draw(picture).ellipse((16, 24, 80, 104), (210, 60, 50), (0, 0, 0), 3)
    return np.asarray(picture)


@pytest.fixture
def pictures(tmp_path) -> Path:
    return write_pictures(tmp_path / "pictures.parquet", 10)


@pytest.fixture
def sketch_file(example_sketch, tmp_path) -> Path:
    file = tmp_path / "girl.png"
    example_sketch.save(file)
    return file
