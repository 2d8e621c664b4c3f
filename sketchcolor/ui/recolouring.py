"""A visitor's colouring whose colours are being changed: its files, its edits, undo and redo."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder
from PIL import Image

from sketchcolor.layers.edits import Edit, Split, read_edits
from sketchcolor.layers.repaint import apply_edits, edit_parts, edits_for_new_colours, inner_point
from sketchcolor.layers.stack import LayerStack
from sketchcolor.parts.colouring import Part, PartMap
from sketchcolor.ui import part_viewer, texts
from sketchcolor.ui.colouring import OnStep
from sketchcolor.ui.widgets import refusal
from sketchcolor.ui.work import Work

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline


@dataclass(frozen=True)
class Recolouring:
    """A colouring as files and its edits, small enough to be a visitor's state.

    Attributes:
        work: the session, with the edits that are made.
        stack: file of the colouring before all edits.
        lines: file of the lines for the screen.
        undone: edits that were taken back, the last one first in line to be made again.
        drag: which movement of the colour picker the last edit comes from.
    """

    work: Work
    stack: str
    lines: str
    undone: tuple[Edit, ...] = ()
    drag: int | None = None

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Those that are made, in their order."""
        return self.work.edits

    def load(self) -> LayerStack:
        """The colouring before all edits.

        Raises:
            gr.Error: the server no longer has its file.
        """
        if not Path(self.stack).is_file():
            raise refusal(texts.EXPIRED)
        return _read(self.stack)

    def load_edited(self) -> LayerStack:
        """The colouring with its edits; see `load`."""
        return apply_edits(self.load(), self.edits)

    def with_edits(self, edits: tuple[Edit, ...], **changes: Any) -> "Recolouring":
        """The same colouring with other edits."""
        return replace(self, work=replace(self.work, edits=edits), **changes)

    def show(self, edited: LayerStack, selected: int | None = None) -> dict[str, Any]:
        """The viewer's value for the colouring with its edits."""
        return part_viewer.show(edited, self.lines, selected, bool(self.edits), bool(self.undone))


def start(
    pipeline: "SketchColorPipeline", work: Work, on_step: OnStep | None = None
) -> tuple[Recolouring, LayerStack]:
    """Colours a visitor's work for its colours to be changed; also gives it with its edits.

    Raises:
        ValueError: the model does not know parts, or the picture has the model's own lines.
    """
    session = replace(work.session(pipeline), edits=())
    output = pipeline(**session.arguments(), callback=on_step)
    if output.layers is None:
        raise ValueError(texts.NO_PARTS)
    stack = output.layers[0]
    work = replace(work, coloured=True)
    now = Recolouring(work, _write(stack), part_viewer.save_lines(stack))
    return now, apply_edits(stack, work.edits)


def change(now: Recolouring, asked: dict[str, Any]) -> tuple[Recolouring, LayerStack, int | None]:
    """Does what the viewer asks for.

    Args:
        now: the visitor's colouring.
        asked: the data of the viewer's event.

    Returns:
        The colouring after it, with its edits made, and the number of the part to take up, or None.

    Raises:
        ValueError: it cannot be done; the sentence says why.
    """
    before = now.load()
    act = asked.get("act")
    if act in ("undo", "redo"):
        now = _step_back(now) if act == "undo" else _step_forth(now)
        return now, apply_edits(before, now.edits), None
    drag = asked.get("drag") if act == "recolour" else None
    edits = now.edits
    if drag is not None and drag == now.drag:
        edits = edits[:-1]  # the picker moved on
    edit = _edit(edit_parts(before, edits).label, asked)
    after = apply_edits(before, (*edits, edit))
    selected = int(after.label.max()) if isinstance(edit, Split) else None
    return now.with_edits((*edits, edit), undone=(), drag=drag), after, selected


def _step_back(now: Recolouring) -> Recolouring:
    if not now.edits:
        return now
    return now.with_edits(now.edits[:-1], undone=(*now.undone, now.edits[-1]), drag=None)


def _step_forth(now: Recolouring) -> Recolouring:
    if not now.undone:
        return now
    return now.with_edits((*now.edits, now.undone[-1]), undone=now.undone[:-1], drag=None)


def carry_over(now: Recolouring, seed: int) -> Work:
    """The work to be coloured anew with another seed; locked parts keep their colours."""
    edited = edit_parts(now.load(), now.edits)
    settings = replace(now.work.settings, seed=seed)
    return replace(now.work, settings=settings, edits=edits_for_new_colours(edited, now.edits))


def _edit(label: np.ndarray, asked: dict[str, Any]) -> Edit:
    """What the viewer's event asks for, by places in H×W labels instead of numbers."""

    def place(name: str) -> list[float]:
        number = asked.get(name)
        if not isinstance(number, int) or not (label == number).any():
            raise ValueError(texts.NO_SUCH_PART)
        return list(inner_point(label, number))

    kinds: dict[str, Callable[[], dict[str, Any]]] = {
        "recolour": lambda: {"at": place("label"), "color": asked.get("color")},
        "merge": lambda: {"at": place("label"), "other": place("other")},
        "split": lambda: {"points": asked.get("points"), "width": asked.get("width")},
        "rename": lambda: {"at": place("label"), "name": asked.get("name")},
        "lock": lambda: {"at": place("label"), "locked": asked.get("locked")},
    }
    make = kinds.get(str(asked.get("act")))
    if make is None:
        raise ValueError(texts.NO_SUCH_PART)
    return read_edits([{"edit": asked["act"], **make()}])[0]


def _write(stack: LayerStack) -> str:
    """Writes a stack into Gradio's cache; not compressed, because every edit reads it."""
    parts = [[part.label, part.color, part.area] for part in stack.parts.parts]
    data = io.BytesIO()
    np.savez(
        data,
        drawing=np.asarray(stack.drawing),
        colours=np.asarray(stack.colours),
        label=stack.label,
        parts=json.dumps(parts),
        dpi=stack.dpi,
    )
    return save_bytes_to_cache(data.getvalue(), "colouring.npz", get_upload_folder())


def _read(file: str) -> LayerStack:
    with np.load(file) as data:
        parts = [Part(*one) for one in json.loads(str(data["parts"]))]
        return LayerStack(
            Image.fromarray(data["drawing"]),
            Image.fromarray(data["colours"]),
            PartMap(data["label"], parts),
            (float(data["dpi"][0]), float(data["dpi"][1])),
        )
