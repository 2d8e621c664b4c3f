"""Drawings read without hints and with them, and what is kept of it."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

import sketchcolor.parts.reader
from sketchcolor.parts.analysis import DrawingParts, analyse, read_cells
from sketchcolor.parts.reader import DrawingReader
from tests.support.networks import TINY_READABLE, tiny_part_encoder, tiny_proposer

IN_DISC, ON_PAPER = (80, 80), (5, 5)  # row, column
BLUE, WHITE = (-0.6, -0.2, 0.5), (1.0, 1.0, 1.0)


@pytest.fixture(autouse=True)
def on_small_pages(monkeypatch):
    for name in ("RESOLUTION", "HINTED_RESOLUTION"):
        monkeypatch.setattr(f"sketchcolor.parts.analysis.{name}", 128)


@pytest.fixture
def networks(in_float32) -> tuple:
    return tiny_proposer(**TINY_READABLE), tiny_part_encoder()


@pytest.fixture
def sketch() -> Image.Image:
    """A circle on white."""
    page = np.full((160, 160), 255, np.uint8)
    cv2.circle(page, (80, 80), 40, 0, 3)
    return Image.fromarray(page)


def hints(*dots: tuple[tuple[int, int], tuple[float, float, float]]) -> torch.Tensor:
    """4×160×160 with square dots of these places and colours."""
    planes = torch.zeros(4, 160, 160)
    for (row, column), color in dots:
        place = planes[:, row - 4 : row + 4, column - 4 : column + 4]
        place[:] = torch.tensor([*color, 1.0])[:, None, None]
    return planes


def test_a_reading_depends_on_the_hints(networks, sketch):
    parts = analyse(sketch, *networks)
    none, blue = (
        read_cells(parts, given[None], *networks) for given in (hints(), hints((IN_DISC, BLUE)))
    )
    # Without a hint it says what was said before.
    alike = parts.reading.vectors @ parts.reading.vectors[:50].T
    assert np.allclose(none.vectors @ none.vectors[:50].T, alike, atol=1e-4)
    assert np.allclose(none.alone, parts.reading.alone, atol=1e-4)
    assert blue.vectors.shape == none.vectors.shape
    assert np.abs(blue.vectors - none.vectors).max() > 0
    assert np.allclose(np.linalg.norm(blue.vectors, axis=1), 1.0, atol=1e-4)


def test_more_colours_give_the_reading_with_hints_more_to_say(networks, sketch):
    parts = analyse(sketch, *networks)
    width = parts.reading.vectors.shape[1]
    greys = [((20 + 12 * i, 80), (i / 5 - 0.8,) * 3) for i in range(9)]
    shares = []
    for count in (1, 3, 9):
        found = read_cells(parts, hints(*greys[:count])[None], *networks)
        shares.append((found.vectors[:, width:] ** 2).sum(axis=1).mean())
    assert shares == pytest.approx([0.5 * n / (n + 10) for n in (1, 3, 9)], abs=1e-4)


def test_hints_may_be_read_on_a_smaller_page(networks, sketch, monkeypatch):
    monkeypatch.setattr("sketchcolor.parts.analysis.HINTED_RESOLUTION", 64)
    parts = analyse(sketch, *networks)
    assert parts.page.shape[2:] == (64, 64) and parts.grid == (64, 64)
    reading = read_cells(parts, hints((IN_DISC, BLUE))[None], *networks)
    assert reading.vectors.shape == (64 * 64, 2 * parts.reading.vectors.shape[1])
    assert np.allclose(np.linalg.norm(reading.vectors, axis=1), 1.0, atol=1e-4)


def test_white_paper_is_known_unless_a_hint_asks_for_a_background(networks, sketch, monkeypatch):
    known = []

    def noting(*given) -> DrawingParts:
        parts = analyse(*given)
        known.append(bool(parts.paper.any()))
        return parts

    monkeypatch.setattr(sketchcolor.parts.reader, "analyse", noting)
    read = DrawingReader()
    free, seen = read(sketch, *networks, hints((IN_DISC, BLUE), (ON_PAPER, WHITE)))
    assert free is seen and known == [True]
    assert read(sketch, *networks, None)[0] is free  # kept
    same, other = read(sketch, *networks, hints((ON_PAPER, BLUE)))
    assert same is free and other is not free and known == [True, False]
    painted = read(sketch, *networks, None, paint_paper=True)
    assert painted == (other, other) and known == [True, False]
