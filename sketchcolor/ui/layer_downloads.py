"""The fold of buttons that download a colouring's layers as a file of a paint program."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from sketchcolor.layers.files import save_layers
from sketchcolor.layers.stack import LayerStack
from sketchcolor.ui import texts
from sketchcolor.ui.downloads import build_hidden_download, offer
from sketchcolor.ui.widgets import NARROW


@dataclass(frozen=True)
class LayerDownloads:
    """A button for each kind of file, by its ending, and the hidden download."""

    buttons: dict[str, gr.Button]
    file: gr.DownloadButton

    def connect(self, make: Callable, inputs: list[gr.components.Component], **event: Any) -> None:
        """Makes each button download its kind of file.

        Args:
            make: called with the ending and the values of ``inputs``; returns the file's path.
            inputs: components whose values it needs.
            event: further arguments of the events.
        """
        for ending, button in self.buttons.items():
            offer(button, partial(make, ending), inputs, self.file, **event)


def build_layer_downloads(tab: str) -> LayerDownloads:
    """Lays the fold out, its buttons disabled; ``tab`` is the prefix of the element ids."""
    with gr.Accordion(texts.DOWNLOAD_LAYERS, open=False, elem_id=f"{tab}-layers"):
        with gr.Row():
            buttons = {
                ending: gr.Button(
                    label,
                    interactive=False,
                    size="md",
                    min_width=NARROW,
                    elem_id=f"{tab}-layers-{ending[1:]}",
                )
                for ending, label in texts.LAYER_KINDS.items()
            }
    return LayerDownloads(buttons, build_hidden_download(f"{tab}-layers-file"))


def layers_file(stack: LayerStack, stem: str, seed: int | None, ending: str) -> str:
    """Writes layers into Gradio's cache; returns the path of the file.

    Args:
        stack: of the colouring.
        stem: prefix of the file's name. seed: of the colouring.
        ending: one of `layers.files.FORMATS`.
    """
    name = f"{stem}-layers-{seed}{ending}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        save_layers(stack, path)
        return save_bytes_to_cache(path.read_bytes(), name, get_upload_folder())
