"""The endpoint for programs that work with the parts of a colouring: edits, and layers."""

import json
from typing import Any

import gradio as gr

from sketchcolor.images import read_sketch
from sketchcolor.layers.edits import Edit, read_edits
from sketchcolor.layers.files import FORMATS
from sketchcolor.layers.repaint import inner_point
from sketchcolor.layers.stack import LayerStack
from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import report_progress
from sketchcolor.ui.conditions import read_palette, read_strokes
from sketchcolor.ui.downloads import stem_of
from sketchcolor.ui.layer_downloads import layers_file
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import save_png
from sketchcolor.ui.settings import ColouringSettings, build_settings
from sketchcolor.ui.widgets import (
    DEFAULT_RESOLUTION,
    MODEL_QUEUE,
    FileInput,
    errors_as_sentences,
    refusal,
)

NO_LAYERS = "none"


class PartsEndpoint:
    """The endpoint; it works without a page.

    Args:
        models: to choose from; without any each call says that there is none.
    """

    def __init__(self, models: Models) -> None:
        self._models = models

    @errors_as_sentences()
    def colour_parts(
        self,
        sketch: str | None,
        edits: str = "[]",
        layers: str = NO_LAYERS,
        strokes: str = "[]",
        palette: str = "",
        seed: int | None = None,
        resolution: int = DEFAULT_RESOLUTION,
        clean_paper: bool = True,
        model: str | None = None,
        paint_background: bool = False,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple[str, str, str | None]:
        """Colours a line drawing, changes the colours of its parts, and gives it in layers.

        Call it once without edits to learn where the parts are; with the same seed and the edits
        the second picture differs from the first in those alone.

        Args:
            sketch: picture file of the drawing, a photo or scan of one too.
            edits: a JSON list of changes in their order, each at a place [x, y] in pixels of the
                drawing: {"edit": "recolour", "at": [x, y], "color": "#rrggbb"},
                {"edit": "merge", "at": [x, y], "other": [x, y]},
                {"edit": "split", "points": [[x, y], …], "width": diameter},
                {"edit": "rename", "at": [x, y], "name": "hair"},
                {"edit": "lock", "at": [x, y], "locked": true}.
            layers: a file of layers for paint programs, ora, psd or zip; none makes no such file.
            strokes: colours where they should be, as colour_hints takes them.
            palette: colours to keep to, as colour_palette takes them; none leaves them to the
                model.
            seed: 0 or more; the same one gives the same colouring, none gives a surprise.
            resolution: fineness of the colours, 384, 512 or 768; finer takes longer.
            clean_paper: take shadows and grey paper out of a photo or scan first.
            model: name of one that this page offers; none is its first.
            paint_background: colour the ground around the figure, too, instead of leaving it
                white where no stroke asks for a colour; not every model has this choice.

        Returns:
            the picture as a PNG of the drawing's size; JSON with the seed and the parts, largest
            first, each with a place on it, its color, area in pixels, name and lock; and the file
            of layers, or none.
        """
        if sketch is None:
            raise refusal(texts.NO_SKETCH)
        if layers != NO_LAYERS and f".{layers}" not in FORMATS:
            kinds = ", ".join(ending[1:] for ending in FORMATS)
            raise refusal(texts.OTHER_LAYERS.format(kinds, NO_LAYERS))
        settings = ColouringSettings(
            seed=seed,
            resolution=resolution,
            clean_paper=clean_paper,
            model=model,
            paint_background=paint_background,
        ).with_seed()
        session = Session(
            read_sketch(sketch),
            strokes=read_strokes(strokes),
            palette=read_palette(palette) if palette.strip() else None,
            edits=read_edit_text(edits),
            **settings.session_fields,
        )
        pipeline = self._models[settings.model]
        stacks = pipeline(**session.arguments(), callback=report_progress(progress)).layers
        if stacks is None:
            raise refusal(texts.NO_PARTS)
        stem = stem_of(sketch)
        picture = save_png(stacks[0].picture, f"{stem}-coloured-{session.seed}.png")
        described = json.dumps({"seed": session.seed, "parts": describe(stacks[0])})
        if layers == NO_LAYERS:
            return picture, described, None
        return picture, described, layers_file(stacks[0], stem, session.seed, f".{layers}")


def describe(stack: LayerStack) -> list[dict[str, Any]]:
    """The parts for programs, each with a place on it."""
    return [
        {
            "at": list(inner_point(stack.label, part.label)),
            "color": part.color,
            "area": part.area,
            "name": part.name,
            "locked": part.locked,
        }
        for part in stack.parts.parts
    ]


def read_edit_text(text: str) -> tuple[Edit, ...]:
    """Edits from JSON text.

    Raises:
        ValueError: the text is none, or holds no edits.
    """
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        listed = None
    return read_edits(listed)


def build_endpoint(models: Models) -> None:
    """Adds the endpoint to the current Blocks; its components are never shown."""
    with gr.Column(visible=False):
        sketch = FileInput(label=texts.SKETCH, type="filepath")
        edits = gr.Textbox("[]", label=texts.EDITS)
        kinds = [NO_LAYERS, *(ending[1:] for ending in FORMATS)]
        layers = gr.Dropdown(kinds, value=NO_LAYERS, label=texts.LAYERS)
        strokes = gr.Textbox("[]", label=texts.STROKES)
        palette = gr.Textbox("", label=texts.PALETTE)
        settings = build_settings("api-parts", models.names)
        picture = gr.File(label=texts.RESULT)
        parts = gr.Textbox(label=texts.PARTS)
        file = gr.File(label=texts.LAYERS)
        call = gr.Button()
    call.click(
        PartsEndpoint(models).colour_parts,
        inputs=[
            sketch,
            edits,
            layers,
            strokes,
            palette,
            settings.seed,
            settings.resolution,
            settings.clean_paper,
            settings.model,
            settings.paint_background,
        ],
        outputs=[picture, parts, file],
        api_name="colour_parts",
        **MODEL_QUEUE,
    )
