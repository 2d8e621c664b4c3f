"""The buttons that save and load a session, and downloads of files made on demand."""

from dataclasses import dataclass
from functools import partial

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.downloads import build_hidden_download, offer, stem_of
from sketchcolor.ui.models import Models
from sketchcolor.ui.widgets import NARROW, errors_as_sentences, refusal
from sketchcolor.ui.work import Work

SUFFIX = "-session"


@dataclass(frozen=True)
class SessionButtons:
    """Buttons that save and load a session; each tab connects the upload event of ``load``."""

    save: gr.Button
    load: gr.UploadButton
    file: gr.DownloadButton


def build_session_buttons(tab: str) -> SessionButtons:
    """Lays the two buttons out in one row; ``tab`` is the prefix of their element ids."""
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
    """Makes the save button download the visitor's work as a session file."""
    offer(buttons.save, partial(session_file, models), work, buttons.file)


@errors_as_sentences()
def session_file(models: Models, work: Work | None) -> str:
    """Writes a visitor's work into Gradio's cache as a session; returns the file's path.

    Raises:
        gr.Error: there is no work, or the server no longer has its files.
    """
    if work is None:
        raise refusal(texts.NO_SKETCH)
    text = work.session(models[work.settings.model]).to_json()
    return save_bytes_to_cache(text.encode(), f"{work.stem}{SUFFIX}.json", get_upload_folder())


def read_session(file: str, models: Models) -> tuple[Session, str]:
    """Reads a session from a visitor's file and informs the visitor if its model was another one.

    Returns:
        The session and the prefix of its downloads' names.

    Raises:
        SessionError: the file holds no usable session.
    """
    session = Session.load(file)
    if models and (note := session.model_note(models[models.name_for(session)])):
        gr.Info(note)
    return session, stem_of(file).removesuffix(SUFFIX)


def unlock_after(
    colouring: gr.events.Dependency, work: gr.State, buttons: list[gr.components.Component]
) -> None:
    """Enables the buttons once that event has shown a picture."""
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
