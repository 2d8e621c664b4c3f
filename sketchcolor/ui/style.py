"""The Style tab: other pictures' manner over a coloured sketch, watched while it is painted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from sketchcolor.images import read_image, read_sketch
from sketchcolor.lineart.cleanup import clean_sketch
from sketchcolor.style.blend import StyleBlend, lay_over, paint
from sketchcolor.style.network import load_style_network
from sketchcolor.style.pictures import BUILT_IN, built_in
from sketchcolor.style.settings import Style
from sketchcolor.style.transfer import StyleTransfer
from sketchcolor.ui import texts
from sketchcolor.ui.result import Handover, SavedColouring, preview_of, reveal, save_png, stem_of
from sketchcolor.ui.style_controls import StyleControls, build_controls, build_result
from sketchcolor.ui.style_run import Brushwork
from sketchcolor.ui.widgets import DEFAULT_RESOLUTION, errors_as_sentences, refusal

# One style at a time, beside the colourings: those would wait half a minute behind it.
STYLE_QUEUE = {"concurrency_id": "style", "concurrency_limit": 1}


@dataclass(frozen=True)
class Painted:
    """A painted style as files, so that blend can change without painting again.

    Attributes:
        picture: file of the coloured picture. before: the same for the screen.
        painted: file of the picture in the style. sketch: file of its line art, or None.
        seconds: time the painting took.
    """

    picture: str
    before: str
    painted: str
    sketch: str | None
    seconds: float


@dataclass(frozen=True)
class StyleTab:
    """What the page connects: pictures come in from other tabs, visitors leave."""

    tab: str
    controls: StyleControls

    def take_from(self, handover: Handover, tabs: gr.Tabs) -> None:
        """Lets a press of another tab's button bring its picture here, line art and all."""

        def take(file: str | None, saved: SavedColouring | None) -> tuple:
            if file is None or saved is None or not Path(saved.sketch).is_file():
                raise refusal(texts.EXPIRED)
            return file, saved.sketch, gr.Tabs(selected=self.tab)

        handover.press.click(
            take,
            inputs=[handover.picture, handover.saved],
            outputs=[self.controls.picture, self.controls.sketch, tabs],
            # Not on the tabs, one of which has the canvas: see `HintEditor`.
            show_progress_on=self.controls.picture,
            queue=False,
            api_visibility="private",
        )


def leave(request: gr.Request) -> None:
    """Ends what a visitor who closes the page has running."""
    Brushwork.stop_of(request.session_hash)


def build_tab(tab: str = "style") -> StyleTab:
    """Lays the tab out inside the current Blocks; ``tab`` begins the ids of its components."""
    painted = gr.State()
    with gr.Row(equal_height=False):
        with gr.Column(min_width=300):
            controls = build_controls(tab)
        with gr.Column(min_width=300):
            result = build_result(tab)

    private = {"api_visibility": "private"}
    quick = {"queue": False, "show_progress": "hidden", **private}
    shown = [result.slider, result.note, result.download, painted]

    def run(request: gr.Request, *asked: Any) -> Iterator[tuple]:
        """Values for ``shown``; ``asked`` are those of ``controls.inputs``."""
        picture, sketch, *shares, own_share, own, stroke_size, resolution = asked[:-4]
        with errors_as_sentences():
            styles = _styles(dict(zip(BUILT_IN, shares, strict=True)), own, own_share, stroke_size)
            blend = StyleBlend(*asked[-4:])
            yield from _paint(picture, sketch, styles, resolution, blend, request.session_hash)

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

        Returns:
            the pair (picture, styled), a line saying size and time, and a PNG of the picture's
            size; before the last, previews of the pair and the line.
        """
        asked = (picture, sketch, brush, halftone, watercolour, ink_wash, own_share, own)
        asked += (stroke_size, resolution, strength, keep_colours, region, keep_lines)
        for *shown, _ in run(request, *asked):
            yield tuple(shown)

    def change(painted: Painted | None, *blend: object) -> tuple:
        if painted is None:
            return tuple(gr.skip() for _ in shown)
        with errors_as_sentences():
            return _lay_over(painted, StyleBlend(*blend))

    def only(event: gr.SelectData) -> list[float]:
        return [float(index == event.index) for index in range(len(controls.shares))]

    def only_own(file: str | None) -> list[float]:
        return [0.0] * len(BUILT_IN) + [float(file is not None)]

    picked = controls.gallery.select(only, outputs=controls.shares, **quick)
    taken = controls.own.upload(only_own, inputs=controls.own, outputs=controls.shares, **quick)
    # Not by Gradio's ``cancels``: the work ends by its own means and keeps what it has painted.
    controls.stop.click(leave, queue=False, **private)
    controls.picture.upload(lambda: None, outputs=controls.sketch, **quick)

    # For programs, without the state: that breaks a tool's call over MCP (Gradio 6.31).
    gr.Button(visible=False).click(
        stylize,
        inputs=controls.inputs,
        outputs=shown[:-1],
        api_name=stylize.__name__,
        **STYLE_QUEUE,
    )
    for start in (controls.press.click, picked.success, taken.success):
        start(partial(gr.update, interactive=True), outputs=controls.stop, **quick)
        painting = start(
            run,
            inputs=controls.inputs,
            outputs=shown,
            show_progress="hidden",  # the picture itself shows how far it is
            js=reveal(result.slider),
            **STYLE_QUEUE,
            **private,
        )
        painting.then(
            lambda painted: (gr.update(interactive=False), gr.update(interactive=bool(painted))),
            inputs=painted,
            outputs=[controls.stop, result.download],
            **quick,
        )
    gr.on(
        [
            controls.strength.release,
            controls.keep_colours.input,
            controls.region.input,
            controls.keep_lines.input,
        ],
        change,
        inputs=[painted, *controls.blend],
        outputs=shown,
        trigger_mode="always_last",
        show_progress_on=result.slider,
        **private,
    )
    return StyleTab(tab, controls)


@lru_cache
def _transfer() -> StyleTransfer:
    """One engine for all visitors; it keeps what it knows of their style pictures."""
    return StyleTransfer(load_style_network())


def _styles(
    shares: dict[str, float], own: str | None, own_share: float, stroke_size: float
) -> list[Style]:
    """The style pictures with a share."""
    styles = [
        Style(built_in(name), share, stroke_size) for name, share in shares.items() if share > 0
    ]
    if own is not None and own_share > 0:
        styles.append(Style(read_image(own), own_share, stroke_size))
    if not styles:
        raise refusal(texts.NO_STYLE)
    return styles


def _paint(
    file: str | None,
    sketch: str | None,
    styles: list[Style],
    resolution: int,
    blend: StyleBlend,
    visitor: str | None,
) -> Iterator[tuple]:
    """Values for slider, note, download and state: while it is painted, and in the end."""
    if file is None:
        raise refusal(texts.NO_COLOURED)
    picture = read_image(file)
    lines = _read_lines(sketch)
    lay_over(picture, picture, blend, lines)  # what is wrong with the blend is said at once
    stem, started = stem_of(file), time.perf_counter()
    before = save_png(preview_of(picture), f"{stem}.png")
    brushwork = Brushwork(
        lambda tell: paint(picture, styles, _transfer(), resolution=resolution, on_step=tell),
        visitor,
    )
    for progress in brushwork.watch():
        small = picture.copy()
        small.thumbnail(progress.preview.size)
        watched = lay_over(small, progress.preview, StyleBlend(blend.strength, blend.keep_colours))
        after = save_png(watched.resize(_screen_size(picture)), f"{stem}-painting.png")
        note = texts.painting(progress.side, progress.seconds, progress.seconds_left)
        yield (before, after), note, gr.skip(), None
    result = save_png(brushwork.picture(), f"{stem}-style.png")
    seconds = time.perf_counter() - started
    yield _lay_over(Painted(file, before, result, sketch, seconds), blend)


def _lay_over(painted: Painted, blend: StyleBlend) -> tuple:
    """Values for slider, note, download and state."""
    if not all(Path(p).is_file() for p in (painted.picture, painted.painted)):
        raise refusal(texts.EXPIRED)
    with Image.open(painted.painted) as style:
        image = lay_over(read_image(painted.picture), style, blend, _read_lines(painted.sketch))
    file = save_png(image, f"{stem_of(painted.picture)}-styled.png")
    small = preview_of(image)
    shown = file if small is image else save_png(small, Path(file).name)
    note = texts.style_note(image.size, painted.seconds)
    return (painted.before, shown), note, file, painted


def _read_lines(file: str | None) -> Image.Image | None:
    return None if file is None else clean_sketch(read_sketch(file))


def _screen_size(picture: Image.Image) -> tuple[int, int]:
    return preview_of(picture).size
