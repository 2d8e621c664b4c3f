"""The Change colours tab: parts of a finished colouring get other colours, without a network.

The functions that handle events come first; they work without a browser. `build_tab` lays the
components out and connects them.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from sketchcolor.ui import recolouring, texts
from sketchcolor.ui.colouring import report_progress
from sketchcolor.ui.downloads import build_hidden_download, offer
from sketchcolor.ui.layer_downloads import LayerDownloads, build_layer_downloads, layers_file
from sketchcolor.ui.models import Models
from sketchcolor.ui.part_viewer import build_viewer
from sketchcolor.ui.recolouring import Recolouring
from sketchcolor.ui.result import Handover, SavedColouring, save_png
from sketchcolor.ui.session_buttons import (
    SessionButtons,
    build_session_buttons,
    read_session,
    session_file,
)
from sketchcolor.ui.settings import draw_seed
from sketchcolor.ui.widgets import MODEL_QUEUE, NARROW, errors_as_sentences, refusal
from sketchcolor.ui.work import Work, start_work

PRIVATE = {"api_visibility": "private"}


def shown_work(file: str | None, saved: SavedColouring | None) -> Work:
    """The work that the picture shown in a tab came from.

    Raises:
        gr.Error: there is no colouring, or the server no longer has it.
    """
    names = {} if saved is None else {Path(v.picture).name: v.work for v in saved.variants}
    work = None if file is None else names.get(Path(file).name)
    if work is None:
        raise refusal(texts.EXPIRED)
    return work


def _open(models: Models, work: Work, progress: gr.Progress) -> tuple[Recolouring, dict[str, Any]]:
    """Values for state and viewer."""
    report = report_progress(progress)
    now, edited = recolouring.start(models[work.settings.model], work, report)
    return now, now.show(edited)


@errors_as_sentences()
def take_picture(
    models: Models,
    file: str | None,
    saved: SavedColouring | None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
) -> tuple:
    """Values for state and viewer from the picture that another tab shows."""
    return _open(models, shown_work(file, saved), progress)


@errors_as_sentences()
def load_session(
    models: Models,
    file: str,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple:
    """Values for state and viewer from a saved session."""
    session, stem = read_session(file, models)
    return _open(models, start_work(session, stem, models.name_for(session)), progress)


@errors_as_sentences()
def colour_anew(
    models: Models,
    now: Recolouring | None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple:
    """Values for state and viewer with another seed; locked parts keep their colours."""
    return _open(models, recolouring.carry_over(_known(now), draw_seed()), progress)


@errors_as_sentences()
def change(now: Recolouring | None, event: gr.EventData) -> tuple:
    """Values for state and viewer after what a visitor did in the viewer.

    What cannot be done leaves both as they are, with a sentence for the visitor.
    """
    now = _known(now)
    try:
        after, edited, selected = recolouring.change(now, dict(event._data))
    except ValueError as error:
        gr.Warning(str(error))
        after, edited, selected = now, now.load_edited(), None
    return after, after.show(edited, selected)


@errors_as_sentences()
def picture_file(now: Recolouring | None) -> str:
    """Writes the picture as a PNG into Gradio's cache; returns the file's path."""
    now = _known(now)
    return save_png(
        now.load_edited().picture, f"{now.work.stem}-coloured-{now.work.settings.seed}.png"
    )


@errors_as_sentences()
def edited_layers(ending: str, now: Recolouring | None) -> str:
    """Writes the layers of the picture; returns the file's path."""
    now = _known(now)
    return layers_file(now.load_edited(), now.work.stem, now.work.settings.seed, ending)


@errors_as_sentences()
def layers_of_result(
    models: Models, ending: str, file: str | None, saved: SavedColouring | None
) -> str:
    """Colours a shown picture again and writes its layers; returns the file's path."""
    work = shown_work(file, saved)
    pipeline = models[work.settings.model]
    stacks = pipeline(**work.session(pipeline).arguments()).layers
    if stacks is None:
        raise ValueError(texts.NO_PARTS)
    return layers_file(stacks[0], work.stem, work.settings.seed, ending)


@errors_as_sentences()
def save_session(models: Models, now: Recolouring | None) -> str:
    """Writes the session, edits included; returns the file's path."""
    return session_file(models, _known(now).work)


def _known(now: Recolouring | None) -> Recolouring:
    if now is None:
        raise refusal(texts.NO_COLOURING)
    return now


@dataclass(frozen=True)
class RecolourTab:
    """The tab's components that pictures of other tabs go to."""

    tab: str
    models: Models
    state: gr.State
    viewer: gr.HTML
    another: gr.Button
    download: gr.Button
    session: SessionButtons
    layers: LayerDownloads

    @property
    def buttons(self) -> list[gr.Button]:
        """Those that need a picture."""
        return [self.another, self.download, self.session.save, *self.layers.buttons.values()]

    def take_from(self, handover: Handover, tabs: gr.Tabs) -> None:
        """Makes a result's buttons bring its picture here, and download its layers."""
        shown = handover.recolour.click(
            lambda: gr.Tabs(selected=self.tab),
            outputs=tabs,
            queue=False,
            show_progress="hidden",
            **PRIVATE,
        )
        self._opened_by(
            shown.success(
                partial(take_picture, self.models),
                inputs=[handover.picture, handover.saved],
                **self._opening,
            )
        )
        handover.layers.connect(
            partial(layers_of_result, self.models),
            [handover.picture, handover.saved],
            **MODEL_QUEUE,
        )

    @property
    def _opening(self) -> dict[str, Any]:
        """Arguments for an event that brings another picture here."""
        return {
            "outputs": [self.state, self.viewer],
            "show_progress_on": self.viewer,
            **MODEL_QUEUE,
            **PRIVATE,
        }

    def _opened_by(self, event: gr.events.Dependency) -> None:
        event.success(
            lambda: [gr.update(interactive=True)] * len(self.buttons),
            outputs=self.buttons,
            queue=False,
            show_progress="hidden",
            **PRIVATE,
        )

    def connect(self) -> None:
        """Connects the tab's own events."""
        self.viewer.input(
            change,
            inputs=self.state,
            outputs=[self.state, self.viewer],
            queue=False,
            show_progress="hidden",
            trigger_mode="multiple",
            **PRIVATE,
        )
        for event, function, inputs in (
            (self.session.load.upload, load_session, self.session.load),
            (self.another.click, colour_anew, self.state),
        ):
            self._opened_by(event(partial(function, self.models), inputs, **self._opening))
        file = self.session.file
        offer(self.session.save, partial(save_session, self.models), self.state, file)
        offer(self.download, picture_file, self.state, build_hidden_download(f"{self.tab}-png"))
        self.layers.connect(edited_layers, [self.state])


def build_tab(models: Models, tab: str = "recolour") -> RecolourTab:
    """Lays the tab out inside the current Blocks and connects its own events.

    Args:
        models: that colour what is brought here.
        tab: prefix of the element ids.
    """
    viewer = build_viewer(f"{tab}-viewer")
    narrow = {"interactive": False, "size": "md", "min_width": NARROW}
    with gr.Row():
        another = gr.Button(texts.ANOTHER, elem_id=f"{tab}-another", **narrow)
        download = gr.Button(texts.DOWNLOAD, variant="primary", elem_id=f"{tab}-download", **narrow)
    layers = build_layer_downloads(tab)
    session = build_session_buttons(tab)
    built = RecolourTab(tab, models, gr.State(), viewer, another, download, session, layers)
    built.connect()
    return built
