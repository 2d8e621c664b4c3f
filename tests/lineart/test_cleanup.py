"""Photographs and scans become line art on white paper; clean digital art is left alone."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor.images import read_sketch
from sketchcolor.lineart.cleanup import clean_sketch, is_clean
from sketchcolor.ui.examples import EXAMPLES
from tests.support.pictures import example_sketches, photographed, scanned

# Beginnings of file names in the folder of real sketches.
PHOTOGRAPHED = ("02_", "03_", "04_", "05_", "07_", "08_", "12_")  # by phone, pencil on grey paper
DIGITAL = ("01_", "10_", "14_", "16_", "18_", "20_", "21_")


def real_sketch(folder: Path, start: str) -> Image.Image:
    (path,) = folder.glob(f"{start}*")
    return read_sketch(path)


def figure(size: int = 600) -> Image.Image:
    """A drawing with thin and thick lines, a grey line and a filled area."""
    drawing = Image.new("L", (size, size), 255)
    pen = ImageDraw.Draw(drawing)
    pen.ellipse((150, 100, 450, 400), outline=0, width=4)
    pen.line((100, 500, 500, 480), fill=0, width=2)
    pen.line((100, 550, 500, 530), fill=110, width=3)
    pen.ellipse((230, 60, 370, 180), fill=0)
    return drawing


def assert_cleaned(grey: Image.Image, name: str) -> None:
    """A photograph or scan has been cleaned: white paper, and a usual amount of dark lines."""
    assert not is_clean(grey), name
    cleaned = np.asarray(clean_sketch(grey))
    assert cleaned.shape == (grey.height, grey.width), name
    assert np.median(cleaned) >= 0.97 * 255, name
    # Between the 10th and the 90th percentile of uploaded sketches, and some for the heaviest.
    ink = (cleaned < 0.9 * 255).mean()
    assert 0.05 < ink < 0.37, name
    assert (cleaned < 0.5 * 255).mean() > 0.004, name
    # No line is lost: what stood out from its surroundings before is still darker than paper.
    pixels = np.asarray(grey)
    darkest = pixels <= np.percentile(pixels, 1)
    assert (cleaned[darkest] < 0.75 * 255).mean() > 0.95, name


@pytest.mark.parametrize("how", [photographed, scanned])
@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_photographs_and_scans_of_examples_become_line_art_again(number, how):
    drawing = example_sketches()[number]
    grey = how(drawing, seed=number)
    assert_cleaned(grey, how.__name__)
    truth, cleaned = np.asarray(drawing), np.asarray(clean_sketch(grey))
    assert (np.asarray(grey)[truth == 255] < 0.9 * 255).mean() > 0.9
    assert (cleaned[truth == 255] >= 0.97 * 255).mean() > 0.99
    assert (cleaned[truth < 64] < 0.5 * 255).mean() > 0.93
    ink, cleaned_ink = ((page < 0.9 * 255).mean() for page in (truth, cleaned))
    assert abs(cleaned_ink - ink) < 0.01


def test_real_photographs_and_scans_get_white_paper(real_data):
    folder = real_data("lineart")
    for start in PHOTOGRAPHED:
        assert_cleaned(real_sketch(folder, start), start)


def test_real_digital_art_passes_unchanged(real_data):
    folder = real_data("lineart")
    for start in DIGITAL:
        grey = real_sketch(folder, start)
        assert is_clean(grey), start
        assert clean_sketch(grey) is grey, start


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
    assert (cleaned[truth == 0] < 0.35 * 255).mean() > 0.97  # thin and thick lines, and fills
    assert (cleaned[truth == 110] < 0.8 * 255).mean() > 0.97


def test_light_grey_fills_of_digital_art_are_not_taken_for_shadows():
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
    # The paper would have to be estimated again for another sketch.
    monkeypatch.setattr("sketchcolor.lineart.cleanup._paper", None)
    again = clean_sketch(photo.copy())
    assert np.array_equal(np.asarray(first), np.asarray(again))
