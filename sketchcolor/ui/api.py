"""Endpoints for programs: one call each for what the colouring tabs do in several events.

No endpoint returns a state: a state among a tool's results breaks its call over MCP (Gradio 6.31).
The components are never shown; through them Gradio checks every file that a caller names. The
endpoint of the Style tab is in `style`, because it yields previews as its page does.
"""

from pathlib import Path

import gradio as gr

from sketchcolor.conditions import Stroke
from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.images import read_image
from sketchcolor.style import pictures as style_pictures
from sketchcolor.style.settings import REGIONS, Region, StyleBlend
from sketchcolor.style.styled import StyledPipeline
from sketchcolor.ui import style as style_tab
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_sketch, report_progress
from sketchcolor.ui.conditions import read_palette, read_strokes, write_palette
from sketchcolor.ui.models import Models
from sketchcolor.ui.palette_controls import FIRST_PALETTE
from sketchcolor.ui.result import build_result_panel, panel_values, save_colouring
from sketchcolor.ui.settings import ColouringSettings, build_settings
from sketchcolor.ui.widgets import (
    DEFAULT_RESOLUTION,
    MAX_VARIANTS,
    MODEL_QUEUE,
    FileInput,
    errors_as_sentences,
    refusal,
)


class Endpoints:
    """The endpoints that colour; they work without a page.

    Their docstrings are what programs and MCP clients read.

    Args:
        models: to choose from; without any each call says that there is none.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    @errors_as_sentences()
    def colour_automatic(
        self,
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
        settings = ColouringSettings(
            seed, variants, resolution, keep_lines, clean_paper, model, paint_background
        )
        return self._colour(sketch, settings, progress)

    @errors_as_sentences()
    def colour_hints(
        self,
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
        settings = ColouringSettings(
            seed, variants, resolution, keep_lines, clean_paper, model, paint_background
        )
        return self._colour(sketch, settings, progress, strokes=read_strokes(strokes))

    @errors_as_sentences()
    def colour_palette(
        self,
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
        settings = ColouringSettings(
            seed, variants, resolution, keep_lines, clean_paper, model, paint_background
        )
        return self._colour(sketch, settings, progress, palette=read_palette(palette))

    @errors_as_sentences()
    def colour_in_style(
        self,
        sketch: str | None,
        style: str = style_pictures.BUILT_IN[0],
        own: str | None = None,
        strength: float = 1.0,
        keep_colours: bool = False,
        region: Region = "all",
        strokes: str = "[]",
        palette: str = "",
        seed: int | None = None,
        variants: int = 1,
        resolution: int = DEFAULT_RESOLUTION,
        keep_lines: bool = True,
        clean_paper: bool = True,
        model: str | None = None,
        paint_background: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        """Colours a line drawing and paints the colouring in a style, in one call.

        Args:
            sketch: picture file of the drawing, a photo or scan of one too.
            style: brush, halftone, watercolour or ink-wash.
            own: file of a style picture of your own, in place of style, or none.
            strength: 0 leaves the colouring as it is, 1 is the style in full.
            keep_colours: only light and dark follow the style.
            region: where the style is seen, all, figure or background.
            strokes: colours where they should be, as colour_hints takes them.
            palette: colours to keep to, as colour_palette takes them; none leaves them to the
                model.
            seed: 0 or more; the same one gives the same colouring, none gives a surprise.
            variants: how many colourings, 1 to 4; painting takes half a minute for each.
            resolution: fineness of the colours, 384, 512 or 768; finer takes longer.
            keep_lines: lay the drawing's own lines over the paint, untouched.
            clean_paper: take shadows and grey paper out of a photo or scan first.
            model: name of one that this page offers; none is its first.
            paint_background: colour the ground around the figure, too, instead of leaving it
                white where no stroke asks for a colour; not every model has this choice.

        Returns:
            what colour_automatic returns, painted.
        """
        settings = ColouringSettings(
            seed, variants, resolution, keep_lines, clean_paper, model, paint_background
        )
        pipeline = StyledPipeline(
            self._models[settings.model],
            style if own is None else Path(own),
            style_tab.shared_transfer(),
            StyleBlend(strength, keep_colours, region),
            on_step=lambda done: progress((done.iteration, done.iterations), desc=texts.PAINTING),
        )
        colours = read_palette(palette) if palette.strip() else None
        return self._colour(sketch, settings, progress, read_strokes(strokes), colours, pipeline)

    def _colour(
        self,
        file: str | None,
        settings: ColouringSettings,
        progress: gr.Progress,
        strokes: list[Stroke] | None = None,
        palette: Palette | None = None,
        styled: StyledPipeline | None = None,
    ) -> tuple:
        """Values for `ResultPanel.outputs` without the state."""
        pipeline = styled or self._models[settings.model]
        if file is None:
            raise refusal(texts.NO_SKETCH)
        if settings.variants not in range(1, MAX_VARIANTS + 1):
            raise refusal(texts.OTHER_VARIANTS.format(MAX_VARIANTS))
        colouring = colour_sketch(
            pipeline, file, settings, strokes, palette, report_progress(progress)
        )
        return panel_values(save_colouring(colouring, file))[:-1]


@errors_as_sentences()
def palette_of_picture(picture: str | None) -> str:
    """Takes the main colours from a picture, for colour_palette.

    Args:
        picture: picture file, of any kind.

    Returns:
        up to nine colours with their shares of the picture, like #c03040:0.6 #f6d57a:0.4.
    """
    # None gets a sentence there.
    return write_palette(from_image(read_image(picture)))  # type: ignore[arg-type]


def build_endpoints(models: Models) -> None:
    """Adds the endpoints to the current Blocks; without a model they say that there is none."""
    with gr.Column(visible=False):
        sketch = FileInput(label=texts.SKETCH, type="filepath")
        strokes = gr.Textbox(label=texts.STROKES)
        palette = gr.Textbox(FIRST_PALETTE, label=texts.PALETTE)
        picture = FileInput(label=texts.PALETTE_FROM_PICTURE, type="filepath")
        colours = gr.Textbox(label=texts.PALETTE)
        style = gr.Dropdown(style_pictures.BUILT_IN, label=texts.STYLE)
        own = FileInput(label=texts.STYLE_OF_YOUR_OWN, type="filepath")
        blend = StyleBlend()
        strength = gr.Slider(0, 1, blend.strength, label=texts.STRENGTH)
        keep_colours = gr.Checkbox(blend.keep_colours, label=texts.KEEP_COLOURS)
        region = gr.Radio(list(REGIONS), value=blend.region, label=texts.REGION)
        some_strokes = gr.Textbox("[]", label=texts.STROKES)
        some_palette = gr.Textbox("", label=texts.PALETTE)
        settings = build_settings("api", models.names).inputs
        panel = build_result_panel("api")
        call = gr.Button()

    endpoints = Endpoints(models)
    styling = [style, own, strength, keep_colours, region, some_strokes, some_palette]
    for function, conditions, queue in (
        (endpoints.colour_automatic, [], MODEL_QUEUE),
        (endpoints.colour_hints, [strokes], MODEL_QUEUE),
        (endpoints.colour_palette, [palette], MODEL_QUEUE),
        (endpoints.colour_in_style, styling, style_tab.STYLE_QUEUE),
    ):
        call.click(
            function,
            inputs=[sketch, *conditions, *settings],
            outputs=panel.outputs[:-1],
            api_name=function.__name__,
            **queue,
        )
    call.click(
        palette_of_picture, inputs=picture, outputs=colours, api_name=palette_of_picture.__name__
    )
