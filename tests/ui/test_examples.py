"""The example sketches: what the page shows is what the code draws, and it is line art."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sketchcolor.ui.examples import EXAMPLES
from sketchcolor.ui.examples.__main__ import draw
from sketchcolor.ui.examples.pen import Pen, Sheet, ellipse

EACH = pytest.mark.parametrize("path", [path for _, path in EXAMPLES], ids=lambda path: path.stem)


def darkness(sheet: Sheet) -> np.ndarray:
    """0 where the paper is blank, 1 where it is black."""
    return 1 - np.asarray(sheet.finish(), float) / 255


def regions(grey: np.ndarray) -> np.ndarray:
    """Sizes in px of the white areas that lines separate, largest first."""
    _, _, stats, _ = cv2.connectedComponentsWithStats((grey > 200).astype(np.uint8), connectivity=4)
    return np.sort(stats[1:, cv2.CC_STAT_AREA])[::-1]


def test_offers_enough_sketches_and_no_stray_files():
    titles = [title for title, _ in EXAMPLES]
    assert len(set(titles)) == len(titles) >= 7
    kept = {path.name for path in EXAMPLES[0][1].parent.glob("*.png")}
    assert kept == {path.name for _, path in EXAMPLES}


@EACH
def test_committed_file_is_the_drawing(path: Path):
    with Image.open(path) as image:
        committed = np.asarray(image).astype(int)
    drawn = np.asarray(draw(path)).astype(int)
    # One grey level of slack: the grain's float blur may round otherwise on another processor.
    assert drawn.shape == committed.shape
    assert np.abs(drawn - committed).max() <= 1


@EACH
def test_is_line_art_on_white_paper(path: Path):
    with Image.open(path) as image:
        assert image.format == "PNG" and image.mode == "L"
        assert 768 <= min(image.size) and max(image.size) <= 1024
        grey = np.asarray(image)
    assert path.stat().st_size < 120 * 1024
    assert 0.02 < 1 - grey.mean() / 255 < 0.17
    assert (grey > 250).mean() > 0.8
    assert (grey < 128).mean() > 0.02


@EACH
def test_lines_close_regions_to_colour(path: Path):
    with Image.open(path) as image:
        sizes = regions(np.asarray(image))
    assert (sizes > 1000).sum() >= 15
    assert sizes[0] < 0.7 * sizes.sum()


def test_a_shape_hides_what_lies_behind_it():
    sheet = Sheet(100, 100)
    sheet.line("0,50 100,50", 2, (1, 1))
    sheet.shape(ellipse(50, 50, 30, 30))
    ink = darkness(sheet)
    assert ink[50, 8] > 0.9 and ink[50, 92] > 0.9
    assert ink[32:68, 32:68].max() == 0


def test_a_stroke_swells_from_its_tapered_ends():
    sheet = Sheet(200, 40, Pen(width=8, swell=0))
    sheet.line("10,20 190,20", 1, (0.1, 0.1))
    width = darkness(sheet)[:, [14, 50, 100, 150, 186]].sum(axis=0)
    assert width[2] == pytest.approx(8 * (255 - Pen.ink) / 255, abs=0.7)
    assert width[0] < width[1] < width[2] > width[3] > width[4]


def test_a_corner_stays_sharp_and_other_points_are_rounded():
    sharp, smooth = Sheet(100, 100), Sheet(100, 100)
    sharp.solid("10,90! 50,10! 90,90!")
    smooth.solid("10,90 50,10 90,90")
    triangle = 0.5 * 80 * 80
    assert darkness(sharp).sum() * 255 / (255 - Pen.ink) == pytest.approx(triangle, rel=0.02)
    assert darkness(smooth).sum() > 1.15 * darkness(sharp).sum()


def test_nothing_is_drawn_outside_a_clip_and_the_placement_moves_it():
    sheet = Sheet(100, 100)
    with sheet.placed(60, 40, 2, stretch=(-1, 1)), sheet.inside("0,0! 10,0! 10,10! 0,10!"):
        sheet.solid("-50,-50! 50,-50! 50,50! -50,50!")
    ink = darkness(sheet)
    assert ink[42:58, 42:58].min() > 0.9
    ink[39:61, 39:61] = 0
    assert ink.max() == 0


def test_a_rough_pen_trembles_the_same_way_for_the_same_seed():
    def scribble(seed: int) -> np.ndarray:
        sheet = Sheet(120, 60, Pen(rough=2, grain=0.4, ink=80), seed)
        sheet.line("10,30 60,20 110,30")
        return np.asarray(sheet.finish())

    assert (scribble(1) == scribble(1)).all()
    assert (scribble(1) != scribble(2)).any()
