"""Bar charts of an evaluation (Grover & Banker, figures 15 to 19) and line charts of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from .similarity import INTERVALS

__all__ = ["bar_chart", "line_chart", "similarity_sheet", "stack"]

SIZE = (560, 340)  # px
MARGINS = (64, 36, 16, 52)  # left, top, right, bottom, px
TEXT_COLOR, GRID_COLOR = "#222222", "#dddddd"
COLORS = ("#4c78a8", "#e45756", "#54a24b")  # of bars the first, of lines one each
TICKS = 5
BARS = 20  # of histograms for which the paper gives no intervals


def similarity_sheet(measures: dict[str, Any]) -> Image.Image:
    """The five figures for one protocol of an evaluation, from top to bottom.

    Args:
        measures: of :func:`sketchcolor.evaluation.evaluate.evaluate`, with ``per_image``.
    """
    images = measures["per_image"]
    differences, _ = np.histogram(images["pixel_difference"], INTERVALS)
    panels = []
    for name, title in (
        ("pixel_similarity", "Pixel similarity, L1 (figure 15)"),
        ("ssim", "Structural similarity (figure 16)"),
        ("colour_emd", "Earth mover's distance of colour histograms (figure 17)"),
        ("sift_similarity", "SIFT similarity (figure 18)"),
    ):
        highest = max([1.0 if name != "colour_emd" else 1e-3, *images[name]])
        counts, edges = np.histogram(images[name], BARS, (min([0.0, *images[name]]), highest))
        panels.append(bar_chart(title, "images by index", edges, counts))
    title = "Difference of original and coloured picture (figure 19)"
    panels.append(bar_chart(title, "images by % of black to white", INTERVALS, differences))
    return stack(panels)


def stack(panels: Sequence[Image.Image]) -> Image.Image:
    """Stacks charts vertically."""
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] * len(panels)))
    for row, panel in enumerate(panels):
        sheet.paste(panel, (0, row * SIZE[1]))
    return sheet


def bar_chart(title: str, label: str, edges: ArrayLike, heights: ArrayLike) -> Image.Image:
    """A histogram as a picture of ``SIZE``.

    Args:
        title, label: text above and below the chart.
        edges: of the bars, ascending, one more than bars.
        heights: of the bars, not negative.
    """
    bounds, tops = np.asarray(edges, float), np.asarray(heights, float)
    axes = _Axes(title, label, (bounds[0], bounds[-1]), (0.0, max(*tops, 1e-9)))
    for begin, end, height in zip(bounds[:-1], bounds[1:], tops, strict=True):
        if height > 0:
            box = (axes.across(begin) + 1, axes.up(height), axes.across(end) - 1, axes.up(0.0))
            axes.pen.rectangle(box, COLORS[0])
    return axes.chart


def line_chart(
    title: str, label: str, across: Sequence[float], lines: Mapping[str, Sequence[float]]
) -> Image.Image:
    """Up to three lines as a picture of ``SIZE``, with their names above in their colours.

    Args:
        title, label: text above and below the chart.
        across: x values of all lines, ascending.
        lines: y values by name.
    """
    values = [value for line in lines.values() for value in line]
    low, high = min(values), max(values)
    margin = 0.05 * (high - low) or 1e-3
    axes = _Axes(title, label, (across[0], across[-1]), (low - margin, high + margin))
    x = float(SIZE[0] - MARGINS[2])
    colors = COLORS[: len(lines)]
    for (name, line), color in zip(reversed(list(lines.items())), reversed(colors), strict=True):
        points = [(axes.across(at), axes.up(value)) for at, value in zip(across, line, strict=True)]
        axes.pen.line(points, color, width=2)
        for point in points:
            axes.pen.circle(point, 2, color)
        axes.pen.text((x, 10), name, color, axes.font, anchor="ra")
        x -= axes.pen.textlength(name, axes.font) + 14
    return axes.chart


class _Axes:
    """An empty chart with title, grid and tick labels.

    Args:
        title, label: text above and below the chart.
        width, height: ranges of the x and y values.
    """

    def __init__(
        self, title: str, label: str, width: tuple[float, float], height: tuple[float, float]
    ) -> None:
        self.width, self.height = width, height
        self.chart = Image.new("RGB", SIZE, "white")
        self.pen, self.font = ImageDraw.Draw(self.chart), ImageFont.load_default(13)
        left, right, bottom = MARGINS[0], SIZE[0] - MARGINS[2], SIZE[1] - MARGINS[3]
        self.pen.text((left, 10), title, TEXT_COLOR, self.font)
        middle = ((left + right) / 2, SIZE[1] - 8)
        self.pen.text(middle, label, TEXT_COLOR, self.font, anchor="ms")
        for up, across in zip(np.linspace(*height, TICKS), np.linspace(*width, TICKS), strict=True):
            y = self.up(up)
            self.pen.line((left, y, right, y), GRID_COLOR)
            self.pen.text((left - 6, y), f"{up:.3g}", TEXT_COLOR, self.font, anchor="rm")
            place = (self.across(across), bottom + 6)
            self.pen.text(place, f"{across:.4g}", TEXT_COLOR, self.font, anchor="mt")
        self.pen.line((left, bottom, right, bottom), TEXT_COLOR)

    def across(self, value: float) -> float:
        """x value → pixels from the left."""
        left, right = MARGINS[0], SIZE[0] - MARGINS[2]
        low, high = self.width
        return left + (value - low) / (high - low or 1.0) * (right - left)

    def up(self, value: float) -> float:
        """y value → pixels from the top."""
        top, bottom = MARGINS[1], SIZE[1] - MARGINS[3]
        low, high = self.height
        return bottom - (value - low) / (high - low) * (bottom - top)
