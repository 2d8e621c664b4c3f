"""The Hint strokes tab: colours where the visitor puts them, and sessions that can be saved.

The functions that handle events come first; they work without a browser. `build_tab` lays the
components out and connects them.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from sketchcolor.conditions.palette import from_image
from sketchcolor.images import read_image, read_sketch
from sketchcolor.session import Session
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_session, report_progress
from sketchcolor.ui.downloads import stem_of
from sketchcolor.ui.hint_controls import HintControls, HintResult, build_controls, build_result
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import Handover, SavedColouring, save_colouring
from sketchcolor.ui.session_buttons import connect_saving, read_session, unlock_after
from sketchcolor.ui.settings import (
    ColouringSettings,
    draw_seed,
    settings_update,
    with_settings,
)
from sketchcolor.ui.widgets import MODEL_QUEUE, errors_as_sentences, refusal
from sketchcolor.ui.work import Work, read_canvas, start_work

PRIVATE = {"api_visibility": "private"}


def pick_colour(picture: Image.Image, at: tuple[int, int]) -> str:
    """The colour ``#rrggbb`` of a picture at a pixel: the median of 3×3, because lines are thin."""
    x, y = (min(max(int(c), 0), side - 1) for c, side in zip(at, picture.size, strict=True))
    box = max(x - 1, 0), max(y - 1, 0), min(x + 2, picture.width), min(y + 2, picture.height)
    patch = picture.convert("RGB").crop(box)
    channels = (sorted(patch.getchannel(name).tobytes()) for name in "RGB")
    return "#" + bytes(values[len(values) // 2] for values in channels).hex()


def colour(models: Models, work: Work, progress: gr.Progress) -> tuple:
    """Colours a visitor's work.

    Returns:
        Values for picture, note, download, work and saved colouring.
    """
    pipeline = models[work.settings.model]
    colouring = colour_session(pipeline, work.session(pipeline), on_step=report_progress(progress))
    files = save_colouring(colouring, work.stem, work)
    variant = files.variants[0]
    return variant.preview, variant.note, variant.picture, replace(work, coloured=True), files


@errors_as_sentences()
def colour_pressed(
    models: Models,
    work: Work | None,
    value: dict[str, Any] | None,
    settings: ColouringSettings,
    progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
) -> tuple:
    """Colours when a button asks for it, which may change the seed.

    Args:
        models: those that the page offers.
        work: the visitor's work, or None before there is a sketch.
        value: the canvas's value.
        settings: how to colour.
        progress: the visitor's progress bar.

    Returns:
        What `colour` returns, and the seed.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    if work is None:
        raise refusal(texts.NO_SKETCH)
    settings = settings.with_seed()
    work = replace(read_canvas(work, value), settings=settings)
    return *colour(models, work, progress), settings.seed


@errors_as_sentences()
def colour_opened(
    models: Models,
    work: Work | None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Any:
    """Colours a sketch or a session that was just opened; returns what `colour` returns."""
    # Either the sketch's box was only emptied for the next sketch, or the canvas has reported the
    # sketch that the page put on it, and `colour_live` was quicker.
    if work is None or work.coloured:
        return gr.skip()
    return colour(models, work, progress)


@errors_as_sentences()
def colour_live(
    models: Models,
    live: bool,
    work: Work | None,
    value: dict[str, Any] | None,
    settings: ColouringSettings,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> Any:
    """Colours after a stroke or a change of the settings; the seed stays that of the work.

    Args:
        models: those that the page offers.
        live: whether the visitor wants this.
        work, value, settings, progress: as in `colour_pressed`.

    Returns:
        What `colour` returns, or skipped updates where the picture would be the same.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    # The canvas also reports what the page itself puts on it, which changes nothing, and that it
    # lost its sketch to the next one, whose work may be here already.
    if not live or work is None or not models or not editor.has_sketch(value):
        return gr.skip()
    settings = replace(settings, seed=work.settings.seed)
    now = replace(read_canvas(work, value), settings=settings)
    if work.coloured and now == work:
        return gr.skip(), gr.skip(), gr.skip(), now, gr.skip()
    return colour(models, now, progress)


@errors_as_sentences()
def open_sketch(file: str | None, settings: ColouringSettings) -> Any:
    """Puts the sketch of a file on the canvas, with a new seed.

    Returns:
        What `open_session` returns; skipped updates where the sketch's box was emptied.
    """
    if file is None:
        return gr.skip()
    settings = replace(settings, seed=draw_seed())
    session = Session(read_sketch(file), **settings.session_fields)
    return open_session(session, stem_of(file), settings.model)


@errors_as_sentences()
def load_session(models: Models, file: str) -> tuple:
    """Puts a saved session on the canvas.

    Returns:
        What `open_session` returns except the seed, and values for all settings.
    """
    session, stem = read_session(file, models)
    model = models.name_for(session)
    *opened, _ = open_session(session, stem, model)
    return *opened, *settings_update(ColouringSettings.from_session(session, model))


def open_session(session: Session, stem: str, model: str | None) -> tuple:
    """Values for work, canvas, brush radius, the two columns of the left side, and the seed."""
    return (
        start_work(session, stem, model),
        editor.canvas(session.sketch, session.hints),
        editor.brush_radius(session.sketch.size),
        gr.update(visible=False),
        gr.update(visible=True),
        session.seed,
    )


def restore_sketch(work: Work | None) -> tuple:
    """Values for work and canvas after Gradio's clear button, which removes the sketch as well."""
    if work is None or not Path(work.sketch).is_file():
        return gr.skip(), gr.skip()
    return replace(work, settled=True), editor.canvas(read_sketch(work.sketch))


def close_sketch() -> tuple:
    """Values for work, canvas, the two columns of the left side, and the sketch's box."""
    return None, None, gr.update(visible=True), gr.update(visible="hidden"), None


def take_colour(saved: SavedColouring | None, swatches: str, event: gr.SelectData) -> str:
    """Puts the colour of the result's clicked pixel into the brush; returns the swatches' value.

    Raises:
        gr.Error: the server no longer has the result.
    """
    if saved is None or not Path(saved.variants[0].preview).is_file():
        raise refusal(texts.EXPIRED)
    with Image.open(saved.variants[0].preview) as shown:
        return editor.add_swatches(swatches, [pick_colour(shown, event.index)])


@errors_as_sentences()
def take_reference(file: str, swatches: str) -> str:
    """Adds the main colours of a picture to the swatches; returns the swatches' value."""
    return editor.add_swatches(swatches, from_image(read_image(file)).to_hex())


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "hints") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is shown with its buttons disabled.
        examples: (title, path) of the sketches offered by one click.
        tab: prefix of the element ids.

    Returns:
        The picture shown, for another tab to take.
    """
    work = gr.State()
    drawn = editor.Drawn(visible="hidden")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            controls = build_controls(tab, models, examples, drawn)
        with gr.Column(min_width=300):
            result = build_result(tab)
    _connect_colouring(models, work, controls, result)
    _connect_brush_colours(controls, result)
    connect_saving(result.session, models, work)
    _connect_clearing(work, controls, result)
    return result.handover


def _connect_colouring(
    models: Models, work: gr.State, controls: HintControls, result: HintResult
) -> None:
    """Connects what opens a sketch and what colours it."""
    opening, canvas = controls.opening, controls.opening.conditions.canvas
    settings = opening.settings
    # Not on the canvas or on what replaces it: see `HintEditor`.
    aside = {"show_progress_on": result.picture, **PRIVATE}
    running = {**aside, **MODEL_QUEUE}
    shown = [result.picture, result.note, result.buttons.download, work, result.saved]
    opened = [work, canvas.editor, canvas.radius, controls.start, controls.table]

    sketch_opened = opening.sketch.change(
        with_settings(open_sketch),
        inputs=[opening.sketch, *settings.inputs],
        outputs=[*opened, settings.seed],
        **aside,
    )
    session_loaded = result.session.load.upload(
        partial(load_session, models),
        inputs=result.session.load,
        outputs=[*opened, *settings.inputs],
        **aside,
    )
    # Another seed is another picture: only a button asks for that, strokes keep theirs.
    pressed = {
        "fn": with_settings(colour_pressed, models),
        "inputs": [work, canvas.drawn, *settings.inputs],
        "outputs": [*shown, settings.seed],
        **running,
    }
    colourings = [
        opening.press.click(**canvas.read).success(**pressed),
        # Not the canvas's `input`: that comes before the stroke itself, a `read` would miss it.
        gr.on(
            [canvas.editor.change, *(control.input for control in settings.without_seed)],
            **canvas.read,
        ).success(
            with_settings(colour_live, models),
            inputs=[opening.conditions.live, work, canvas.drawn, *settings.inputs],
            outputs=shown,
            trigger_mode="always_last",
            **running,
        ),
        result.buttons.another.click(**settings.empty_seed)
        .success(**canvas.read)
        .success(**pressed),
    ]
    for event in (sketch_opened, session_loaded):
        event.success(**canvas.set_brush)
        colourings.append(
            event.success(partial(colour_opened, models), inputs=work, outputs=shown, **running)
        )
    for colouring in colourings:
        unlock_after(colouring, work, [*result.buttons.all, result.session.save])


def _connect_brush_colours(controls: HintControls, result: HintResult) -> None:
    """Connects what takes colours for the brush, from the result and from a picture."""
    canvas, reference = (
        controls.opening.conditions.canvas,
        controls.opening.conditions.reference,
    )
    quick = {"outputs": canvas.swatches, "show_progress": "hidden", **PRIVATE}
    for event in (
        result.picture.select(
            take_colour, inputs=[result.saved, canvas.swatches], queue=False, **quick
        ),
        reference.upload(take_reference, inputs=[reference, canvas.swatches], **quick),
    ):
        event.success(**canvas.set_brush)


def _connect_clearing(work: gr.State, controls: HintControls, result: HintResult) -> None:
    """Connects the canvas's clear button and the button that goes back to the sketch's box."""
    canvas, other = controls.opening.conditions.canvas, controls.opening.conditions.other
    quick = {
        "queue": False,
        "show_progress": "hidden",
        "show_progress_on": result.picture,
        **PRIVATE,
    }
    canvas.editor.clear(restore_sketch, inputs=work, outputs=[work, canvas.editor], **quick)
    other.click(
        close_sketch,
        outputs=[work, canvas.editor, controls.start, controls.table, controls.opening.sketch],
        **quick,
    )
