"""Bar charts of an evaluation, after figures 15 to 19 of seed 003."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .similarity import INTERVALS

__all__ = ["bar_chart", "similarity_sheet"]

SIZE = (560, 340)
MARGINS = (64, 36, 16, 52)  # left, top, right, bottom
INK, BAR, GRID = "#222222", "#4c78a8", "#dddddd"
TICKS = 5
BARS = 20  # where the paper prints no intervals


def similarity_sheet(measures: dict[str, Any]) -> Image.Image:
    """The five figures for one protocol of an evaluation, from top to bottom.

    Args:
        measures: of :func:`sketchcolor.evaluation.evaluate`, with ``per_image`` and
            ``pixel_difference_histogram``.
    """
    images = measures["per_image"]
    shares = measures["pixel_difference_histogram"]
    differences, _ = np.histogram(images["pixel_difference"], INTERVALS)
    panels = [bar_chart("Pixel difference (figure 15)", "% of black to white", INTERVALS, shares)]
    for name, title in (
        ("ssim", "Structural similarity (figure 16)"),
        ("colour_emd", "Earth mover's distance of colour histograms (figure 17)"),
        ("sift_similarity", "SIFT similarity (figure 18)"),
    ):
        highest = max([1.0 if name != "colour_emd" else 1e-3, *images[name]])
        counts, edges = np.histogram(images[name], BARS, (min([0.0, *images[name]]), highest))
        panels.append(bar_chart(title, "images by index", edges, counts))
    title = "Difference of original and coloured picture (figure 19)"
    panels.append(bar_chart(title, "images by % of black to white", INTERVALS, differences))
    sheet = Image.new("RGB", (SIZE[0], SIZE[1] * len(panels)))
    for row, panel in enumerate(panels):
        sheet.paste(panel, (0, row * SIZE[1]))
    return sheet


def bar_chart(
    title: str, label: str, edges: Sequence[float], heights: Sequence[float]
) -> Image.Image:
    """A histogram as a picture of ``SIZE``.

    Args:
        title, label: above it and below.
        edges: of the bars, ascending, one more than there are bars.
        heights: of the bars, not negative.
    """
    chart = Image.new("RGB", SIZE, "white")
    pen, font = ImageDraw.Draw(chart), ImageFont.load_default(13)
    left, top = MARGINS[:2]
    right, bottom = SIZE[0] - MARGINS[2], SIZE[1] - MARGINS[3]
    highest = max(*heights, 1e-9)

    def across(value: float) -> float:
        return left + (value - edges[0]) / (edges[-1] - edges[0]) * (right - left)

    def up(height: float) -> float:
        return bottom - height / highest * (bottom - top)

    pen.text((left, 10), title, INK, font)
    pen.text(((left + right) / 2, SIZE[1] - 8), label, INK, font, anchor="ms")
    for share in np.linspace(0, 1, TICKS):
        height, value = share * highest, edges[0] + share * (edges[-1] - edges[0])
        pen.line((left, up(height), right, up(height)), GRID)
        pen.text((left - 6, up(height)), f"{height:.3g}", INK, font, anchor="rm")
        pen.text((across(value), bottom + 6), f"{value:.3g}", INK, font, anchor="mt")
    for begin, end, height in zip(edges[:-1], edges[1:], heights, strict=True):
        if height > 0:
            pen.rectangle((across(begin) + 1, up(height), across(end) - 1, bottom), BAR)
    pen.line((left, bottom, right, bottom), INK)
    return chart
