"""The Automatic tab: a sketch in, a coloured picture out; the model chooses the colours."""

from pathlib import Path

import gradio as gr

from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_sketch, report_progress
from sketchcolor.ui.downloads import stem_of
from sketchcolor.ui.models import Models
from sketchcolor.ui.opening import Opening, build_opening
from sketchcolor.ui.result import (
    Handover,
    build_result_panel,
    panel_values,
    reveal,
    save_colouring,
)
from sketchcolor.ui.settings import ColouringSettings, with_settings
from sketchcolor.ui.widgets import MODEL_QUEUE, errors_as_sentences, refusal
from sketchcolor.ui.work import Work


@errors_as_sentences()
def colour(
    models: Models,
    sketch: str | None,
    settings: ColouringSettings,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
) -> tuple:
    """Colours the sketch in the tab's box.

    Args:
        models: those that the page offers.
        sketch: file of the sketch, or None where the box is empty.
        settings: how to colour.
        progress: the visitor's progress bar.

    Returns:
        Values for `ResultPanel.outputs`.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    pipeline = models[settings.model]
    if sketch is None:
        raise refusal(texts.NO_SKETCH)
    progress(0, desc=texts.READING)
    colouring = colour_sketch(pipeline, sketch, settings, on_step=report_progress(progress))
    progress(1, desc=texts.FINISHING)
    work = Work(sketch, stem_of(sketch), settings)
    return panel_values(save_colouring(colouring, sketch, work))


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "automatic") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is shown with its buttons disabled.
        examples: (title, path) of the sketches offered by one click.
        tab: prefix of the element ids.

    Returns:
        The picture shown, for another tab to take.
    """
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            opening: Opening[None] = build_opening(tab, models, examples, texts.COLOUR)
        with gr.Column(min_width=300):
            panel = build_result_panel(tab)

    colouring = {
        "fn": with_settings(colour, models),
        "inputs": [opening.sketch, *opening.settings.inputs],
        "outputs": panel.outputs,
        "show_progress_on": panel.slider,
        "js": reveal(panel.slider),
        "api_visibility": "private",
        **MODEL_QUEUE,
    }
    # The seed's box is emptied before the colouring reads it.
    emptied = panel.buttons.another.click(**opening.settings.empty_seed)
    for event in (
        opening.press.click(**colouring),
        opening.picked.success(**colouring),
        emptied.success(**colouring),
    ):
        panel.unlock_after(event)
    return panel.handover
