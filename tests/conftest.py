"""Shared fixtures: tiny networks with fixed weights, a drawn sketch, the real data's folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import datasets  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402
from playwright.sync_api import Browser, sync_playwright  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from sketchcolor.models import ColorProposer, PartEncoder, SwishGatedRefiner, VGG19Features
from sketchcolor.models.parts import CELL
from sketchcolor.parts.analysis import DrawingParts, Reading
from sketchcolor.parts.pieces import cut_regions
from sketchcolor.pipeline import SketchColorPipeline

ROOT = Path(__file__).resolve().parents[1]

TINY_PROPOSER = {
    "sample_size": 16,
    "patch": 2,
    "line_channels": (8, 8),
    "block_out_channels": (8, 16),
    "attention_head_dim": 8,
    "norm_num_groups": 4,
}

# A part encoder reads a proposer with patches of 4 pixels.
TINY_READABLE = TINY_PROPOSER | {"patch": 4, "line_channels": (8, 8, 8)}
TINY_PARTS = {
    "line_channels": (8, 8, 8),
    "middle_channels": 16,
    "decoder_channels": 8,
    "widths": (16, 8, 8, 8),
    "dimensions": 8,
}


def tiny_proposer(**more) -> ColorProposer:
    torch.manual_seed(0)
    proposer = ColorProposer(**TINY_PROPOSER | more)
    torch.nn.init.normal_(proposer.unet.conv_out.weight, std=0.05)
    torch.nn.init.normal_(proposer.palette.absent, std=0.5)
    torch.nn.init.normal_(proposer.head.layers[-1].weight, std=0.05)
    return proposer.eval()


def tiny_part_encoder() -> PartEncoder:
    """An encoder of nearly one vector: no piece is cut, and no hint leaves the one it lies in."""
    torch.manual_seed(2)
    encoder = PartEncoder(**TINY_PARTS)
    torch.nn.init.normal_(encoder.outlet.weight, std=0.02)
    torch.nn.init.constant_(encoder.outlet.bias[TINY_PARTS["dimensions"]], 30.0)  # alone
    return encoder.eval()


def drawing_parts(
    label: np.ndarray,
    vectors: np.ndarray,
    part: list[int] | None = None,
    alone: float = 5.0,
    locality: float = 1.0,
    ink: np.ndarray | None = None,
) -> DrawingParts:
    """What would be known of a drawing in which regions and vectors are these.

    Args:
        label: H×W int32. vectors: D×h×w.
        part: of each piece; each on its own if None.
        alone: halfway between the logits of a hint of the same vector and of a vector at a right
            angle to it, which are 10 and 0.
    """
    pieces = cut_regions(label, vectors, np.ones(vectors.shape[1:]))
    height, width = pieces.grid
    cells = height * width
    return DrawingParts(
        pieces,
        np.arange(len(pieces.area)) if part is None else np.array(part),
        np.zeros(cells, np.float32) if ink is None else ink.ravel(),
        Reading(
            vectors.reshape(len(vectors), -1).T,
            np.full(cells, alone, np.float32),
            np.full(cells, locality, np.float32),
            np.ones(cells, np.float32),
            10.0,
        ),
        torch.ones(1, 1, CELL * height, CELL * width),
        torch.zeros(1, 4, CELL * height, CELL * width),
        np.zeros((height, width, 1), np.float32),
        np.zeros((height, width, 3), np.float32),
    )


def tiny_refiner(proposal: bool = True) -> SwishGatedRefiner:
    torch.manual_seed(1)
    refiner = SwishGatedRefiner(channels=(8, 16), proposal=proposal)
    torch.nn.init.normal_(refiner.outlet[-1].weight, std=0.1)
    torch.nn.init.normal_(refiner.modulate.affine.weight, std=0.1)
    return refiner.eval()


@pytest.fixture
def in_float32(monkeypatch):
    """One number format on every CPU, for pictures that are compared closely.

    Where bfloat16 is fast its rounding depends on the size of the batch and on where weights lie,
    and networks with arbitrary weights blow that up.
    """
    monkeypatch.setattr("sketchcolor.pipeline.fastest_dtype", lambda device: torch.float32)


@pytest.fixture
def tiny_pipeline(in_float32) -> SketchColorPipeline:
    """A two-stage pipeline of a few thousand weights; answers at once, colours are arbitrary."""
    return SketchColorPipeline(tiny_refiner(), tiny_proposer(), FlowMatchEulerDiscreteScheduler())


@pytest.fixture(scope="session")
def tiny_vgg() -> VGG19Features:
    """VGG-19 with a few channels and random weights that keep a signal's size through 16 layers."""
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
def shared() -> Path:
    """The folder of real pictures that lies beside a checkout."""
    return ROOT.parent / "shared"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    assert chromium, "These tests need Chromium: apt-get install chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Root in a container with a tiny /dev/shm; the canvas needs WebGL, here in software.
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


def write_pictures(path: Path, count: int, ratings: list[str] | None = None) -> Path:
    """A parquet file of drawn pictures with the columns that the real data has, and tags."""
    rng = np.random.default_rng(0)
    rows = []
    for i in range(count):
        ground = "white" if i % 2 else tuple(rng.integers(80, 256, 3).tolist())
        picture = Image.new("RGB", (80, 100), ground)
        pen = ImageDraw.Draw(picture)
        pen.ellipse((15, 10, 65, 60), tuple(rng.integers(0, 256, 3).tolist()), (0, 0, 0), 2)
        pen.rectangle((25, 60, 55, 98), tuple(rng.integers(0, 256, 3).tolist()), (0, 0, 0), 2)
        row = {"image": picture, "kind": "figure" if i % 2 else "face", "tags": "1girl solo"}
        row["tags"] += " monochrome" if i % 2 else ""
        rows.append(row | ({"rating": ratings[i]} if ratings else {}))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    images = datasets.Dataset.from_dict(columns).cast_column("image", datasets.Image())
    images.to_parquet(str(path))
    return path


@pytest.fixture
def pictures(tmp_path) -> Path:
    return write_pictures(tmp_path / "pictures.parquet", 10)


@pytest.fixture
def sketch_file(example_sketch, tmp_path) -> Path:
    file = tmp_path / "girl.png"
    example_sketch.save(file)
    return file
