"""The components of the Style tab, laid out."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from sketchcolor.style.pictures import BUILT_IN, path_of
from sketchcolor.style.settings import FAST, StyleBlend
from sketchcolor.ui import texts
from sketchcolor.ui.result import build_slider
from sketchcolor.ui.widgets import DEFAULT_RESOLUTION, NARROW, FileInput, build_picture_input

STROKE_SIZES = (0.5, 2.0)  # minimum and maximum, relative to the style picture
HEIGHT, SMALL_HEIGHT = 300, 200  # px


@dataclass(frozen=True)
class StyleControls:
    """The left side: the picture, its styles, and how they are blended.

    Attributes:
        picture: the coloured picture.
        gallery: the built-in styles.
        press: the button that paints.
        stop: the button that ends the painting early.
        strength, keep_colours, region, keep_lines: the fields of `StyleBlend`.
        own: a style picture of the visitor's.
        shares: weights of the built-in styles in their order, then of the own one.
        stroke_size: relative to the style picture.
        resolution: px, longer side at which the style is painted.
        sketch: line art of the picture, needed for its lines and for regions.
        start, content_layer: fields of `style.settings.Settings`.
    """

    picture: FileInput
    gallery: gr.Gallery
    press: gr.Button
    stop: gr.Button
    strength: gr.Slider
    keep_colours: gr.Checkbox
    region: gr.Radio
    keep_lines: gr.Checkbox
    own: FileInput
    shares: list[gr.Slider]
    stroke_size: gr.Slider
    resolution: gr.Radio
    sketch: FileInput
    start: gr.Radio
    content_layer: gr.Radio

    @property
    def blend(self) -> list[gr.components.Component]:
        """The components for `StyleBlend`, in the order of its fields."""
        return [self.strength, self.keep_colours, self.region, self.keep_lines]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """All that a painting needs, in the order of the parameters of ``style.stylize``."""
        styles = [*self.shares, self.own, self.stroke_size, self.resolution]
        method = [self.start, self.content_layer]
        return [self.picture, self.sketch, *styles, *self.blend, *method]


@dataclass(frozen=True)
class StyleResult:
    """The right side: the picture before and after, a line about it, its download."""

    slider: gr.ImageSlider
    note: gr.Markdown
    download: gr.DownloadButton


def build_controls(tab: str) -> StyleControls:
    """Lays the left side out; ``tab`` is the prefix of the element ids."""
    picture = build_picture_input(
        texts.COLOURED, texts.COLOURED_PLACEHOLDER, HEIGHT, f"{tab}-picture"
    )
    gr.Markdown(texts.STYLE_HOWTO, elem_classes="subdued")
    gallery = _build_gallery(tab)
    with gr.Row():
        narrow = {"size": "lg", "min_width": NARROW}
        press = gr.Button(texts.PAINT, variant="primary", elem_id=f"{tab}-paint", **narrow)
        stop = gr.Button(texts.STOP, interactive=False, elem_id=f"{tab}-stop", **narrow)
    strength, keep_colours, region, keep_lines = _build_blend(tab)
    with gr.Accordion(texts.MIX, open=False, elem_id=f"{tab}-mix"):
        own = build_picture_input(
            texts.OWN_STYLE, texts.OWN_PLACEHOLDER, SMALL_HEIGHT, f"{tab}-own"
        )
        shares = [
            gr.Slider(0, 1, share, step=0.05, label=label, elem_id=f"{tab}-share-{name}")
            for name, label, share in (
                *((name, texts.STYLES[name], float(name == BUILT_IN[0])) for name in BUILT_IN),
                ("own", texts.OWN_STYLE, 0.0),
            )
        ]
    with gr.Accordion(texts.SETTINGS, open=False, elem_id=f"{tab}-settings"):
        stroke_size = gr.Slider(
            *STROKE_SIZES,
            1.0,
            step=0.1,
            label=texts.STROKE_SIZE,
            info=texts.STROKE_SIZE_INFO,
            elem_id=f"{tab}-stroke-size",
        )
        resolution = gr.Radio(
            texts.DETAIL_CHOICES,
            value=DEFAULT_RESOLUTION,
            label=texts.STYLE_DETAIL,
            info=texts.DETAIL_INFO,
            elem_id=f"{tab}-resolution",
        )
        start = gr.Radio(
            texts.START_CHOICES,
            value=FAST.start,
            label=texts.START,
            info=texts.START_INFO,
            elem_id=f"{tab}-start",
        )
        content_layer = gr.Radio(
            texts.CONTENT_CHOICES,
            value=FAST.content_layer,
            label=texts.CONTENT,
            info=texts.CONTENT_INFO,
            elem_id=f"{tab}-content-layer",
        )
        sketch = build_picture_input(
            texts.ITS_SKETCH, texts.ITS_SKETCH_PLACEHOLDER, SMALL_HEIGHT, f"{tab}-sketch"
        )
    return StyleControls(
        picture,
        gallery,
        press,
        stop,
        strength,
        keep_colours,
        region,
        keep_lines,
        own,
        shares,
        stroke_size,
        resolution,
        sketch,
        start,
        content_layer,
    )


def build_result(tab: str) -> StyleResult:
    """Lays the right side out; ``tab`` is the prefix of the element ids."""
    slider = build_slider(tab, texts.STYLED)
    note = gr.Markdown(texts.STYLE_WAITING, elem_id=f"{tab}-note", elem_classes="subdued")
    download = gr.DownloadButton(
        texts.DOWNLOAD, variant="primary", interactive=False, elem_id=f"{tab}-download"
    )
    return StyleResult(slider, note, download)


def _build_gallery(tab: str) -> gr.Gallery:
    # Served where they lie: an installed package is outside the folders Gradio may copy from.
    gr.set_static_paths([path_of(name) for name in BUILT_IN])
    return gr.Gallery(
        [(str(path_of(name)), texts.STYLES[name]) for name in BUILT_IN],
        label=texts.STYLE,
        show_label=False,
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id=f"{tab}-gallery",
        elem_classes="thumbnails",
    )


def _build_blend(tab: str) -> tuple[gr.Slider, gr.Checkbox, gr.Radio, gr.Checkbox]:
    blend = StyleBlend()
    strength = gr.Slider(
        0, 1, blend.strength, step=0.05, label=texts.STRENGTH, elem_id=f"{tab}-strength"
    )
    keep_colours = gr.Checkbox(
        blend.keep_colours,
        label=texts.KEEP_COLOURS,
        info=texts.KEEP_COLOURS_INFO,
        elem_id=f"{tab}-keep-colours",
    )
    region = gr.Radio(
        texts.REGION_CHOICES,
        value=blend.region,
        label=texts.REGION,
        info=texts.REGION_INFO,
        elem_id=f"{tab}-region",
    )
    keep_lines = gr.Checkbox(
        blend.keep_lines,
        label=texts.KEEP_LINES,
        info=texts.STYLE_LINES_INFO,
        elem_id=f"{tab}-keep-lines",
    )
    return strength, keep_colours, region, keep_lines
