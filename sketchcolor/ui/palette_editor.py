"""The palette board: a row of up to nine colours, each with its share and a lock.

The board's value is JSON, ``[{"color": "#rrggbb", "weight": share, "locked": bool}, …]``, so that
browser and server read the same data.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import gradio as gr
import numpy as np
from PIL import ImageColor

from sketchcolor.conditions.palette import DEFAULT_SIZE, Palette
from sketchcolor.ui import texts

_HEX = re.compile(r"#[0-9a-f]{6}")

TEMPLATE = """<div class="palette-board" role="group" aria-label="${label}">
${JSON.parse(value).map((swatch, i, all) => `
  <div class="palette-swatch" data-index="${i}" data-color="${swatch.color}">
    <input type="color" data-part="color" value="${swatch.color}" aria-label="COLOUR ${i + 1}">
    <input type="range" data-part="weight" min="0" max="1" step="0.01" value="${swatch.weight}"
      aria-label="SHARE ${i + 1}" title="SHARE">
    <div>
      <button type="button" data-act="left" ${i ? '' : 'disabled'} aria-label="LEFT ${i + 1}"
        title="LEFT">‹</button>
      <button type="button" data-act="lock" aria-pressed="${swatch.locked}"
        aria-label="LOCK ${i + 1}" title="LOCK"><svg viewBox="0 0 16 16" aria-hidden="true"><path
        d="M3 7h10v7H3z"/><path class="shackle"
        d="${swatch.locked ? 'M5 7V5a3 3 0 0 1 6 0v2' : 'M5 7V4a3 3 0 0 1 6 0'}"/></svg></button>
      <button type="button" data-act="remove" aria-label="REMOVE ${i + 1}"
        title="REMOVE">×</button>
      <button type="button" data-act="right" ${i < all.length - 1 ? '' : 'disabled'}
        aria-label="RIGHT ${i + 1}" title="RIGHT">›</button>
    </div>
  </div>`).join('')}
  ${JSON.parse(value).length < MOST
    ? '<button type="button" class="palette-add" data-act="add" aria-label="ADD">+</button>' : ''}
</div>"""
for _word, _text in (
    ("COLOUR", texts.SWATCH_COLOUR),
    ("SHARE", texts.SWATCH_SHARE),
    ("LEFT", texts.SWATCH_LEFT),
    ("RIGHT", texts.SWATCH_RIGHT),
    ("LOCK", texts.SWATCH_LOCK),
    ("REMOVE", texts.SWATCH_REMOVE),
    ("ADD", texts.SWATCH_ADD),
    ("MOST", str(DEFAULT_SIZE)),
):
    TEMPLATE = TEMPLATE.replace(_word, _text)

# "change", not "input": redrawing the board would close a picker that is still being dragged.
ON_LOAD = """
const edit = (change) => {
  const swatches = JSON.parse(props.value);
  change(swatches);
  props.value = JSON.stringify(swatches);
  trigger('input');
};
const place = (node) => Number(node.closest('[data-index]')?.dataset.index);
element.addEventListener('change', event => {
  const part = event.target.dataset.part;
  if (!part) return;
  event.stopPropagation();
  const value = part === 'weight' ? Number(event.target.value) : event.target.value;
  edit(swatches => { swatches[place(event.target)][part] = value; });
});
element.addEventListener('click', event => {
  const button = event.target.closest('[data-act]');
  if (!button || button.disabled) return;
  const i = place(button), act = button.dataset.act;
  edit(swatches => {
    if (act === 'add') swatches.push({color: '#d0a080', weight: 0.1, locked: false});
    else if (act === 'remove') swatches.splice(i, 1);
    else if (act === 'lock') swatches[i].locked = !swatches[i].locked;
    else swatches.splice(act === 'left' ? i - 1 : i + 1, 0, swatches.splice(i, 1)[0]);
  });
});
"""

CSS = """
.palette-board { display: grid; gap: 0.5rem;
  grid-template-columns: repeat(auto-fill, minmax(96px, 1fr)); }
.palette-swatch { display: flex; flex-direction: column; gap: 0.3rem; padding: 0.3rem;
  border: 1px solid var(--border-color-primary); border-radius: var(--radius-md);
  background: var(--block-background-fill); }
.palette-swatch input[type=color] { width: 100%; height: 2.4rem; padding: 0; border: 0;
  cursor: pointer; background: none; }
.palette-swatch input[type=range] { width: 100%; min-width: 0; margin: 0;
  accent-color: var(--color-accent); }
.palette-swatch div { display: flex; justify-content: space-between; }
.palette-swatch button { flex: 1; min-width: 0; min-height: 1.7rem; padding: 0; cursor: pointer; }
.palette-swatch svg { width: 1rem; height: 1rem; margin: auto; fill: currentColor; }
.palette-swatch .shackle { fill: none; stroke: currentColor; stroke-width: 1.5; }
.palette-swatch [aria-pressed=true] { color: var(--color-accent); }
.palette-swatch button:disabled { opacity: 0.3; cursor: default; }
.palette-add { min-height: 5rem; font-size: 1.6rem; cursor: pointer;
  border: 1px dashed var(--border-color-primary); border-radius: var(--radius-md); }
"""


@dataclass(frozen=True)
class Swatch:
    """One colour on the board.

    Attributes:
        color: ``#rrggbb``.
        weight: its share of the picture, 0 to 1.
        locked: it stays when another palette is loaded.
    """

    color: str
    weight: float
    locked: bool = False


def write(swatches: Iterable[Swatch]) -> str:
    """The board's value for these swatches."""
    return json.dumps([asdict(swatch) for swatch in swatches])


def read(value: str) -> list[Swatch]:
    """The swatches on the board.

    Raises:
        ValueError: the value is not that of a board; our page sends no such value.
    """
    try:
        swatches = [
            Swatch(str(entry["color"]), float(entry["weight"]), bool(entry["locked"]))
            for entry in json.loads(value)
        ]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise ValueError(texts.BROKEN_BOARD) from error
    shares = [swatch.weight for swatch in swatches]
    fits = len(swatches) <= DEFAULT_SIZE and all(_HEX.fullmatch(s.color) for s in swatches)
    if not (fits and all(0.0 <= share <= 1.0 for share in shares)):
        raise ValueError(texts.BROKEN_BOARD)
    return swatches


def palette_of(value: str) -> Palette | None:
    """The palette on the board, in the board's order; None from an empty one.

    Raises:
        ValueError: no colour has a share, or the value is not that of a board.
    """
    swatches = read(value)
    if not swatches:
        return None
    weights = np.array([swatch.weight for swatch in swatches])
    total = weights.sum()
    if total == 0:
        raise ValueError(texts.NO_SHARES)
    if abs(total - 1.0) > 1e-6:  # a session's shares stay exactly as they are
        weights = weights / total
    colors = [ImageColor.getrgb(swatch.color) for swatch in swatches]
    return Palette(np.array(colors, np.uint8), weights.astype(np.float32))


def swatches_of(palette: Palette | None) -> list[Swatch]:
    """The board's swatches for a palette, at most the nine with most weight; none for None."""
    if palette is None:
        return []
    kept = np.sort(np.argsort(-palette.weights, kind="stable")[:DEFAULT_SIZE])
    colors = palette.to_hex()
    return [Swatch(colors[i], float(palette.weights[i])) for i in kept]


def take_in(value: str, palette: Palette) -> str:
    """The board's value with another palette; locked swatches stay, in front of it."""
    locked = [swatch for swatch in read(value) if swatch.locked]
    fresh = swatches_of(palette)
    return write([*locked, *fresh[: DEFAULT_SIZE - len(locked)]])


def build_board(tab: str, palette: Palette) -> gr.HTML:
    """Lays the board out with a palette; its ``input`` event is a visitor's edit."""
    return gr.HTML(
        write(swatches_of(palette)),
        html_template=TEMPLATE,
        js_on_load=ON_LOAD,
        label=texts.PALETTE_BOARD,
        elem_id=f"{tab}-board",
    )
