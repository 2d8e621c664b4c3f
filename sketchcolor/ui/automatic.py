"""The Automatic tab: a sketch in, a coloured picture out, nothing to decide."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import gradio as gr

from sketchcolor.images import Source, read_sketch
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import Colouring, Handover, build_result_panel, reveal, save_colouring
from sketchcolor.ui.widgets import (
    DEFAULT_RESOLUTION,
    MODEL_QUEUE,
    build_examples,
    build_settings,
    build_sketch_input,
    errors_as_sentences,
    refusal,
    report_progress,
)

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline


def colour_sketch(
    pipeline: "SketchColorPipeline",
    sketch: Source,
    seed: int | None = None,
    variants: int = 1,
    resolution: int = DEFAULT_RESOLUTION,
    keep_lines: bool = True,
    clean_paper: bool = True,
    paint_background: bool = False,
    on_step: Callable[[int, int], None] | None = None,
) -> Colouring:
    """Colours a sketch without any further wish of the visitor's.

    Args:
        pipeline: the loaded model.
        sketch: a drawing, or a photo or scan of one, as `images.read_sketch` takes it.
        seed: of the first variant, the next ones count on; None draws one.
        variants: how many colourings.
        resolution: side in px of the square area the network works at.
        keep_lines: put the sketch's own lines on top of the colours, untouched.
        clean_paper: take shadows and grey paper out of a photo or scan first.
        paint_background: colour the ground around the figure, too.
        on_step: called with (step, total) while the network works.

    Returns:
        The variants at the sketch's own size.

    Raises:
        ImageError: the sketch cannot be used.
        ValueError: a setting is outside what the pipeline takes.
    """
    start = time.perf_counter()
    original = read_sketch(sketch)
    output = pipeline(
        original,
        num_variants=variants,
        seed=seed,
        resolution=resolution,
        lines="keep" if keep_lines else "model",
        clean_paper=clean_paper,
        background="painted" if paint_background else "paper",
        callback=on_step,
    )
    return Colouring(original, output.images, output.seeds, time.perf_counter() - start)


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "automatic") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is up with its buttons out of use.
        examples: (title, path) of the sketches offered by one click.
        tab: begins the ids of the tab's components.

    Returns:
        The way to take the picture shown to another tab.
    """
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            sketch = build_sketch_input(tab)
            press = gr.Button(
                texts.COLOUR,
                variant="primary",
                size="lg",
                interactive=bool(models),
                elem_id=f"{tab}-colour",
                elem_classes="colour-button",
            )
            picked = build_examples(tab, examples, sketch)
            settings = build_settings(tab, models.names)
        with gr.Column(min_width=300):
            panel = build_result_panel(tab)

    def colour(
        sketch: str | None,
        seed: int | None,
        variants: int,
        resolution: int,
        keep_lines: bool,
        clean_paper: bool,
        model: str | None,
        paint_background: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple:
        with errors_as_sentences():
            pipeline = models[model]
            if sketch is None:
                raise refusal(texts.NO_SKETCH)
            progress(0, desc=texts.READING)
            colouring = colour_sketch(
                pipeline,
                sketch,
                seed,
                variants,
                resolution,
                keep_lines,
                clean_paper,
                paint_background,
                on_step=report_progress(progress),
            )
            progress(1, desc=texts.FINISHING)
            return panel.show(save_colouring(colouring, sketch))

    shared = {
        "fn": colour,
        "inputs": [sketch, *settings.inputs],
        "outputs": panel.outputs,
        "show_progress_on": panel.slider,
        "js": reveal(panel.slider),
        **MODEL_QUEUE,
    }
    no_api = {"api_visibility": "private"}
    # The empty seed is in its box before the colouring reads it.
    emptied = panel.buttons.another.click(**settings.empty_seed, **no_api)
    for colouring in (
        press.click(**shared, **no_api),
        picked.success(**shared, **no_api),
        emptied.success(**shared, **no_api),
    ):
        panel.unlock_after(colouring)
    return panel.handover
