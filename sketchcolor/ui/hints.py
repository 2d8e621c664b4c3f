"""The Hint strokes tab: colours where the visitor wants them, and sessions to go on with later."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from sketchcolor.conditions.palette import from_image
from sketchcolor.images import read_image, read_sketch
from sketchcolor.session import Session
from sketchcolor.ui import hint_editor as board
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from sketchcolor.ui.result import (
    Handover,
    ResultButtons,
    SavedColouring,
    build_result_buttons,
    save_colouring,
    stem_of,
)
from sketchcolor.ui.session_buttons import (
    SessionButtons,
    build_session_buttons,
    connect_saving,
    read_session,
    unlock_after,
)
from sketchcolor.ui.widgets import (
    MODEL_QUEUE,
    NARROW,
    build_examples,
    build_settings,
    build_sketch_input,
    errors_as_sentences,
    refusal,
    report_progress,
    resolution_update,
)
from sketchcolor.ui.work import Work, colour_session, draw_seed, read_canvas, start_work

RESULT_HEIGHT = 520


def pick_colour(picture: Image.Image, at: tuple[int, int]) -> str:
    """The colour ``#rrggbb`` of a picture around a pixel: the median of 3×3, lines being thin."""
    x, y = (min(max(int(c), 0), side - 1) for c, side in zip(at, picture.size, strict=True))
    box = max(x - 1, 0), max(y - 1, 0), min(x + 2, picture.width), min(y + 2, picture.height)
    patch = picture.convert("RGB").crop(box)
    channels = (sorted(patch.getchannel(name).tobytes()) for name in "RGB")
    return "#" + bytes(values[len(values) // 2] for values in channels).hex()


@dataclass(frozen=True)
class HintResult:
    """The components of the result side."""

    picture: gr.Image
    note: gr.Markdown
    buttons: ResultButtons
    session: SessionButtons


def build_tab(models: Models, examples: list[tuple[str, Path]], tab: str = "hints") -> Handover:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        models: to choose from; without any the page is up with its buttons out of use.
        examples: (title, path) of the sketches offered by one click.
        tab: begins the ids of the tab's components.

    Returns:
        The way to take the picture shown to another tab.
    """
    work_state, saved = gr.State(), gr.State()
    drawn = board.Drawn(visible="hidden")
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            with gr.Column() as start:
                sketch = build_sketch_input(tab)
                build_examples(tab, examples, sketch)
            # Hidden, not absent: a canvas that is built with hints on it may lose them.
            with gr.Column(visible="hidden") as table:
                gr.Markdown(texts.HINTS_HOWTO, elem_classes="subdued")
                canvas = board.build_editor(tab, drawn)
                with gr.Row():
                    reference = gr.UploadButton(
                        texts.REFERENCE_SWATCHES,
                        file_types=["image"],
                        size="md",
                        min_width=NARROW,
                        elem_id=f"{tab}-reference",
                    )
                    other = gr.Button(
                        texts.OTHER_SKETCH, size="md", min_width=NARROW, elem_id=f"{tab}-other"
                    )
                live = gr.Checkbox(True, label=texts.LIVE, elem_id=f"{tab}-live")
                press = gr.Button(
                    texts.COLOUR_HINTS,
                    variant="primary",
                    size="lg",
                    interactive=bool(models),
                    elem_id=f"{tab}-colour",
                    elem_classes="colour-button",
                )
                settings = build_settings(tab, models.names)
                # One picture follows the strokes; several to choose from are the first tab's.
                settings.variants.visible = False
        with gr.Column(min_width=300):
            result = _build_result(tab)

    shaping = [
        settings.resolution,
        settings.keep_lines,
        settings.clean_paper,
        settings.model,
        settings.paint_background,
    ]
    shown = [result.picture, result.note, result.buttons.download, work_state, saved]
    private = {"api_visibility": "private"}

    def colour(work: Work, progress: gr.Progress) -> tuple:
        """Values for ``shown``."""
        pipeline = models[work.model]
        colouring = colour_session(
            pipeline, work.session(pipeline), on_step=report_progress(progress)
        )
        files = save_colouring(colouring, work.stem)
        variant = files.variants[0]
        work = replace(work, coloured=True)
        return variant.preview, variant.note, variant.picture, work, files

    def wished(work: Work | None, value: dict | None, *wishes: Any) -> Work:
        if work is None:
            raise refusal(texts.NO_SKETCH)
        resolution, keep_lines, clean_paper, model, paint_background = wishes
        return replace(
            read_canvas(work, value),
            resolution=resolution,
            keep_lines=keep_lines,
            clean_paper=clean_paper,
            paint_background=paint_background,
            model=model,
        )

    def colour_pressed(
        work: Work | None,
        value: dict | None,
        seed: int | None,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple:
        with errors_as_sentences():
            seed = draw_seed() if seed is None else seed
            now = replace(wished(work, value, *wishes), seed=seed)
            return *colour(now, progress), seed

    def colour_opened(
        work: Work | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        # Either the box was only emptied for the next sketch, or the canvas has told of the sketch
        # that the page put on it, and was quicker.
        if work is None or work.coloured:
            return tuple(gr.skip() for _ in shown)
        with errors_as_sentences():
            return colour(work, progress)

    def colour_live(
        live: bool,
        work: Work | None,
        value: dict | None,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        # The canvas also reports what the page itself puts on it: nothing new, nothing to do. Nor
        # is there where it lost its sketch to the next one, whose work may be here already.
        if not live or work is None or not models or not board.has_sketch(value):
            return tuple(gr.skip() for _ in shown)
        with errors_as_sentences():
            now = wished(work, value, *wishes)
            if work.coloured and now == work:
                return tuple(now if part is work_state else gr.skip() for part in shown)
            return colour(now, progress)

    def open_session(session: Session, stem: str, model: str | None) -> tuple:
        """Values for ``opened``."""
        return (
            start_work(session, stem, model),
            board.canvas(session.sketch, session.hints),
            board.brush_radius(session.sketch.size),
            gr.update(visible=False),
            gr.update(visible=True),
            session.seed,
        )

    def open_sketch(
        file: str | None,
        resolution: int,
        keep_lines: bool,
        clean_paper: bool,
        model: str | None,
        paint_background: bool,
    ) -> tuple:
        if file is None:  # the box was emptied
            return tuple(gr.skip() for _ in opened)
        with errors_as_sentences():
            session = Session(
                read_sketch(file),
                seed=draw_seed(),
                resolution=resolution,
                keep_lines=keep_lines,
                clean_paper=clean_paper,
                paint_background=paint_background,
            )
            return open_session(session, stem_of(file), model)

    def load_session(file: str) -> tuple:
        with errors_as_sentences():
            session, stem = read_session(file, models)
            model = models.name_for(session)
            return (
                *open_session(session, stem, model),
                resolution_update(session.resolution),
                session.keep_lines,
                session.clean_paper,
                model,
                session.paint_background,
            )

    opened = [work_state, canvas.editor, canvas.radius, start, table, settings.seed]
    # Not on the canvas or on what it stands in: see `HintEditor`.
    aside = {"show_progress_on": result.picture, **private}
    running = {**aside, **MODEL_QUEUE}

    opening = sketch.change(open_sketch, inputs=[sketch, *shaping], outputs=opened, **aside)
    loading = result.session.load.upload(
        load_session, inputs=result.session.load, outputs=[*opened, *shaping], **aside
    )
    # Another seed is another picture: only a button asks for that, strokes stay with theirs.
    pressed = {
        "fn": colour_pressed,
        "inputs": [work_state, drawn, settings.seed, *shaping],
        "outputs": [*shown, settings.seed],
        **running,
    }
    colourings = [
        press.click(**canvas.read).success(**pressed),
        # Not the canvas's `input`: that comes before the stroke itself, a `read` would miss it.
        gr.on(
            [canvas.editor.change, *(setting.input for setting in shaping)], **canvas.read
        ).success(
            colour_live,
            inputs=[live, work_state, drawn, *shaping],
            outputs=shown,
            trigger_mode="always_last",
            **running,
        ),
        result.buttons.another.click(**settings.empty_seed, **private)
        .success(**canvas.read)
        .success(**pressed),
    ]
    for event in (opening, loading):
        event.success(**canvas.set_brush)
        colourings.append(event.success(colour_opened, inputs=work_state, outputs=shown, **running))
    for colouring in colourings:
        unlock_after(colouring, work_state, [*result.buttons.all, result.session.save])

    _connect_colours(canvas, result.picture, reference, saved)
    connect_saving(result.session, models, work_state)

    def put_back(work: Work | None) -> tuple:
        """Clearing the canvas takes the sketch away too."""
        if work is None or not Path(work.sketch).is_file():
            return gr.skip(), gr.skip()
        return replace(work, settled=True), board.canvas(read_sketch(work.sketch))

    canvas.editor.clear(
        put_back,
        inputs=work_state,
        outputs=[work_state, canvas.editor],
        queue=False,
        show_progress="hidden",
        **aside,
    )
    other.click(
        lambda: (None, None, gr.update(visible=True), gr.update(visible="hidden"), None),
        outputs=[work_state, canvas.editor, start, table, sketch],
        queue=False,
        show_progress="hidden",
        **aside,
    )
    return Handover(result.buttons.restyle, result.buttons.download, saved)


def _build_result(tab: str) -> HintResult:
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
    return HintResult(picture, note, buttons, build_session_buttons(tab))


def _connect_colours(
    canvas: board.HintEditor, picture: gr.Image, reference: gr.UploadButton, saved: gr.State
) -> None:
    """Colours for the brush from the result and from a reference picture."""

    def pick(saved: SavedColouring | None, swatches: str, event: gr.SelectData) -> str:
        if saved is None or not Path(saved.variants[0].preview).is_file():
            raise refusal(texts.EXPIRED)
        with Image.open(saved.variants[0].preview) as shown:
            return board.add_swatches(swatches, [pick_colour(shown, event.index)])

    def take(file: str, swatches: str) -> str:
        with errors_as_sentences():
            return board.add_swatches(swatches, from_image(read_image(file)).to_hex())

    quick = {"outputs": canvas.swatches, "show_progress": "hidden", "api_visibility": "private"}
    for event in (
        picture.select(pick, inputs=[saved, canvas.swatches], queue=False, **quick),
        reference.upload(take, inputs=[reference, canvas.swatches], **quick),
    ):
        event.success(**canvas.set_brush)
