"""The left side that all colouring tabs begin with: sketch, examples, colour button, settings."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import gradio as gr

from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.settings import SettingControls, build_settings
from sketchcolor.ui.widgets import FileInput, build_picture_input

SKETCH_HEIGHT = 360  # px

Conditions = TypeVar("Conditions")  # the components of a tab's own conditions


@dataclass(frozen=True)
class Opening(Generic[Conditions]):
    """The components that a colouring begins with.

    Attributes:
        sketch: the box for the line art.
        picked: the event after which an example is in ``sketch``; chain on its ``success``.
        press: the button that colours.
        settings: the settings under it.
        conditions: the tab's own components, hints or palette, or None.
    """

    sketch: FileInput
    picked: gr.events.Dependency
    press: gr.Button
    settings: SettingControls
    conditions: Conditions


def build_opening(
    tab: str,
    models: Models,
    examples: list[tuple[str, Path]],
    button: str,
    build_conditions: Callable[[], Conditions] | None = None,
    columns: tuple[gr.Column, gr.Column] | None = None,
) -> Opening[Conditions]:
    """Lays the opening out in the current Blocks.

    Args:
        tab: prefix of the element ids.
        models: to choose from; without any the button is disabled.
        examples: (title, path) of the sketches offered by one click.
        button: text of the button.
        build_conditions: lays out the tab's own components above the button. Without it the
            button is directly under the sketch's box.
        columns: one for sketch and examples and one for the rest, to be shown in turn; None
            puts both into the current column.
    """
    conditions: Any = None
    first, second = columns or (nullcontext(), nullcontext())
    with first:
        sketch = build_sketch_input(tab)
        if build_conditions is None:
            press = _build_button(tab, models, button)
        picked = _build_examples(tab, examples, sketch)
    with second:
        if build_conditions is not None:
            conditions = build_conditions()
            press = _build_button(tab, models, button)
        settings = build_settings(tab, models.names)
    return Opening(sketch, picked, press, settings, conditions)


def build_sketch_input(tab: str) -> FileInput:
    """The box for the line art; ``tab`` is the prefix of its element id."""
    return build_picture_input(
        texts.SKETCH, texts.SKETCH_PLACEHOLDER, SKETCH_HEIGHT, f"{tab}-sketch", webcam=True
    )


def _build_button(tab: str, models: Models, text: str) -> gr.Button:
    return gr.Button(
        text,
        variant="primary",
        size="lg",
        interactive=bool(models),
        elem_id=f"{tab}-colour",
        elem_classes="colour-button",
    )


def _build_examples(
    tab: str, examples: list[tuple[str, Path]], sketch: FileInput
) -> gr.events.Dependency:
    """Thumbnails that fill the sketch's box; returns the event that has filled it."""
    # Served where they lie: an installed package is outside the folders Gradio may copy from.
    gr.set_static_paths([path for _, path in examples])
    gr.HTML(texts.EXAMPLES, elem_classes="subdued", padding=False)
    gallery = gr.Gallery(
        [(str(path), title) for title, path in examples],
        label=texts.EXAMPLES,
        show_label=False,
        allow_preview=False,
        interactive=False,
        object_fit="contain",
        buttons=[],
        elem_id=f"{tab}-examples",
        elem_classes="thumbnails",
    )

    def pick(event: gr.SelectData) -> str:
        return str(examples[event.index][1])

    return gallery.select(
        pick, outputs=sketch, queue=False, show_progress="hidden", api_visibility="private"
    )
