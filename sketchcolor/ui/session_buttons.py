"""Saving what a picture was made from, and going on with it later."""

from collections.abc import Callable
from dataclasses import dataclass

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import stem_of
from sketchcolor.ui.widgets import NARROW, errors_as_sentences, refusal
from sketchcolor.ui.work import Work

SUFFIX = "-session"
# Once the hidden button has its file, the browser is told to fetch it.
_FETCH = "() => setTimeout(() => document.querySelector('#{}').click(), 100)"


@dataclass(frozen=True)
class SessionButtons:
    """Buttons that save and load a session; ``load``'s upload event is the tab's to connect."""

    save: gr.Button
    load: gr.UploadButton
    file: gr.DownloadButton


def build_session_buttons(tab: str) -> SessionButtons:
    """Lays the two buttons out in one row; ``tab`` begins their ids."""
    narrow = {"size": "md", "min_width": NARROW}
    with gr.Row():
        save = gr.Button(
            texts.SAVE_SESSION, interactive=False, elem_id=f"{tab}-save-session", **narrow
        )
        load = gr.UploadButton(
            texts.LOAD_SESSION, file_types=[".json"], elem_id=f"{tab}-load-session", **narrow
        )
    return SessionButtons(save, load, build_hidden_download(f"{tab}-session-file"))


def connect_saving(buttons: SessionButtons, models: Models, work: gr.State) -> None:
    """Connects "save": the session on the table goes to the visitor as a file."""

    def save(work: Work | None) -> str:
        with errors_as_sentences():
            if work is None:
                raise refusal(texts.NO_SKETCH)
            text = work.session(models[work.model]).to_json()
            return save_bytes_to_cache(
                text.encode(), f"{work.stem}{SUFFIX}.json", get_upload_folder()
            )

    offer(buttons.save, save, work, buttons.file)


def read_session(file: str, models: Models) -> tuple[Session, str]:
    """The session in a visitor's file and the stem of its downloads; says if the model differs.

    Raises:
        SessionError: the file holds no usable session.
    """
    session = Session.load(file)
    if models and (note := session.model_note(models[models.name_for(session)])):
        gr.Info(note)
    return session, stem_of(file).removesuffix(SUFFIX)


def build_hidden_download(elem_id: str) -> gr.DownloadButton:
    """A download without a button of its own, for files that are made when they are asked for."""
    return gr.DownloadButton(visible="hidden", elem_id=elem_id)


def offer(
    button: gr.Button,
    make: Callable,
    inputs: gr.components.Component | list[gr.components.Component],
    download: gr.DownloadButton,
) -> None:
    """At a press of the button, makes a file and hands it to the browser.

    Args:
        button: what is pressed.
        make: gives the path of the file from the values of ``inputs``.
        inputs: components whose values ``make`` needs.
        download: from `build_hidden_download`.
    """
    private = {"api_visibility": "private"}
    making = button.click(make, inputs=inputs, outputs=download, **private)
    making.success(None, js=_FETCH.format(download.elem_id), **private)


def unlock_after(
    colouring: gr.events.Dependency, work: gr.State, buttons: list[gr.components.Component]
) -> None:
    """Once a picture is shown, offers what can be done with it."""
    colouring.success(
        lambda work: dict.fromkeys(
            buttons, gr.update(interactive=work is not None and work.coloured)
        ),
        inputs=work,
        outputs=buttons,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )
