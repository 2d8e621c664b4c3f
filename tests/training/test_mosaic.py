"""Mosaics of several pictures as training samples."""

import datasets
import numpy as np
import pytest
from PIL import Image

from sketchcolor.training.data import SampleMaker, Samples
from sketchcolor.training.mosaic import mosaic
from sketchcolor.training.view_cache import View

SIDE = 64


def view(colour: int, border: int) -> View:
    picture = np.full((SIDE, SIDE, 3), border, np.uint8)
    picture[4:-4, 4:-4] = colour
    lines = np.full((SIDE, SIDE), 255, np.uint8)
    lines[SIDE // 2] = 0
    return View(picture, lines, np.zeros((9, 3), np.float32), np.ones(9, np.float32) / 9)


def test_a_mosaic_shows_four_pictures_small():
    made = mosaic([view(colour, border=90) for colour in (10, 60, 130, 200)])
    assert made.colour.shape == (SIDE, SIDE, 3) and made.lines.shape == (SIDE, SIDE)
    quarters = [made.colour[y, x, 0] for y in (16, 48) for x in (16, 48)]
    assert quarters == [10, 60, 130, 200]
    inked = (made.lines[:, 12:20] < 200).all(axis=1)
    assert inked[:32].any() and inked[32:].any()  # the line of both pictures on the left


def test_only_pictures_that_fill_their_panel_get_a_frame():
    framed = mosaic([view(100, border=90)] * 4)
    assert (framed.lines[1:31, 16] == 0).sum() == 2 and (framed.colour[0] == 255).all()
    bare = mosaic([view(100, border=255)] * 4)
    assert (bare.lines[2:12, 16] == 255).all() and bare.colour[0:2].min() > 240


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_the_page_rate_is_the_share_of_mosaics(colour_picture, rate):
    columns = datasets.Features({"image": datasets.Image()})
    red = Image.new("RGB", (SIDE, SIDE), (200, 30, 30))
    images = datasets.Dataset.from_dict({"image": [red]}, features=columns)
    maker = SampleMaker(SIDE, "none", "dodge", 0.0, 1.0, page_rate=rate)
    sample = Samples(images, maker, seed=1)[0]
    gutters = (sample["colour"][:, 0] == 1.0).all()
    assert bool(gutters) == bool(rate)
    assert bool(sample["palette_present"]) != bool(rate)
