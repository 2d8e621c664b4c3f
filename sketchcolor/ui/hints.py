"""The Hint strokes tab: colours where the visitor wants them, and sessions to go on with later."""

import io
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.conditions.palette import Palette, from_image
from sketchcolor.images import read_image, read_sketch
from sketchcolor.session import Session, model_name
from sketchcolor.ui import editor as board
from sketchcolor.ui import texts
from sketchcolor.ui.result import MAX_STEM, Colouring, SavedColouring, save_colouring
from sketchcolor.ui.shared import (
    DEFAULT_RESOLUTION,
    MODEL_QUEUE,
    build_examples,
    build_settings,
    build_sketch_input,
    errors_as_sentences,
    refusal,
    report_progress,
)

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline

SEEDS = 2**31  # drawn below this, as the pipeline does
RESULT_HEIGHT = 520
NARROW = 130  # px; two buttons share a row on a phone
QUICK_PNG = 1  # compression of files that only this tab reads
# Once the hidden button has its file, the browser is told to fetch it.
FETCH = "() => setTimeout(() => document.querySelector('#{}').click(), 100)"


@dataclass(frozen=True)
class Work:
    """A session as files, small enough to be a visitor's state.

    Attributes:
        sketch: PNG file of the sketch as it was read, own size.
        stem: begins the names of what is downloaded.
        layer: PNG file of the hints at the sketch's size, or None.
        drawn: fingerprint of the canvas that ``layer`` was read from or shown on.
        palette: of a loaded session, or None.
        seed, resolution, keep_lines, clean_paper: as in `Session`.
        coloured: whether the page shows the picture of just this.
        settled: whether the canvas is known to show ``layer``; it arrives there after the sketch.
    """

    sketch: str
    stem: str
    seed: int
    layer: str | None = None
    drawn: str = ""
    palette: Palette | None = field(default=None, compare=False)
    resolution: int = DEFAULT_RESOLUTION
    keep_lines: bool = True
    clean_paper: bool = True
    coloured: bool = False
    settled: bool = field(default=True, compare=False)

    def session(self, pipeline: "SketchColorPipeline") -> Session:
        """The session, made with this model."""
        if not all(Path(file).is_file() for file in (self.sketch, self.layer) if file):
            raise refusal(texts.EXPIRED)
        layer = Image.open(self.layer).convert("RGBA") if self.layer else None
        return Session(
            sketch=read_sketch(self.sketch),
            seed=self.seed,
            layer=layer,
            palette=self.palette,
            resolution=self.resolution,
            keep_lines=self.keep_lines,
            clean_paper=self.clean_paper,
            model=model_name(pipeline),
            revision=pipeline.revision,
        )


def colour_hints(
    pipeline: "SketchColorPipeline",
    session: Session,
    on_step: Callable[[int, int], None] | None = None,
) -> Colouring:
    """Colours a session's sketch under its hints.

    Args:
        pipeline: the loaded model.
        session: sketch, hints and settings; without hints it is coloured automatically.
        on_step: called with (step, total) while the network works.

    Returns:
        One variant at the sketch's own size.

    Raises:
        ImageError: the sketch cannot be used.
        ValueError: a setting or a hint is outside what the pipeline takes.
    """
    start = time.perf_counter()
    output = pipeline(**session.arguments(), callback=on_step)
    return Colouring(session.sketch, output.images, output.seeds, time.perf_counter() - start)


def start_work(session: Session, stem: str) -> Work:
    """Puts a session on the table: its pictures become files, none of it is coloured yet."""
    layer = session.hints
    return Work(
        sketch=_save(session.sketch, f"{stem}.png"),
        stem=stem,
        seed=session.seed,
        layer=None if layer is None else _save(layer, "hints.png"),
        drawn=board.fingerprint(board.drawn_layer(board.canvas(session.sketch, layer))),
        palette=session.palette,
        resolution=session.resolution,
        keep_lines=session.keep_lines,
        clean_paper=session.clean_paper,
        settled=layer is None,
    )


def read_canvas(work: Work, value: dict[str, Any] | None) -> Work:
    """The work with what is on the canvas now; an equal work where that did not change.

    A canvas that does not show a loaded session's hints yet does not wipe them out.

    Raises:
        ValueError: the canvas has another shape than the sketch.
    """
    drawn = board.drawn_layer(value)
    if drawn is None and not work.settled:
        return work
    print_of_it = board.fingerprint(drawn)
    if print_of_it == work.drawn:
        return replace(work, settled=True)
    layer = None
    if drawn is not None:
        with Image.open(work.sketch) as sketch:
            layer = _save(board.to_sketch_size(drawn, sketch.size), "hints.png")
    return replace(work, layer=layer, drawn=print_of_it, settled=True)


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
    another: gr.Button
    download: gr.DownloadButton
    save: gr.Button
    load: gr.UploadButton
    session_file: gr.DownloadButton


def build_tab(
    pipeline: "SketchColorPipeline | None", examples: list[tuple[str, Path]], tab: str = "hints"
) -> None:
    """Lays the tab out inside the current Blocks and connects it.

    Args:
        pipeline: the loaded model; None leaves the page up with its buttons out of use.
        examples: (title, path) of the sketches offered by one click.
        tab: begins the ids of the tab's components.
    """
    work_state, saved = gr.State(), gr.State()
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            with gr.Column() as start:
                sketch = build_sketch_input(tab)
                build_examples(tab, examples, sketch)
            # Hidden, not absent: a canvas that is built with hints on it may lose them.
            with gr.Column(visible="hidden") as table:
                gr.Markdown(texts.HINTS_HOWTO, elem_classes="subdued")
                canvas = board.build_editor(tab)
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
                    interactive=pipeline is not None,
                    elem_id=f"{tab}-colour",
                    elem_classes="colour-button",
                )
                settings = build_settings(tab)
                # One picture follows the strokes; several to choose from are the first tab's.
                settings.variants.visible = False
        with gr.Column(min_width=300):
            result = _build_result(tab)

    wishes = [settings.seed, settings.resolution, settings.keep_lines, settings.clean_paper]
    shown = [result.picture, result.note, result.download, settings.seed, work_state, saved]
    private = {"api_visibility": "private"}

    def colour(work: Work | None, progress: gr.Progress) -> tuple:
        """Values for ``shown``."""
        if pipeline is None:
            raise refusal(texts.NO_MODEL)
        if work is None:
            raise refusal(texts.NO_SKETCH)
        colouring = colour_hints(pipeline, work.session(pipeline), report_progress(progress))
        files = save_colouring(colouring, work.stem)
        variant = files.variants[0]
        work = replace(work, coloured=True)
        return variant.preview, variant.note, variant.picture, work.seed, work, files

    def wished(work: Work | None, value: dict | None, *wishes: Any) -> Work:
        if work is None:
            raise refusal(texts.NO_SKETCH)
        seed, resolution, keep_lines, clean_paper = wishes
        return replace(
            read_canvas(work, value),
            seed=secrets.randbelow(SEEDS) if seed is None else seed,
            resolution=resolution,
            keep_lines=keep_lines,
            clean_paper=clean_paper,
        )

    def colour_pressed(
        work: Work | None,
        value: dict | None,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (how Gradio asks for one)
    ) -> tuple:
        with errors_as_sentences():
            return colour(wished(work, value, *wishes), progress)

    def colour_opened(
        work: Work | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        with errors_as_sentences():
            return colour(work, progress)

    def colour_live(
        live: bool,
        work: Work | None,
        value: dict | None,
        *wishes: Any,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple:
        # The canvas also reports what the page itself puts on it: nothing new, nothing to do.
        if not live or work is None or pipeline is None:
            return tuple(gr.skip() for _ in shown)
        with errors_as_sentences():
            now = wished(work, value, *wishes)
            if wishes[0] is None:  # only a button asks for a surprise
                now = replace(now, seed=work.seed)
            if work.coloured and now == work:
                return tuple(now if part is work_state else gr.skip() for part in shown)
            return colour(now, progress)

    def open_session(session: Session, stem: str) -> tuple:
        """Values for ``opened``."""
        return (
            start_work(session, stem),
            board.canvas(session.sketch, session.hints),
            board.brush_radius(session.sketch.size),
            gr.update(visible=False),
            gr.update(visible=True),
            session.seed,
        )

    def open_sketch(file: str | None) -> tuple:
        if file is None:  # the box was emptied
            return tuple(gr.skip() for _ in opened)
        with errors_as_sentences():
            session = Session(read_sketch(file), seed=secrets.randbelow(SEEDS))
            return open_session(session, _stem(file))

    def load_session(file: str) -> tuple:
        with errors_as_sentences():
            session = Session.load(file)
            note = session.model_note(pipeline) if pipeline is not None else None
            if note:
                gr.Info(note)
            return (
                *open_session(session, _stem(file).removesuffix("-session")),
                _resolution_update(session.resolution),
                session.keep_lines,
                session.clean_paper,
            )

    opened = [work_state, canvas.editor, canvas.radius, start, table, settings.seed]
    running = {"show_progress_on": result.picture, **MODEL_QUEUE, **private}

    opening = sketch.change(open_sketch, inputs=sketch, outputs=opened, **private)
    loading = result.load.upload(
        load_session, inputs=result.load, outputs=[*opened, *wishes[1:]], **private
    )
    drawn = [work_state, canvas.editor, *wishes]
    colourings = [
        press.click(colour_pressed, inputs=drawn, outputs=shown, **running),
        gr.on(
            [
                canvas.editor.input,
                settings.resolution.input,
                settings.keep_lines.input,
                settings.clean_paper.input,
            ],
            colour_live,
            inputs=[live, *drawn],
            outputs=shown,
            trigger_mode="always_last",
            **running,
        ),
        result.another.click(**settings.empty_seed, **private).success(
            colour_pressed, inputs=drawn, outputs=shown, **running
        ),
    ]
    for event in (opening, loading):
        event.success(**canvas.set_brush)
        colourings.append(event.success(colour_opened, inputs=work_state, outputs=shown, **running))
    for colouring in colourings:
        _unlock_after(colouring, work_state, [result.another, result.download, result.save])

    _connect_colours(canvas, result.picture, reference, saved)
    _connect_saving(pipeline, result, work_state)

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
        **private,
    )
    other.click(
        lambda: (None, None, gr.update(visible=True), gr.update(visible="hidden"), None),
        outputs=[work_state, canvas.editor, start, table, sketch],
        queue=False,
        **private,
    )


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
    with gr.Row():
        another = gr.Button(
            texts.ANOTHER,
            interactive=False,
            size="md",
            min_width=NARROW,
            elem_id=f"{tab}-another",
        )
        download = gr.DownloadButton(
            texts.DOWNLOAD,
            interactive=False,
            variant="primary",
            size="md",
            min_width=NARROW,
            elem_id=f"{tab}-download",
        )
    with gr.Row():
        save = gr.Button(
            texts.SAVE_SESSION,
            interactive=False,
            size="md",
            min_width=NARROW,
            elem_id=f"{tab}-save-session",
        )
        load = gr.UploadButton(
            texts.LOAD_SESSION,
            file_types=[".json"],
            size="md",
            min_width=NARROW,
            elem_id=f"{tab}-load-session",
        )
    session_file = gr.DownloadButton(visible="hidden", elem_id=f"{tab}-session-file")
    return HintResult(picture, note, another, download, save, load, session_file)


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


def _connect_saving(
    pipeline: "SketchColorPipeline | None", result: HintResult, work: gr.State
) -> None:
    def save(work: Work | None) -> str:
        with errors_as_sentences():
            if work is None or pipeline is None:
                raise refusal(texts.NO_SKETCH)
            text = work.session(pipeline).to_json()
            name = f"{work.stem}-session.json"
            return save_bytes_to_cache(text.encode(), name, get_upload_folder())

    private = {"api_visibility": "private"}
    saving = result.save.click(save, inputs=work, outputs=result.session_file, **private)
    saving.success(None, js=FETCH.format(result.session_file.elem_id), **private)


def _unlock_after(
    colouring: gr.events.Dependency, work: gr.State, buttons: list[gr.components.Component]
) -> None:
    """Once a picture is shown, offers what can be done with it."""
    colouring.success(
        lambda work: [gr.update(interactive=work is not None and work.coloured) for _ in buttons],
        inputs=work,
        outputs=buttons,
        queue=False,
        show_progress="hidden",
        api_visibility="private",
    )


def _resolution_update(resolution: int) -> dict[str, Any]:
    """The radio set to a session's resolution, even to one that it does not offer otherwise."""
    choices = list(texts.DETAIL_CHOICES)
    if resolution not in (value for _, value in choices):
        choices.append((str(resolution), resolution))
    return gr.update(choices=choices, value=resolution)


def _stem(file: str) -> str:
    return re.sub(r"[^\w.-]+", "_", Path(file).stem)[:MAX_STEM] or "sketch"


def _save(image: Image.Image, name: str) -> str:
    """The file that the picture becomes in Gradio's cache; see `save_colouring`."""
    encoded = io.BytesIO()
    image.save(encoded, "PNG", compress_level=QUICK_PNG)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
