"""The Style tab: a coloured picture is painted in the style of others while the visitor watches.

The functions that handle events come first; they work without a browser. `build_tab` lays the
components out and connects them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from sketchcolor.images import read_image, read_sketch
from sketchcolor.lineart.cleanup import clean_sketch
from sketchcolor.style.blend import lay_over, paint
from sketchcolor.style.network import load_style_network
from sketchcolor.style.optimisation import Progress
from sketchcolor.style.pictures import BUILT_IN, built_in
from sketchcolor.style.settings import FAST, Settings, Style, StyleBlend
from sketchcolor.style.transfer import StyleTransfer
from sketchcolor.ui import texts
from sketchcolor.ui.downloads import stem_of
from sketchcolor.ui.result import Handover, SavedColouring, preview_of, reveal, save_png
from sketchcolor.ui.style_controls import StyleControls, StyleResult, build_controls, build_result
from sketchcolor.ui.style_run import StyleRun
from sketchcolor.ui.widgets import DEFAULT_RESOLUTION, errors_as_sentences, refusal

# One style at a time, but beside the colourings, which would otherwise wait half a minute for it.
STYLE_QUEUE = {"concurrency_id": "style", "concurrency_limit": 1}
PRIVATE = {"api_visibility": "private"}
QUICK = {"queue": False, "show_progress": "hidden", **PRIVATE}


@dataclass(frozen=True)
class StyleJob:
    """What a visitor or a program wants painted.

    Attributes:
        picture: file of the coloured picture, or None.
        sketch: file of its line art, or None.
        shares: weight of each built-in style, by name.
        own_share: weight of ``own``.
        own: file of a style picture of the visitor's, or None.
        stroke_size: against that of the style pictures.
        resolution: px, longer side at which the style is painted.
        blend: how the style is laid over the picture.
        settings: how it is painted.
    """

    picture: str | None
    sketch: str | None = None
    shares: dict[str, float] = field(default_factory=lambda: {BUILT_IN[0]: 1.0})
    own_share: float = 0.0
    own: str | None = None
    stroke_size: float = 1.0
    resolution: int = DEFAULT_RESOLUTION
    blend: StyleBlend = StyleBlend()
    settings: Settings = FAST

    @classmethod
    def from_values(cls, *values: Any) -> StyleJob:
        """A job from the values of `StyleControls.inputs`."""
        picture, sketch, *shares, own_share, own, stroke_size, resolution = values[:-6]
        start, content_layer = values[-2:]
        return cls(
            picture=picture,
            sketch=sketch,
            shares=dict(zip(BUILT_IN, shares, strict=True)),
            own_share=own_share,
            own=own,
            stroke_size=stroke_size,
            resolution=resolution,
            blend=StyleBlend(*values[-6:-2]),
            settings=replace(FAST, start=start, content_layer=content_layer),
        )

    def styles(self) -> list[Style]:
        """The style pictures that have a share.

        Raises:
            gr.Error: no style has a share.
            ImageError: the visitor's style picture cannot be read.
        """
        styles = [
            Style(built_in(name), share, self.stroke_size)
            for name, share in self.shares.items()
            if share > 0
        ]
        if self.own is not None and self.own_share > 0:
            styles.append(Style(read_image(self.own), self.own_share, self.stroke_size))
        if not styles:
            raise refusal(texts.NO_STYLE)
        return styles


@dataclass(frozen=True)
class Painted:
    """A painted style as files, so that its blend can change without painting again.

    Attributes:
        picture: file of the coloured picture.
        before: file of the same for the screen.
        painted: file of the picture in the style.
        sketch: file of its line art, or None.
        seconds: time the painting took.
    """

    picture: str
    before: str
    painted: str
    sketch: str | None
    seconds: float


@dataclass(frozen=True)
class StyleTab:
    """The parts of the tab that other tabs connect to: its id and its components."""

    tab: str
    controls: StyleControls

    def take_from(self, handover: Handover, tabs: gr.Tabs) -> None:
        """Makes the button of another tab bring its picture and line art to this tab."""
        handover.restyle.click(
            partial(take_picture, self.tab),
            inputs=[handover.picture, handover.saved],
            outputs=[self.controls.picture, self.controls.sketch, tabs],
            # Not on the tabs, one of which has the canvas: see `HintEditor`.
            show_progress_on=self.controls.picture,
            queue=False,
            **PRIVATE,
        )


def take_picture(tab: str, file: str | None, saved: SavedColouring | None) -> tuple:
    """Values for picture, sketch and the page's tabs, of which ``tab`` is selected.

    Raises:
        gr.Error: there is no colouring, or the server no longer has it.
    """
    if file is None or saved is None or not Path(saved.sketch).is_file():
        raise refusal(texts.EXPIRED)
    return file, saved.sketch, gr.Tabs(selected=tab)


def leave(request: gr.Request) -> None:
    """Stops the painting of a visitor who closes the page or presses the stop button."""
    StyleRun.stop_of(request.session_hash)


def stylize(
    picture: str | None,
    sketch: str | None = None,
    brush: float = 1.0,
    halftone: float = 0.0,
    watercolour: float = 0.0,
    ink_wash: float = 0.0,
    own_share: float = 0.0,
    own: str | None = None,
    stroke_size: float = 1.0,
    resolution: int = DEFAULT_RESOLUTION,
    strength: float = 1.0,
    keep_colours: bool = False,
    region: str = "all",
    keep_lines: bool = True,
    start: str = FAST.start,
    content_layer: str = FAST.content_layer,
    request: gr.Request = None,  # Gradio's own, for every visitor
) -> Iterator[tuple]:
    """Paints a coloured picture in the style of one or several others.

    Args:
        picture: file of the coloured picture.
        sketch: file of its line art, which lines and regions need, or none.
        brush: share of the built-in style of that name, 0 to 1.
        halftone: as brush.
        watercolour: as brush.
        ink_wash: as brush.
        own_share: as brush, of a style picture of your own.
        own: file of that style picture, or none.
        stroke_size: against the style picture's own, 0.5 to 2.
        resolution: fineness of the strokes, 384, 512 or 768; finer takes longer.
        strength: 0 leaves the picture as it is, 1 is the style in full.
        keep_colours: only light and dark follow the style.
        region: where the style is seen, all, figure or background; the last two need the
            line art.
        keep_lines: lay the line art over the paint, where there is one.
        start: what painting begins with, content (the picture), style or noise.
        content_layer: what is kept of the picture, from finest detail to rough shape: relu1_2,
            relu2_2, relu3_2, relu4_2 or relu5_2.

    Returns:
        the pair (picture, styled), a line saying size and time, and a PNG of the picture's
        size; before the last, previews of the pair and the line.
    """
    values = (
        *(picture, sketch, brush, halftone, watercolour, ink_wash, own_share, own),
        *(stroke_size, resolution, strength, keep_colours, region, keep_lines),
        *(start, content_layer),
    )
    for *shown, _ in stylize_on_page(request, *values):
        yield tuple(shown)


def stylize_on_page(request: gr.Request, *values: Any) -> Iterator[tuple]:
    """Paints for a visitor who watches.

    Args:
        request: Gradio's own.
        values: of `StyleControls.inputs`.

    Yields:
        Values for slider, note, download and state.

    Raises:
        gr.Error: a sentence for the visitor.
    """
    with errors_as_sentences():
        yield from paint_job(StyleJob.from_values(*values), request.session_hash)


def paint_job(job: StyleJob, visitor: str | None = None) -> Iterator[tuple]:
    """Paints a picture in its styles.

    Args:
        job: the picture, the styles and how they are painted.
        visitor: who can stop it, see `StyleRun`.

    Yields:
        Values for slider, note, download and state: previews, then the finished picture.

    Raises:
        gr.Error: there is no picture or no style.
        ValueError: a picture or a setting cannot be used.
    """
    styles = job.styles()
    if job.picture is None:
        raise refusal(texts.NO_COLOURED)
    picture = read_image(job.picture)
    # Blended once before the long work, to raise errors in the blend or the line art at once.
    lay_over(picture, picture, job.blend, _read_lines(job.sketch))
    stem, started = stem_of(job.picture), time.perf_counter()
    before = save_png(preview_of(picture), f"{stem}.png")
    run = StyleRun(
        lambda on_step: paint(
            *(picture, styles, shared_transfer(), job.settings),
            resolution=job.resolution,
            on_step=on_step,
        ),
        visitor,
    )
    for progress in run.watch():
        after = save_png(_preview(picture, progress, job.blend), f"{stem}-painting.png")
        note = texts.painting(progress.side, progress.seconds, progress.seconds_left)
        yield (before, after), note, gr.skip(), None
    result = save_png(run.picture(), f"{stem}-style.png")
    seconds = time.perf_counter() - started
    yield blend_painted(Painted(job.picture, before, result, job.sketch, seconds), job.blend)


@errors_as_sentences()
def change_blend(painted: Painted | None, *values: Any) -> Any:
    """As `blend_painted`, from the values of `StyleControls.blend`, if something is painted."""
    if painted is None:
        return gr.skip()
    return blend_painted(painted, StyleBlend(*values))


def blend_painted(painted: Painted, blend: StyleBlend) -> tuple:
    """Lays a painted style over its picture.

    Returns:
        Values for slider, note, download and state.

    Raises:
        gr.Error: the server no longer has the files.
        ValueError: the blend needs line art that is missing or of another size.
    """
    if not all(Path(file).is_file() for file in (painted.picture, painted.painted)):
        raise refusal(texts.EXPIRED)
    with Image.open(painted.painted) as style:
        image = lay_over(read_image(painted.picture), style, blend, _read_lines(painted.sketch))
    file = save_png(image, f"{stem_of(painted.picture)}-styled.png")
    small = preview_of(image)
    shown = file if small is image else save_png(small, Path(file).name)
    note = texts.style_note(image.size, painted.seconds)
    return (painted.before, shown), note, file, painted


def select_style(event: gr.SelectData) -> list[float]:
    """Shares of the built-in styles and the own one: the clicked style has all of it."""
    return [float(index == event.index) for index in range(len(BUILT_IN) + 1)]


def select_own(file: str | None) -> list[float]:
    """Shares of the built-in styles and the own one: the own style has all of it."""
    return [0.0] * len(BUILT_IN) + [float(file is not None)]


def build_tab(tab: str = "style") -> StyleTab:
    """Lays the tab out inside the current Blocks; ``tab`` is the prefix of the element ids."""
    painted = gr.State()
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            controls = build_controls(tab)
        with gr.Column(min_width=300):
            result = build_result(tab)
    _connect_painting(painted, controls, result)
    gr.on(
        [
            controls.strength.release,
            controls.keep_colours.input,
            controls.region.input,
            controls.keep_lines.input,
        ],
        change_blend,
        inputs=[painted, *controls.blend],
        outputs=[result.slider, result.note, result.download, painted],
        trigger_mode="always_last",
        show_progress_on=result.slider,
        **PRIVATE,
    )
    return StyleTab(tab, controls)


def _connect_painting(painted: gr.State, controls: StyleControls, result: StyleResult) -> None:
    """Connects what chooses a style, paints it and stops."""
    shown = [result.slider, result.note, result.download, painted]
    picked = controls.gallery.select(select_style, outputs=controls.shares, **QUICK)
    taken = controls.own.upload(select_own, inputs=controls.own, outputs=controls.shares, **QUICK)
    # Not by Gradio's ``cancels``: the run ends by itself and keeps what it has painted.
    controls.stop.click(leave, queue=False, **PRIVATE)
    controls.picture.upload(lambda: None, outputs=controls.sketch, **QUICK)

    # For programs, without the state: that breaks a tool's call over MCP (Gradio 6.31).
    gr.Button(visible=False).click(
        stylize,
        inputs=controls.inputs,
        outputs=shown[:-1],
        api_name=stylize.__name__,
        **STYLE_QUEUE,
    )
    for start in (controls.press.click, picked.success, taken.success):
        start(partial(gr.update, interactive=True), outputs=controls.stop, **QUICK)
        painting = start(
            stylize_on_page,
            inputs=controls.inputs,
            outputs=shown,
            show_progress="hidden",  # the picture itself shows the progress
            js=reveal(result.slider),
            **STYLE_QUEUE,
            **PRIVATE,
        )
        painting.then(
            lambda painted: (gr.update(interactive=False), gr.update(interactive=bool(painted))),
            inputs=painted,
            outputs=[controls.stop, result.download],
            **QUICK,
        )


@lru_cache
def shared_transfer() -> StyleTransfer:
    """One engine for all visitors, which caches the statistics of their style pictures."""
    return StyleTransfer(load_style_network())


def _preview(picture: Image.Image, progress: Progress, blend: StyleBlend) -> Image.Image:
    """A picture in progress, blended in strength and colours only, at the screen's size."""
    small = picture.copy()
    small.thumbnail(progress.preview.size)
    blend = StyleBlend(blend.strength, blend.keep_colours)
    return lay_over(small, progress.preview, blend).resize(preview_of(picture).size)


def _read_lines(file: str | None) -> Image.Image | None:
    return None if file is None else clean_sketch(read_sketch(file))
