"""The components of the Hint strokes tab, laid out."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gradio as gr

from sketchcolor.ui import texts
from sketchcolor.ui.hint_editor import Drawn, HintEditor, build_editor
from sketchcolor.ui.models import Models
from sketchcolor.ui.opening import Opening, build_opening
from sketchcolor.ui.result import Handover, ResultButtons, build_result_buttons
from sketchcolor.ui.session_buttons import SessionButtons, build_session_buttons
from sketchcolor.ui.widgets import NARROW

RESULT_HEIGHT = 520  # px


@dataclass(frozen=True)
class HintConditions:
    """The components that hints come from.

    Attributes:
        canvas: what is drawn on, with its colours and its brush.
        reference: takes colours for the brush from a picture.
        other: goes back to the sketch's box.
        live: whether every stroke is followed by a colouring.
    """

    canvas: HintEditor
    reference: gr.UploadButton
    other: gr.Button
    live: gr.Checkbox


@dataclass(frozen=True)
class HintControls:
    """The left side.

    Attributes:
        opening: all components.
        start: the column with the sketch's box, shown first.
        table: the column with canvas and settings, shown once there is a sketch.
    """

    opening: Opening[HintConditions]
    start: gr.Column
    table: gr.Column


@dataclass(frozen=True)
class HintResult:
    """The right side.

    Attributes:
        saved: state with the `SavedColouring` of the picture shown.
    """

    picture: gr.Image
    note: gr.Markdown
    buttons: ResultButtons
    session: SessionButtons
    saved: gr.State

    @property
    def handover(self) -> Handover:
        """The picture shown, for another tab to take."""
        return self.buttons.handover(self.saved)


def build_controls(
    tab: str, models: Models, examples: list[tuple[str, Path]], drawn: Drawn
) -> HintControls:
    """Lays out the left side.

    Args:
        tab: prefix of the element ids.
        models: to choose from.
        examples: (title, path) of the sketches offered by one click.
        drawn: what the canvas has sent, see `build_editor`.
    """
    start = gr.Column()
    # Hidden, not absent: a canvas that is built with hints on it may lose them.
    table = gr.Column(visible="hidden")
    opening = build_opening(
        tab,
        models,
        examples,
        texts.COLOUR_HINTS,
        partial(_build_conditions, tab, drawn),
        columns=(start, table),
    )
    # One picture follows the strokes; several to choose from are offered by the Automatic tab.
    opening.settings.variants.visible = False
    return HintControls(opening, start, table)


def build_result(tab: str) -> HintResult:
    """Lays out the right side; ``tab`` is the prefix of the element ids."""
    picture = gr.Image(
        label=texts.HINT_RESULT,
        type="filepath",
        image_mode=None,
        format="png",
        interactive=False,
        buttons=["fullscreen"],
        height=RESULT_HEIGHT,
        elem_id=f"{tab}-result",
        elem_classes="eyedropper",
    )
    note = gr.Markdown(texts.HINT_RESULT_WAITING, elem_id=f"{tab}-note", elem_classes="subdued")
    buttons = build_result_buttons(tab)
    return HintResult(picture, note, buttons, build_session_buttons(tab), gr.State())


def _build_conditions(tab: str, drawn: Drawn) -> HintConditions:
    gr.Markdown(texts.HINTS_HOWTO, elem_classes="subdued")
    canvas = build_editor(tab, drawn)
    narrow = {"size": "md", "min_width": NARROW}
    with gr.Row():
        reference = gr.UploadButton(
            texts.REFERENCE_SWATCHES,
            file_types=["image"],
            elem_id=f"{tab}-reference",
            **narrow,
        )
        other = gr.Button(texts.OTHER_SKETCH, elem_id=f"{tab}-other", **narrow)
    live = gr.Checkbox(True, label=texts.LIVE, elem_id=f"{tab}-live")
    return HintConditions(canvas, reference, other, live)
