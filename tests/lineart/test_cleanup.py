"""Photographs and scans become line art on white paper; clean digital art is left alone."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor.images import read_sketch
from sketchcolor.lineart.cleanup import clean_sketch, is_clean
from sketchcolor.ui.examples import EXAMPLES
from tests.support.pictures import example_sketches

PHOTOGRAPHED = [
    "02_",
    "03_",
    "04_",
    "05_",
    "07_",
    "08_",
    "12_",
]  # phone photos, pencil on grey paper
DIGITAL = ["01_", "10_", "14_", "16_", "18_", "20_", "21_"]


def real_sketch(shared, prefix: str) -> Image.Image:
    (path,) = (shared / "lineart").glob(f"{prefix}*")
    return read_sketch(path)


def figure(size: int = 600) -> Image.Image:
    """Line art of our own: thin and thick strokes, a grey one, a filled area."""
    drawing = Image.new("L", (size, size), 255)
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((150, 100, 450, 400), outline=0, width=4)
    pen.line((100, 500, 500, 480), fill=0, width=2)
    pen.line((100, 550, 500, 530), fill=110, width=3)
    pen.ellipse((230, 60, 370, 180), fill=0)
    return drawing


def photographed(drawing: Image.Image, seed: int = 0) -> Image.Image:
    """The drawing on grainy grey paper, lit from the upper left, a soft shadow at the right."""
    rng = np.random.default_rng(seed)
    height, width = drawing.height, drawing.width
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 0.9 - 0.25 * x - 0.15 * y - 0.12 / (1 + np.exp(-30 * (x - 0.8)))
    ink = 0.15 + 0.85 * np.asarray(drawing) / 255
    grey = 255 * (light * ink + rng.normal(0, 0.012, light.shape))
    return Image.fromarray(np.clip(np.rint(grey), 0, 255).astype(np.uint8))


def test_real_photographs_and_scans_get_white_paper(shared):
    for prefix in PHOTOGRAPHED:
        assert_cleaned(real_sketch(shared, prefix))


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_photographed_examples_get_white_paper(number):
    assert_cleaned(photographed(example_sketches()[number], seed=number))


def assert_cleaned(grey: Image.Image) -> None:
    assert not is_clean(grey)
    cleaned = np.asarray(clean_sketch(grey))
    assert cleaned.shape == (grey.height, grey.width)
    assert np.median(cleaned) >= 0.97 * 255
    # Between the 10th and the 90th percentile of uploaded sketches, and some for the heaviest.
    ink = (cleaned < 0.9 * 255).mean()
    assert 0.05 < ink < 0.37
    assert (cleaned < 0.5 * 255).mean() > 0.004
    # No line is lost: what stood out from its surroundings before is still darker than paper.
    pixels = np.asarray(grey)
    darkest = pixels <= np.percentile(pixels, 1)
    assert (cleaned[darkest] < 0.75 * 255).mean() > 0.95


def test_real_digital_art_passes_unchanged(shared):
    for prefix in DIGITAL:
        grey = real_sketch(shared, prefix)
        assert is_clean(grey), prefix
        assert np.array_equal(clean_sketch(grey), grey), prefix


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_digital_examples_pass_unchanged(number):
    grey = example_sketches()[number]
    assert is_clean(grey)
    assert clean_sketch(grey) is grey


def test_photographed_drawing_is_recovered():
    drawing = figure()
    photo = photographed(drawing)
    truth, cleaned = np.asarray(drawing), np.asarray(clean_sketch(photo))
    assert (np.asarray(photo)[truth == 255] < 0.9 * 255).mean() > 0.9
    assert (cleaned[truth == 255] >= 0.97 * 255).mean() > 0.97
    assert (cleaned[truth == 0] < 0.35 * 255).mean() > 0.97  # thin, thick and filled alike
    assert (cleaned[truth == 110] < 0.8 * 255).mean() > 0.97


def test_light_grey_fills_of_digital_art_are_not_shade():
    drawing = figure()
    ImageDraw.Draw(drawing).rectangle((0, 0, 600, 270), fill=225)
    assert clean_sketch(drawing) is drawing


@pytest.mark.parametrize("paper", [90, 200, 244])
def test_even_grey_paper_becomes_white(paper):
    drawing = np.asarray(figure())
    cleaned = np.asarray(clean_sketch(Image.fromarray((drawing * (paper / 255)).astype(np.uint8))))
    assert (cleaned[drawing == 255] == 255).mean() > 0.99
    assert not cleaned[drawing == 0].any()


@pytest.mark.parametrize(
    "grey", [figure(), Image.new("L", (64, 64), 255), Image.new("L", (64, 64), 0)]
)
def test_clean_art_and_empty_pages_are_returned_as_they_are(grey):
    assert clean_sketch(grey) is grey


@pytest.mark.parametrize("size", [(16, 16), (16, 128), (2000, 250), (33, 47)])
def test_any_size(size):
    page = photographed(Image.new("L", size, 255))
    cleaned = clean_sketch(page)
    assert cleaned.size == size and cleaned.mode == "L"
    assert np.median(cleaned) >= 0.97 * 255


def test_a_sketch_is_cleaned_once(monkeypatch):
    photo = photographed(figure(300))
    first = clean_sketch(photo)
    monkeypatch.setattr(
        "sketchcolor.lineart.cleanup._paper", None
    )  # would be called for another sketch
    again = clean_sketch(photo.copy())
    assert np.array_equal(np.asarray(first), np.asarray(again))
