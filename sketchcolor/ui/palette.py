"""The Palette tab: the picture keeps to the colours of another picture, a file or the visitor.

The functions that handle events come first; they work without a browser. `build_tab` lays the
components out and connects them.
"""

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.conditions.palette_files import built_in, load_palette, save_palette
from sketchcolor.images import read_image
from sketchcolor.ui import palette_editor as board
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_session, report_progress
from sketchcolor.ui.downloads import build_hidden_download, offer, stem_of
from sketchcolor.ui.models import Models
from sketchcolor.ui.opening import Opening, build_opening
from sketchcolor.ui.palette_controls import PaletteConditions, build_conditions
from sketchcolor.ui.result import (
    Handover,
    ResultPanel,
    build_result_panel,
    panel_values,
    reveal,
    save_colouring,
)
from sketchcolor.ui.session_buttons import (
    SessionButtons,
    build_session_buttons,
    connect_saving,
    read_session,
    unlock_after,
)
from sketchcolor.ui.settings import ColouringSettings, settings_update, with_settings
from sketchcolor.ui.widgets import MODEL_QUEUE, errors_as_sentences, refusal
from sketchcolor.ui.work import Work, start_work

PRIVATE = {"api_visibility": "private"}


def palette_file(palette: Palette | None, ending: str) -> str:
    """Writes a palette into Gradio's cache and returns the path of its file.

    Args:
        palette: what to save.
        ending: ``.gpl`` or ``.json``.

    Raises:
        ValueError: there is no palette.
    """
    if palette is None:
        raise ValueError(texts.EMPTY_BOARD)
    name = f"palette{ending}"
    with tempfile.TemporaryDirectory() as folder:
        save_palette(palette, Path(folder, name))
        return save_bytes_to_cache(Path(folder, name).read_bytes(), name, get_upload_folder())


@errors_as_sentences()
def save_board(ending: str, colours: str) -> str:
    """As `palette_file`, for the palette on the board."""
    return palette_file(board.palette_of(colours), ending)


@errors_as_sentences()
def colour(
    models: Models,
    work: Work | None,
    sketch: str | None,
    colours: str,
    settings: ColouringSettings,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
) -> tuple:
    """Colours the sketch in the palette; work on the same sketch keeps its hints.

    Args:
        models: those that the page offers.
        work: the visitor's work, or None before the first colouring.
        sketch: file of the sketch, or None where the box is empty.
        colours: the board's value.
        settings: how to colour.
        progress: the visitor's progress bar.

    Returns:
        Values for `ResultPanel.outputs`, the seed and the work.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    pipeline = models[settings.model]
    if sketch is None:
        raise refusal(texts.NO_SKETCH)
    settings = settings.with_seed()
    if work is None or Path(work.sketch).name != Path(sketch).name:
        work = Work(sketch=sketch, stem=stem_of(sketch), settings=settings)
    palette = board.palette_of(colours)
    work = replace(work, settings=settings, palette=palette, coloured=True)
    colouring = colour_session(
        pipeline, work.session(pipeline), settings.variants, report_progress(progress)
    )
    return *panel_values(save_colouring(colouring, work.stem, work)), settings.seed, work


@errors_as_sentences()
def colour_live(
    models: Models,
    live: bool,
    work: Work | None,
    sketch: str | None,
    colours: str,
    settings: ColouringSettings,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Any:
    """Colours after a change of the palette; without a seed in its box, with that of the work.

    Args:
        models: those that the page offers.
        live: whether the visitor wants this.
        work, sketch, colours, settings, progress: as in `colour`.

    Returns:
        What `colour` returns, or skipped updates where the picture would be the same.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    # Before the first picture there is nothing that could follow the palette.
    if not live or work is None or not work.coloured or sketch is None:
        return gr.skip()
    if _are_equal(board.palette_of(colours), work.palette):  # a lock, or another order
        return gr.skip()
    if settings.seed is None:
        settings = replace(settings, seed=work.settings.seed)
    return colour(models, work, sketch, colours, settings, progress)


@errors_as_sentences()
def take_ready(name: str, colours: str) -> str:
    """The board's value with a built-in palette."""
    return board.take_in(colours, built_in(name))


@errors_as_sentences()
def take_reference(file: str, colours: str) -> tuple[str, None]:
    """The board's value with a picture's palette; no built-in palette is chosen any more."""
    return board.take_in(colours, from_image(read_image(file))), None


@errors_as_sentences()
def take_file(file: str, colours: str) -> tuple[str, None]:
    """The board's value with a file's palette; no built-in palette is chosen any more."""
    return board.take_in(colours, load_palette(file)), None


@errors_as_sentences()
def load_session(models: Models, file: str) -> tuple:
    """Values for work, sketch, board, built-in palettes and all settings from a saved session."""
    session, stem = read_session(file, models)
    work = start_work(session, stem, models.name_for(session))
    colours = board.write(board.swatches_of(session.palette))
    return work, work.sketch, colours, None, *settings_update(work.settings)


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "palette") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is shown with its buttons disabled.
        examples: (title, path) of the sketches offered by one click.
        tab: prefix of the element ids.

    Returns:
        The picture shown, for another tab to take.
    """
    work = gr.State()
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            opening = build_opening(
                tab, models, examples, texts.COLOUR_PALETTE, partial(build_conditions, tab)
            )
        with gr.Column(min_width=300):
            panel = build_result_panel(tab)
            session = build_session_buttons(tab)
    download = build_hidden_download(f"{tab}-palette-file")

    _connect_colouring(models, work, opening, panel, session)
    connect_saving(session, models, work)
    for ending, button in opening.conditions.savers.items():
        offer(button, partial(save_board, ending), opening.conditions.board, download)
    return panel.handover


def _connect_colouring(
    models: Models,
    work: gr.State,
    opening: Opening[PaletteConditions],
    panel: ResultPanel,
    session: SessionButtons,
) -> None:
    """Connects what changes the palette or opens a sketch, and what colours it."""
    conditions, settings = opening.conditions, opening.settings
    inputs = [work, opening.sketch, conditions.board, *settings.inputs]
    running = {
        "outputs": [*panel.outputs, settings.seed, work],
        "show_progress_on": panel.slider,
        **MODEL_QUEUE,
        **PRIVATE,
    }
    pressed = {
        "fn": with_settings(colour, models),
        "inputs": inputs,
        "js": reveal(panel.slider),
        **running,
    }
    followed = {
        "fn": with_settings(colour_live, models),
        "inputs": [conditions.live, *inputs],
        **running,
    }
    taken = _connect_palettes(conditions)
    loaded = session.load.upload(
        partial(load_session, models),
        inputs=session.load,
        outputs=[work, opening.sketch, conditions.board, conditions.ready, *settings.inputs],
        **PRIVATE,
    )
    emptied = panel.buttons.another.click(**settings.empty_seed)
    for colouring in (
        opening.press.click(**pressed),
        opening.picked.success(**pressed),
        emptied.success(**pressed),
        loaded.success(**pressed),
        conditions.board.input(**followed, trigger_mode="always_last"),
        *(event.success(**followed) for event in taken),
    ):
        panel.unlock_after(colouring)
        unlock_after(colouring, work, [session.save])


def _connect_palettes(conditions: PaletteConditions) -> list[gr.events.Dependency]:
    """Connects what puts another palette on the board; returns the events that have done so."""
    colours, ready = conditions.board, conditions.ready
    reference, file = conditions.reference, conditions.file
    quick = {"show_progress": "hidden", **PRIVATE}
    return [
        ready.input(take_ready, [ready, colours], colours, **quick),
        reference.upload(take_reference, [reference, colours], [colours, ready], **quick),
        file.upload(take_file, [file, colours], [colours, ready], **quick),
    ]


def _are_equal(one: Palette | None, other: Palette | None) -> bool:
    """Whether the model gets the same tensors from both."""
    if one is None or other is None:
        return one is other
    return all(map(torch.equal, one.to_tensors(), other.to_tensors()))
