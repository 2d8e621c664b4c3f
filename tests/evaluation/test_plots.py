"""Bar charts whose bars are counted in pixels."""

import numpy as np
from PIL import ImageColor

from sketchcolor.evaluation import plots

BAR = ImageColor.getrgb(plots.COLORS[0])


def bar_columns(chart) -> np.ndarray:
    """How many pixels of a bar each column of the chart has."""
    return (np.asarray(chart) == BAR).all(-1).sum(0)


def test_bars_are_as_high_and_as_wide_as_they_should_be():
    heights = bar_columns(plots.bar_chart("title", "label", [0, 1, 2, 4], [1, 0, 4]))
    left, top, right, bottom = plots.MARGINS
    width = plots.SIZE[0] - left - right
    full = plots.SIZE[1] - top - bottom
    first, second, third = np.split(heights[left : left + width], [width // 4, width // 2])
    assert abs(first.max() - full / 4) <= 1 and second[2:-2].max() == 0
    assert abs(third.max() - full) <= 1
    assert abs((third > 0).sum() - width / 2) < 4


def test_a_chart_of_nothing_has_no_bars():
    assert bar_columns(plots.bar_chart("none", "", [0, 1], [0])).sum() == 0


def test_a_sheet_has_the_five_figures():
    values = {
        "pixel_similarity": [0.82, 0.83],
        "ssim": [0.5, 0.6],
        "pixel_difference": [7.0, 50.0],
        "colour_emd": [0.1, 0.1],
        "sift_similarity": [0.9],
    }
    sheet = plots.similarity_sheet({"per_image": values})
    width, height = plots.SIZE
    assert sheet.size == (width, 5 * height)
    panels = [sheet.crop((0, height * i, width, height * (i + 1))) for i in range(5)]
    bars = [np.diff(bar_columns(panel) > 0).sum() // 2 for panel in panels]
    assert bars == [1, 2, 1, 1, 2]
