"""Pictures that stay the same while the code that paints them moves.

``python -m tests.test_golden`` writes them anew, for a change that is meant to colour differently.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from PIL import Image

from sketchcolor import SketchColorPipeline, load_pipeline
from sketchcolor.conditions import Palette
from sketchcolor.models import PaletteAttentionGenerator, Pix2PixGenerator, WhiteOutGenerator
from sketchcolor.style.blend import StyleBlend, stylize
from sketchcolor.style.network import load_style_network
from sketchcolor.style.settings import FAST, Style
from sketchcolor.style.transfer import StyleTransfer
from tests.support import ROOT
from tests.support.networks import tiny_proposer, tiny_refiner

GOLDEN = Path(__file__).parent / "golden"
SIDE = 192  # px, longer side of the pictures
TOLERANCE = 2  # of 255 levels
# A cut between two parts may lie a pixel further on another processor; the rest may not differ.
ALIKE = 0.99
STROKES = [
    {"color": "#e03030", "width": 6, "points": [[90, 40], [100, 44]]},
    {"color": "#3060c0", "width": 6, "points": [[92, 170], [98, 172]]},
]
PALETTE = Palette(
    np.array([[250, 220, 200], [60, 90, 160], [230, 90, 60], [40, 30, 40]], np.uint8),
    np.array([0.3, 0.3, 0.2, 0.2], np.float32),
)

Call = Callable[[], Image.Image]


def drawing(name: str) -> Image.Image:
    sketch = Image.open(ROOT / "sketchcolor" / "ui" / "examples" / f"{name}.png").convert("L")
    sketch.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return sketch


def picture(pipeline: SketchColorPipeline, name: str, **wishes) -> Image.Image:
    return pipeline(drawing(name), resolution=256, **{"seed": 3} | wishes).images[-1]


def published(network: type, **config) -> SketchColorPipeline:
    """A published system of a few channels with arbitrary weights."""
    torch.manual_seed(0)
    return SketchColorPipeline(network(**config).eval())


def stylized() -> Image.Image:
    sketch = drawing("witch")
    coloured = Image.merge("RGB", (sketch, sketch.point(lambda v: v // 2), sketch))
    style = Style(
        Image.open(ROOT / "sketchcolor" / "style" / "pictures" / "watercolour.webp").convert("RGB")
    )
    return stylize(
        coloured, [style], StyleTransfer(load_style_network()), StyleBlend(0.8), sketch, FAST, SIDE
    )


def calls() -> dict[str, Call]:
    bundled = load_pipeline()
    two_stages = SketchColorPipeline(
        tiny_refiner(), tiny_proposer(), FlowMatchEulerDiscreteScheduler()
    )
    attention = published(PaletteAttentionGenerator, channels=(32, 32, 48))
    white_outs = published(WhiteOutGenerator, channels=(8, 16, 16))
    pix2pix = published(Pix2PixGenerator, channels=(8, 16, 16))
    reference = drawing("cat").convert("RGB").point(lambda v: v * 2 // 3 + 40)
    return {
        "automatic": lambda: picture(bundled, "witch"),
        "hints": lambda: picture(bundled, "long_hair", hints=STROKES),
        "palette": lambda: picture(bundled, "chibi", palette=PALETTE),
        "hints-and-palette": lambda: picture(bundled, "chibi", hints=STROKES, palette=PALETTE),
        "reference": lambda: picture(bundled, "dragon", reference=reference),
        "painted": lambda: picture(bundled, "straw_hat", background="painted"),
        "variants": lambda: picture(bundled, "twin_tails", num_variants=2),
        "style": stylized,
        "two-stages": lambda: picture(two_stages, "cat", hints=STROKES, palette=PALETTE),
        "pix2pix": lambda: picture(pix2pix, "cat"),
        "palette-attention": lambda: picture(attention, "cat", palette=PALETTE),
        "white-out-hints": lambda: picture(white_outs, "cat", hints=STROKES),
    }


NAMES = (
    *("automatic", "hints", "palette", "hints-and-palette", "reference", "painted", "variants"),
    *("style", "two-stages", "pix2pix", "palette-attention", "white-out-hints"),
)


@pytest.fixture(scope="module")
def painted() -> dict[str, Call]:
    found = calls()
    assert sorted(found) == sorted(NAMES)
    return found


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_as_it_was(painted, name, in_float32):
    found = np.asarray(painted[name]().convert("RGB"), np.int16)
    golden = np.asarray(Image.open(GOLDEN / f"{name}.png"), np.int16)
    assert found.shape == golden.shape
    alike = (np.abs(found - golden).max(axis=2) <= TOLERANCE).mean()
    assert alike >= ALIKE, f"{alike:.1%} of the pixels are as they were"


if __name__ == "__main__":
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sketchcolor.colouring.fastest_dtype", lambda device: torch.float32)
        for name, call in calls().items():
            call().save(GOLDEN / f"{name}.png", optimize=True)
