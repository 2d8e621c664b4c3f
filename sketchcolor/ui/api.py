"""Endpoints for programs: the tabs whose page functions follow a visitor's table, in one call each.

No endpoint gives a state back: a state among a tool's results breaks its call over MCP (Gradio
6.31). The components are never shown; through them Gradio checks every file that a caller names.
The Style tab's endpoint lies beside its page function, whose pictures come while it works.
"""

import json
import re

import gradio as gr
import numpy as np
from PIL import ImageColor

from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.images import read_image, read_sketch
from sketchcolor.session import MAX_COLORS, MAX_POINTS, Session
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.palette import FIRST_PALETTE
from sketchcolor.ui.result import build_result_panel, save_colouring
from sketchcolor.ui.widgets import (
    DEFAULT_RESOLUTION,
    MAX_VARIANTS,
    MODEL_QUEUE,
    FileInput,
    build_settings,
    errors_as_sentences,
    refusal,
    report_progress,
)
from sketchcolor.ui.work import colour_session, draw_seed

_SWATCH = re.compile(r"(#[0-9a-fA-F]{6})(?::(\d{0,3}\.?\d{1,9}))?")


def read_strokes(text: str) -> list[Stroke]:
    """Strokes from a JSON list of ``{"color", "width", "points"}`` in pixels of the sketch.

    Raises:
        ValueError: the text holds no strokes, or too many points.
    """
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = None
    if not isinstance(listed, list):
        raise ValueError(texts.BROKEN_STROKES)
    strokes = [Stroke.from_dict(stroke) for stroke in listed[: MAX_POINTS + 1]]
    if sum(len(stroke.points) for stroke in strokes) > MAX_POINTS:
        raise ValueError(texts.TOO_MANY_POINTS.format(MAX_POINTS))
    return strokes


def read_palette(text: str) -> Palette:
    """A built-in palette by name, or the colours written as ``#rrggbb`` or ``#rrggbb:share``.

    Raises:
        ValueError: the text is neither.
    """
    if text.strip() in BUILT_IN:
        return built_in(text.strip())
    swatches = [_SWATCH.fullmatch(word) for word in text.replace(",", " ").split()]
    if not all(swatches) or not 1 <= len(swatches) <= MAX_COLORS:
        raise ValueError(texts.BROKEN_PALETTE.format(", ".join(BUILT_IN)))
    shares = np.array([float(swatch[2] or 1.0) for swatch in swatches])
    if shares.sum() == 0:
        raise ValueError(texts.NO_SHARES)
    colors = [ImageColor.getrgb(swatch[1]) for swatch in swatches]
    return Palette(np.array(colors, np.uint8), (shares / shares.sum()).astype(np.float32))


def write_palette(palette: Palette) -> str:
    """What `read_palette` reads."""
    colors = zip(palette.to_hex(), palette.weights, strict=True)
    return " ".join(f"{color}:{share:.4f}" for color, share in colors)


def build_endpoints(models: Models) -> None:
    """Adds the endpoints to the current Blocks; without a model they say that there is none."""
    with gr.Column(visible=False):
        sketch = FileInput(label=texts.SKETCH, type="filepath")
        strokes = gr.Textbox(label=texts.STROKES)
        palette = gr.Textbox(FIRST_PALETTE, label=texts.PALETTE)
        picture = FileInput(label=texts.PALETTE_FROM_PICTURE, type="filepath")
        colours = gr.Textbox(label=texts.PALETTE)
        wishes = build_settings("api", models.names).inputs
        panel = build_result_panel("api")
        call = gr.Button()

    def colour(
        file: str | None,
        seed: int | None,
        variants: int,
        resolution: int,
        keep_lines: bool,
        clean_paper: bool,
        model: str | None,
        paint_background: bool,
        progress: gr.Progress,
        strokes: list[Stroke] | None = None,
        palette: Palette | None = None,
    ) -> tuple:
        """Values for all of ``panel.outputs`` but the state."""
        pipeline = models[model]
        if file is None:
            raise refusal(texts.NO_SKETCH)
        if variants not in range(1, MAX_VARIANTS + 1):
            raise refusal(texts.OTHER_VARIANTS.format(MAX_VARIANTS))
        session = Session(
            sketch=read_sketch(file),
            seed=draw_seed() if seed is None else seed,
            strokes=strokes,
            palette=palette,
            resolution=resolution,
            keep_lines=keep_lines,
            clean_paper=clean_paper,
            paint_background=paint_background,
        )
        colouring = colour_session(pipeline, session, variants, report_progress(progress))
        return panel.show(save_colouring(colouring, file))[:-1]

    def colour_automatic(
        sketch: str | None,
        seed: int | None = None,
        variants: int = 1,
        resolution: int = DEFAULT_RESOLUTION,
        keep_lines: bool = True,
        clean_paper: bool = True,
        model: str | None = None,
        paint_background: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple:
        """Colours a line drawing; the model chooses the colours.

        Args:
            sketch: picture file of the drawing, a photo or scan of one too.
            seed: 0 or more; the same one gives the same colouring, none gives a surprise.
            variants: how many colourings, 1 to 4; their seeds count on.
            resolution: fineness of the colours, 384, 512 or 768; finer takes longer.
            keep_lines: lay the drawing's own lines over the colours, untouched.
            clean_paper: take shadows and grey paper out of a photo or scan first.
            model: name of one that this page offers; none is its first.
            paint_background: colour the ground around the figure, too, instead of leaving it
                white where no stroke asks for a colour; not every model has this choice.

        Returns:
            the pair (sketch, first colouring), every colouring, the first colouring as a PNG of
            the drawing's size, and a line saying its size, seed and time.
        """
        with errors_as_sentences():
            wishes = (seed, variants, resolution, keep_lines, clean_paper, model, paint_background)
            return colour(sketch, *wishes, progress)

    def colour_hints(
        sketch: str | None,
        strokes: str,
        seed: int | None = None,
        variants: int = 1,
        resolution: int = DEFAULT_RESOLUTION,
        keep_lines: bool = True,
        clean_paper: bool = True,
        model: str | None = None,
        paint_background: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        """Colours a line drawing with colours where strokes put them.

        Args:
            sketch: picture file of the drawing, a photo or scan of one too.
            strokes: a JSON list of {"color": "#rrggbb", "width": diameter, "points": [[x, y], …]}
                in pixels of the drawing; a point alone is a dot.
            seed: 0 or more; the same one gives the same colouring, none gives a surprise.
            variants: how many colourings, 1 to 4; their seeds count on.
            resolution: fineness of the colours, 384, 512 or 768; finer takes longer.
            keep_lines: lay the drawing's own lines over the colours, untouched.
            clean_paper: take shadows and grey paper out of a photo or scan first.
            model: name of one that this page offers; none is its first.
            paint_background: colour the ground around the figure, too, instead of leaving it
                white where no stroke asks for a colour; not every model has this choice.

        Returns:
            what colour_automatic returns.
        """
        with errors_as_sentences():
            wishes = (seed, variants, resolution, keep_lines, clean_paper, model, paint_background)
            return colour(sketch, *wishes, progress, strokes=read_strokes(strokes))

    def colour_palette(
        sketch: str | None,
        palette: str = FIRST_PALETTE,
        seed: int | None = None,
        variants: int = 1,
        resolution: int = DEFAULT_RESOLUTION,
        keep_lines: bool = True,
        clean_paper: bool = True,
        model: str | None = None,
        paint_background: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        """Colours a line drawing in the colours of a palette.

        Args:
            sketch: picture file of the drawing, a photo or scan of one too.
            palette: autumn-hike, night-city, school-day or strawberry-milk; or colours with
                their shares of the picture, like #c03040:0.6 #f6d57a:0.4, as
                palette_of_picture writes them.
            seed: 0 or more; the same one gives the same colouring, none gives a surprise.
            variants: how many colourings, 1 to 4; their seeds count on.
            resolution: fineness of the colours, 384, 512 or 768; finer takes longer.
            keep_lines: lay the drawing's own lines over the colours, untouched.
            clean_paper: take shadows and grey paper out of a photo or scan first.
            model: name of one that this page offers; none is its first.
            paint_background: colour the ground around the figure, too, instead of leaving it
                white where no stroke asks for a colour; not every model has this choice.

        Returns:
            what colour_automatic returns.
        """
        with errors_as_sentences():
            wishes = (seed, variants, resolution, keep_lines, clean_paper, model, paint_background)
            return colour(sketch, *wishes, progress, palette=read_palette(palette))

    def palette_of_picture(picture: str | None) -> str:
        """Takes the main colours from a picture, for colour_palette.

        Args:
            picture: picture file, of any kind.

        Returns:
            up to nine colours with their shares of the picture, like #c03040:0.6 #f6d57a:0.4.
        """
        with errors_as_sentences():
            return write_palette(from_image(read_image(picture)))

    asked = {colour_automatic: [], colour_hints: [strokes], colour_palette: [palette]}
    for function, conditions in asked.items():
        call.click(
            function,
            inputs=[sketch, *conditions, *wishes],
            outputs=panel.outputs[:-1],
            api_name=function.__name__,
            **MODEL_QUEUE,
        )
    call.click(
        palette_of_picture, inputs=picture, outputs=colours, api_name=palette_of_picture.__name__
    )
