"""The viewer of a colouring whose parts can be picked: picture, zoom, outline, colours of parts.

Its value is a dict that `show` makes, or None. The script beside this file draws it, finds the part
under the pointer by itself, and sends what a visitor does as an ``input`` event with data.
"""

import io
from itertools import count
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.layers.edits import MAX_NAME
from sketchcolor.layers.stack import LayerStack
from sketchcolor.ui import texts

SIDE = 2048  # px: the pictures on the page are at most this large; the download has the full size
QUALITY = 95  # of the colours, which are smooth; lines are sent without loss, and once
PNG_COMPRESSION = 1
MOST_WIDTH = 60  # px of the sketch, of the stroke that splits a part

_serials = count(1)

TEMPLATE = f"""<div class="part-viewer empty">
  <div class="part-empty">{texts.RECOLOUR_EMPTY}</div>
  <div class="part-table">
    <div class="part-stage" data-part="stage" tabindex="0" role="application"
      aria-label="{texts.RECOLOUR_STAGE}"><canvas data-part="canvas"></canvas></div>
    <div class="part-bar">
      <button type="button" data-part="undo" title="{texts.UNDO}">{texts.UNDO}</button>
      <button type="button" data-part="redo" title="{texts.REDO}">{texts.REDO}</button>
      <button type="button" data-part="farther" aria-label="{texts.FARTHER}">−</button>
      <button type="button" data-part="fit">{texts.FIT}</button>
      <button type="button" data-part="closer" aria-label="{texts.CLOSER}">+</button>
    </div>
  </div>
  <div class="part-side">
    <p class="part-help" data-part="help" data-pick="{texts.PICK_HELP}"
      data-merge="{texts.MERGE_HELP}" data-split="{texts.SPLIT_HELP}">{texts.PICK_HELP}</p>
    <fieldset data-part="editor" disabled>
      <input type="color" data-part="color" aria-label="{texts.PART_COLOUR}">
      <input type="text" data-part="hex" maxlength="7" spellcheck="false"
        aria-label="{texts.PART_HEX}">
      <input type="text" data-part="name" maxlength="{MAX_NAME}" autocomplete="off"
        placeholder="{texts.PART_NAME}" aria-label="{texts.PART_NAME}">
      <label><input type="checkbox" data-part="lock"> {texts.PART_LOCK}</label>
      <div>
        <button type="button" data-part="merge" aria-pressed="false">{texts.MERGE}</button>
        <button type="button" data-part="split" aria-pressed="false">{texts.SPLIT}</button>
        <label>{texts.SPLIT_WIDTH} <input type="number" data-part="width" min="1"
          max="{MOST_WIDTH}" value="4"></label>
      </div>
    </fieldset>
    <div class="part-colours" data-part="parts" role="group" aria-label="{texts.PARTS}"></div>
  </div>
</div>"""
SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")

CSS = """
.part-viewer { display: grid; grid-template-columns: minmax(0, 2.2fr) minmax(220px, 1fr);
  gap: 1rem; }
.part-viewer.empty .part-table, .part-viewer.empty .part-side { display: none; }
.part-viewer:not(.empty) .part-empty { display: none; }
.part-empty { grid-column: 1 / -1; padding: 3rem 1rem; text-align: center;
  border: 1px dashed var(--border-color-primary); border-radius: var(--radius-md); }
.part-stage { height: 620px; overflow: hidden; touch-action: none; cursor: pointer;
  border: 1px solid var(--border-color-primary); border-radius: var(--radius-md);
  background: var(--neutral-300); }
.dark .part-stage { background: var(--neutral-700); }
.part-stage[data-mode=split] { cursor: crosshair; }
.part-stage canvas { width: 100%; height: 100%; display: block; }
.part-bar { display: flex; gap: 0.4rem; margin-top: 0.5rem; }
.part-viewer button:not([data-label]) { min-height: 40px; min-width: 40px; margin: 0;
  padding: 0 0.7rem; cursor: pointer; font-size: 0.9rem; font-weight: 400;
  border: 1px solid var(--border-color-primary);
  border-radius: var(--radius-md); background: var(--button-secondary-background-fill);
  color: var(--button-secondary-text-color); }
.part-viewer button:disabled { opacity: 0.4; cursor: default; }
.part-viewer button[aria-pressed=true]:not([data-label]) { background: var(--color-accent);
  color: white; }
.part-side fieldset { display: flex; flex-direction: column; gap: 0.5rem; border: 0; padding: 0;
  margin: 0.5rem 0; }
.part-side fieldset:disabled { opacity: 0.45; }
.part-side fieldset div { display: flex; gap: 0.4rem; flex-wrap: wrap; align-items: center; }
.part-side input[type=color] { width: 100%; height: 3rem; padding: 0; border: 0;
  background: none; cursor: pointer; }
.part-side input[type=text], .part-side input[type=number] { min-height: 40px; padding: 0 0.6rem;
  border: 1px solid var(--input-border-color); border-radius: var(--radius-md);
  background: var(--input-background-fill); color: var(--body-text-color); }
.part-side input[type=number] { width: 4.5rem; }
.part-help { min-height: 2.6em; color: var(--body-text-color-subdued); }
.part-colours { display: grid; gap: 0.4rem; max-height: 300px; overflow-y: auto; padding: 3px;
  grid-template-columns: repeat(auto-fill, minmax(44px, 1fr)); }
.part-colours button { position: relative; min-height: 44px; min-width: 0; cursor: pointer;
  border: 1px solid var(--border-color-primary); border-radius: var(--radius-sm);
  overflow: hidden; }
.part-colours button span { position: absolute; inset: auto 0 0 0; padding: 0 2px;
  font-size: 0.7rem; background: rgb(255 255 255 / 0.85); color: black; white-space: nowrap; }
.part-colours button[aria-pressed=true] { outline: 3px solid var(--color-accent); }
.part-colours button.locked { border: 3px double black; }
@media (max-width: 700px) {
  .part-viewer { grid-template-columns: minmax(0, 1fr); }
  .part-stage { height: 400px; }
}
"""


def show(
    stack: LayerStack, sketch: str, selected: int | None, can_undo: bool, can_redo: bool
) -> dict[str, Any]:
    """The viewer's value for a colouring; its pictures become files.

    Args:
        stack: with its edits.
        sketch: file of the lines for the screen, from `save_lines`.
        selected: number of the part to take up, or None to leave the choice as it is.
        can_undo, can_redo: whether there is an edit to take back or to make again.
    """
    return {
        "serial": next(_serials),  # another value at every answer, for the script to wait for
        "sketch": sketch,
        "colours": _save_colours(stack),
        "labels": _save_labels(stack),
        "size": list(stack.size),
        "parts": [
            {"label": p.label, "color": p.color, "name": p.name, "locked": p.locked}
            for p in stack.parts.parts
        ],
        "selected": selected,
        "undo": can_undo,
        "redo": can_redo,
    }


def save_lines(stack: LayerStack) -> str:
    """Writes the lines for the screen; returns the file's path."""
    return _save(_fitted(stack.drawing, Image.Resampling.LANCZOS), "lines.png", "PNG")


def build_viewer(elem_id: str) -> gr.HTML:
    """The component, empty."""
    return gr.HTML(
        None, html_template=TEMPLATE, js_on_load=SCRIPT, label=texts.RECOLOUR, elem_id=elem_id
    )


def _save_colours(stack: LayerStack) -> str:
    colours = _fitted(stack.colours, Image.Resampling.BOX)
    return _save(colours, "colours.jpg", "JPEG", quality=QUALITY, subsampling=0)


def _save_labels(stack: LayerStack) -> str:
    """Label numbers as the bytes of colours."""
    size = _screen_size(stack.size)
    rows = np.arange(size[1]) * stack.size[1] // size[1]
    columns = np.arange(size[0]) * stack.size[0] // size[0]
    label = stack.label[rows][:, columns] if size != stack.size else stack.label
    planes = np.stack([label & 255, label >> 8 & 255, label >> 16], axis=2).astype(np.uint8)
    return _save(Image.fromarray(planes), "labels.png", "PNG", compress_level=PNG_COMPRESSION)


def _screen_size(size: tuple[int, int]) -> tuple[int, int]:
    shrink = min(1.0, SIDE / max(size))
    return max(1, round(size[0] * shrink)), max(1, round(size[1] * shrink))


def _fitted(image: Image.Image, method: Image.Resampling) -> Image.Image:
    size = _screen_size(image.size)
    return image if size == image.size else image.resize(size, method)


def _save(image: Image.Image, name: str, kind: str, **options: Any) -> str:
    encoded = io.BytesIO()
    image.save(encoded, kind, **options)
    return save_bytes_to_cache(encoded.getvalue(), name, get_upload_folder())
