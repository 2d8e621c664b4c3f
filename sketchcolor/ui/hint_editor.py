"""The hint editor: Gradio's image editor over a sketch, its brush colours, and its value.

The editor shows a copy of the sketch of at most `EDITOR_SIDE` px a side, because it sends its whole
canvas after every stroke. What is drawn is scaled to the sketch's own size by nearest neighbour.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.components.image_editor import EditorData, EditorValue
from PIL import Image

from sketchcolor.images import MIN_SIDE, check_header
from sketchcolor.ui import texts
from sketchcolor.ui.widgets import errors_as_sentences

EDITOR_SIDE = 1024
EDITOR_HEIGHT = 520  # px on the page
OPAQUE = 128  # minimum alpha of a painted pixel, as in `conditions.hints.from_layer`
BRUSH_SHARE = 0.01  # the brush's radius as a share of the canvas's short side
BRUSH_RADII = (1, 60)  # px of the canvas; finer strokes are too faint to be read
FIRST_RADII = (2, 60)  # px, of the brush that a sketch begins with
MAX_SWATCHES = 18
MAX_UPLOADS = 128  # canvases, of all visitors, that wait for an event; the queue holds 32
# Common anime colours of skin, hair, eyes and cloth; the brush starts with the first.
SWATCHES = (
    *("#d93a2f", "#f0904a", "#f6d57a", "#fbe0cc", "#e9b08e", "#8a5a3c", "#35303a", "#7fbf6a"),
    *("#3f9c8f", "#8cc7ee", "#3f72c4", "#8a63c9", "#f19bbd", "#ffffff"),
)

# The swatches' value is "BRUSH SWATCH SWATCH …": the brush's colour, then all swatches.
SWATCH_TEMPLATE = """<div class="swatches" role="group" aria-label="${label}">
${value.split(' ').slice(1).map(color => `<button type="button" data-color="${color}"
  title="${color}" aria-label="${color}" aria-pressed="${color === value.split(' ')[0]}"
  style="background: ${color}"></button>`).join('')}</div>"""
SWATCH_CLICK = """element.addEventListener('click', event => {
  const swatch = event.target.closest('[data-color]');
  if (!swatch) return;
  props.value = [swatch.dataset.color, ...props.value.split(' ').slice(1)].join(' ');
  trigger('click');
});"""
# (colour from the picker, swatches) → swatches. The picker gives rgba(…) while it is dragged.
TAKE_COLOUR = """(color, swatches) => {
  const parts = (color.match(/[\\d.]+/g) || []).slice(0, 3).map(Number);
  const hex = color.startsWith('#') ? color.slice(0, 7)
    : '#' + parts.map(part => Math.round(part).toString(16).padStart(2, '0')).join('');
  return [hex, ...swatches.split(' ').slice(1)].join(' ');
}"""
# (swatches, radius) → the editor's brush and the picker's colour.
SET_BRUSH = """(swatches, radius) => {
  const [color, ...colors] = swatches.split(' ');
  const brush = {colors, default_color: color, default_size: radius, color_mode: 'defaults'};
  return [{__type__: 'update', brush}, color];
}"""

CSS = """
.swatches { display: flex; flex-wrap: wrap; gap: 0.3rem; }
.swatches button { width: 1.9rem; height: 1.9rem; border-radius: 50%; cursor: pointer;
  border: 1px solid var(--border-color-primary); }
.swatches button[aria-pressed=true] { outline: 3px solid var(--color-accent);
  outline-offset: 1px; }
/* Colour and size are chosen beside the canvas, where they are always in sight. */
.hint-editor [aria-label="Color"], .hint-editor [aria-label="Brush Size"] { display: none; }
.brush-row { align-items: center; }
.eyedropper img { cursor: crosshair; }
/* On a phone as much of canvas and result as possible on one screen. */
@media (max-width: 640px) { .hint-editor, .eyedropper { height: 400px !important; } }
"""


def swatches_value(brush: str, colors: Sequence[str]) -> str:
    """The swatches' value for a brush colour and swatches, newest first; duplicates are dropped."""
    return " ".join([brush, *list(dict.fromkeys(colors))[:MAX_SWATCHES]])


def add_swatches(value: str, colors: Sequence[str]) -> str:
    """Puts colours before the swatches of ``value`` and the first of them into the brush."""
    return swatches_value(colors[0], [*colors, *value.split(" ")[1:]])


def canvas_size(size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the canvas for a sketch of that size."""
    scale = min(1.0, EDITOR_SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def brush_radius(size: tuple[int, int]) -> int:
    """The brush's radius for a sketch of that size, in px of the canvas."""
    return int(np.clip(round(BRUSH_SHARE * min(canvas_size(size))), *FIRST_RADII))


def canvas(sketch: Image.Image, layer: Image.Image | None = None) -> dict[str, Any]:
    """The editor's value for a sketch and the hints on it.

    Args:
        sketch: mode L, own size.
        layer: RGBA of the sketch's size, or None.
    """
    size = canvas_size(sketch.size)
    paper = sketch.convert("RGB").resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    # An empty layer rather than none: with a layer the editor forgets how the sketch came there,
    # and its undo button ends at the first stroke instead of taking the sketch away.
    hints = layer or Image.new("RGBA", sketch.size)
    hints = hints.resize(size, Image.Resampling.NEAREST)
    return {"background": paper, "layers": [hints], "composite": None}


def has_sketch(value: dict[str, Any] | None) -> bool:
    """Whether there is a sketch on the canvas, with or without strokes."""
    return value is not None and value.get("background") is not None


def drawn_layer(value: dict[str, Any] | None) -> Image.Image | None:
    """The strokes on the canvas: RGBA, each pixel opaque or empty; None without strokes.

    Only the layers are read: in the composite a white stroke looks like paper.
    """
    if not value:
        return None
    merged: np.ndarray | None = None
    for layer in value.get("layers") or []:
        pixels = np.array(layer.convert("RGBA"))
        pixels[pixels[..., 3] < OPAQUE] = 0
        pixels[pixels[..., 3] > 0, 3] = 255
        if merged is None or merged.shape != pixels.shape:
            merged = pixels
        else:
            merged = np.where(pixels[..., 3:] > 0, pixels, merged)
    if merged is None or not merged[..., 3].any():
        return None
    return Image.fromarray(merged)


def to_sketch_size(layer: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Scales a layer of the canvas to the sketch's own size, without mixing colours.

    Raises:
        ValueError: the canvas has another shape than the sketch.
    """
    if any(abs(a - b) > 1 for a, b in zip(layer.size, canvas_size(size), strict=True)):
        raise ValueError(texts.OTHER_CANVAS)
    return layer.resize(size, Image.Resampling.NEAREST)


def fingerprint(layer: Image.Image | None) -> str:
    """A hash of a layer's pixels; empty for None."""
    return "" if layer is None else hashlib.sha256(layer.tobytes()).hexdigest()


class RecentUploads(dict):
    """Uploads of editors that no event has used yet; beyond `MAX_UPLOADS` the oldest is deleted."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        if len(self) > MAX_UPLOADS:
            del self[next(iter(self))]


class Canvas(gr.ImageEditor):
    """Gradio's editor, which decodes any upload; this one refuses decompression bombs first."""

    is_template = True  # shown by the browser as the gr.ImageEditor it is

    def preprocess(self, payload: EditorData | None) -> EditorValue | None:
        if payload is not None:
            with errors_as_sentences():
                for file in (payload.background, *payload.layers, payload.composite):
                    if file is not None:
                        check_header(file.path)
        return super().preprocess(payload)


class Drawn(gr.JSON):
    """A hidden copy of a canvas's last value; it gives events the value that the canvas would."""

    is_template = True
    editor: Canvas

    def preprocess(self, payload: dict[str, Any] | None) -> EditorValue | None:
        return self.editor.preprocess(EditorData(**payload) if payload else None)


@dataclass(frozen=True)
class HintEditor:
    """The canvas and the colours beside it.

    Attributes:
        editor: the canvas. No event of the server may have it among its inputs or show its
            progress on it: from then on the page would ask it for its value at each step of any
            event's progress, and it answers by uploading all its pictures (Gradio 6.31).
        drawn: its value at the last ``read``, for events to use as input.
        swatches: the brush colours to choose from.
        picker: any other colour.
        radius: of the brush, in px of the canvas.
    """

    editor: gr.ImageEditor
    drawn: Drawn
    swatches: gr.HTML
    picker: gr.ColorPicker
    radius: gr.Slider

    @property
    def read(self) -> dict[str, Any]:
        """Arguments for an event that updates ``drawn``, to be followed by one that uses it."""
        return {
            "fn": None,
            "js": "value => value",
            "inputs": self.editor,
            "outputs": self.drawn,
            "api_visibility": "private",
        }

    @property
    def set_brush(self) -> dict[str, Any]:
        """Arguments for an event that sets the brush to the chosen colour and size."""
        return {
            "fn": None,
            "js": SET_BRUSH,
            "inputs": [self.swatches, self.radius],
            "outputs": [self.editor, self.picker],
            "api_visibility": "private",
        }


def build_editor(tab: str, drawn: Drawn) -> HintEditor:
    """Lays out canvas, swatches, free colour and brush size.

    Args:
        tab: prefix of the element ids.
        drawn: hidden; it must be outside the column that is shown with the canvas, because Gradio
            would show it as well.

    Returns:
        The components, connected with each other.
    """
    swatches = gr.HTML(
        swatches_value(SWATCHES[0], SWATCHES),
        html_template=SWATCH_TEMPLATE,
        js_on_load=SWATCH_CLICK,
        label=texts.SWATCHES,
        elem_id=f"{tab}-swatches",
    )
    picker, radius = _build_brush(tab)
    editor = Canvas(
        label=texts.CANVAS,
        show_label=False,
        type="pil",
        image_mode="RGBA",
        format="png",
        sources=(),
        transforms=(),
        layers=False,
        # It grows to the sketch. A canvas that began larger than the sketch would put a loaded
        # session's strokes into its own middle (Gradio 6.31).
        canvas_size=(MIN_SIDE, MIN_SIDE),
        brush=gr.Brush(default_size=10, colors=list(SWATCHES), default_color=SWATCHES[0]),
        eraser=gr.Eraser(default_size=20),
        buttons=["fullscreen"],
        height=EDITOR_HEIGHT,
        elem_id=f"{tab}-editor",
        elem_classes="hint-editor",
    )
    # Gradio never deletes the upload of a stroke, three pictures, that no event has asked for.
    editor.blob_storage = RecentUploads()
    drawn.editor = editor
    board = HintEditor(editor, drawn, swatches, picker, radius)
    picker.input(
        None,
        inputs=[picker, swatches],
        outputs=swatches,
        js=TAKE_COLOUR,
        api_visibility="private",
    ).then(**board.set_brush)
    swatches.click(**board.set_brush)
    radius.release(**board.set_brush)
    return board


def _build_brush(tab: str) -> tuple[gr.ColorPicker, gr.Slider]:
    """Lays out free colour and brush size in a row."""
    with gr.Row(elem_classes="brush-row"):
        picker = gr.ColorPicker(
            SWATCHES[0],
            label=texts.FREE_COLOUR,
            min_width=110,
            scale=1,
            elem_id=f"{tab}-picker",
        )
        radius = gr.Slider(
            *BRUSH_RADII,
            value=10,
            step=1,
            label=texts.BRUSH_SIZE,
            buttons=[],
            min_width=160,
            scale=2,
            elem_id=f"{tab}-radius",
        )
    return picker, radius
