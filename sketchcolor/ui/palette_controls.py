"""The components of the Palette tab, laid out."""

from dataclasses import dataclass

import gradio as gr

from sketchcolor.conditions.palette_files import BUILT_IN, built_in
from sketchcolor.ui import texts
from sketchcolor.ui.palette_editor import build_board
from sketchcolor.ui.widgets import NARROW

FIRST_PALETTE = "strawberry-milk"
FORMATS = (".gpl", ".json")


@dataclass(frozen=True)
class PaletteConditions:
    """The components that a palette comes from.

    Attributes:
        board: the palette itself.
        ready: the built-in palettes.
        reference: takes a palette from a picture.
        file: takes a palette from a file.
        savers: for each of `FORMATS` a button that saves the palette.
        live: whether every change of the palette is followed by a colouring.
    """

    board: gr.HTML
    ready: gr.Radio
    reference: gr.UploadButton
    file: gr.UploadButton
    savers: dict[str, gr.Button]
    live: gr.Checkbox


def build_conditions(tab: str) -> PaletteConditions:
    """Lays the components out; ``tab`` is the prefix of the element ids."""
    narrow = {"size": "md", "min_width": NARROW}
    gr.Markdown(texts.PALETTE_HOWTO, elem_classes="subdued")
    board = build_board(tab, built_in(FIRST_PALETTE))
    ready = gr.Radio(
        [(name.replace("-", " ").capitalize(), name) for name in BUILT_IN],
        value=FIRST_PALETTE,
        label=texts.READY_PALETTES,
        elem_id=f"{tab}-ready",
    )
    with gr.Row():
        reference = gr.UploadButton(
            texts.PALETTE_FROM_PICTURE,
            file_types=["image"],
            elem_id=f"{tab}-reference",
            **narrow,
        )
        file = gr.UploadButton(
            texts.PALETTE_FROM_FILE,
            file_types=list(FORMATS),
            elem_id=f"{tab}-file",
            **narrow,
        )
    with gr.Row():
        savers = {
            ending: gr.Button(
                texts.SAVE_PALETTE.format(ending),
                elem_id=f"{tab}-save-{ending.strip('.')}",
                **narrow,
            )
            for ending in FORMATS
        }
    live = gr.Checkbox(True, label=texts.LIVE_PALETTE, elem_id=f"{tab}-live")
    return PaletteConditions(board, ready, reference, file, savers, live)
