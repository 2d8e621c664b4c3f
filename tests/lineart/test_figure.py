"""What of a drawing is the figure, and what is paper."""

import numpy as np
from PIL import Image, ImageDraw

from sketchcolor.lineart.figure import Rooms, figure_mask

SIDE = 400


def page() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sketch = Image.new("L", (SIDE, SIDE), 255)
    return sketch, ImageDraw.Draw(sketch)


def bust(gap: int = 0, ink: int = 0) -> Image.Image:
    """A head on shoulders that the page cuts off below, with a gap in its crown."""
    sketch, draw = page()
    draw.line([(80, 400), (100, 280), (150, 260)], fill=ink, width=3)
    draw.line([(250, 260), (300, 280), (320, 400)], fill=ink, width=3)
    draw.arc((130, 60, 270, 300), 110, 430, fill=ink, width=3)
    if gap:
        draw.rectangle((200 - gap // 2, 55, 200 + gap // 2, 70), fill=255)
    return sketch


def test_shoulders_that_the_page_cuts_off_are_the_figures():
    mask = figure_mask(bust())
    assert mask[390, 200] > 0.99 and mask[320, 110] > 0.9 and mask[150, 200] > 0.99
    assert mask[390, 20] < 0.01 and mask[390, 380] < 0.01 and mask[20, 200] < 0.01


def test_faint_lines_and_gaps_hold_a_figure_together():
    mask = figure_mask(bust(gap=12, ink=200))
    assert mask[150, 200] > 0.99 and mask[390, 200] > 0.99


def test_paper_reaches_into_what_is_narrower_than_the_ball():
    sketch, draw = page()
    draw.polygon([(100, 100), (300, 100), (200, 120), (300, 300), (100, 300)], outline=0, width=3)
    mask = figure_mask(sketch)
    assert mask[110, 280] < 0.1  # a wedge of paper between two lines
    assert mask[200, 150] > 0.99


def test_rooms_at_the_sides_may_be_paper_those_below_are_the_figures():
    sketch, draw = page()
    draw.line((0, 200, 400, 200), fill=0, width=3)
    draw.line((130, 200, 130, 400), fill=0, width=3)
    draw.line((270, 200, 270, 400), fill=0, width=3)
    rooms = Rooms.of(sketch)
    number = rooms.number
    assert list(rooms.paper) == [number[50, 200]]
    assert set(rooms.beside) == {number[300, 50], number[300, 350]}
    assert number[300, 200] not in rooms.beside
    outside = rooms.outside(number[300, 50])
    assert outside[300, 50] > 0.99 and outside[300, 350] < 0.01


def test_a_page_of_lines_is_all_figure():
    hatched = np.full((SIDE, SIDE), 255, np.uint8)
    hatched[::6] = 0
    assert figure_mask(Image.fromarray(hatched)).min() > 0.99
