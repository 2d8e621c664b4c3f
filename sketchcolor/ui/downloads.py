"""Downloads of files that are made on demand, and the names of downloads."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

MAX_STEM = 50  # characters of the sketch's name kept; Gradio cuts file names at 200 bytes
# Makes the browser click the hidden download once that has its file.
_FETCH = "() => setTimeout(() => document.querySelector('#{}').click(), 100)"


def stem_of(file: str | Path) -> str:
    """The prefix of the names of downloads: the file's own name, safe in every file system."""
    return re.sub(r"[^\w.-]+", "_", Path(file).stem)[:MAX_STEM] or "sketch"


def build_hidden_download(elem_id: str) -> gr.DownloadButton:
    """A hidden download for files that are made on demand, see `offer`."""
    return gr.DownloadButton(visible="hidden", elem_id=elem_id)


def offer(
    button: gr.Button,
    make: Callable,
    inputs: gr.components.Component | list[gr.components.Component],
    download: gr.DownloadButton,
    **event: Any,
) -> None:
    """Makes a button create a file and download it.

    Args:
        button: the button.
        make: returns the path of the file from the values of ``inputs``.
        inputs: components whose values ``make`` needs.
        download: from `build_hidden_download`.
        event: further arguments of the event that makes the file.
    """
    private = {"api_visibility": "private"}
    making = button.click(make, inputs=inputs, outputs=download, **private, **event)
    making.success(None, js=_FETCH.format(download.elem_id), **private)
