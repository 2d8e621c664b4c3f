"""Changes of a colouring after it was made, as data: other colours for parts, other borders.

Each edit names a part by a place on it, in pixels of the sketch. So a list of edits can be stored,
undone from its end, and made again to another colouring of the same drawing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = [
    "Edit",
    "Lock",
    "Merge",
    "Point",
    "Recolour",
    "Rename",
    "Split",
    "load_edits",
    "read_edits",
    "write_edits",
]

MAX_EDITS = 2_000
MAX_POINTS = 20_000  # of the strokes of all edits together
MAX_NAME = 60  # characters

Point = tuple[float, float]


@dataclass(frozen=True)
class Recolour:
    """The part at a place has another color, ``#rrggbb``."""

    at: Point
    color: str


@dataclass(frozen=True)
class Merge:
    """The part at ``other`` joins the part at ``at`` and takes its color."""

    at: Point
    other: Point


@dataclass(frozen=True)
class Split:
    """A stroke divides the part that most of it lies in; see :func:`split.divide`.

    Attributes:
        points: x, y; a single point is a dot.
        width: diameter of the stroke.
    """

    points: tuple[Point, ...]
    width: float


@dataclass(frozen=True)
class Rename:
    """The part at a place has a name."""

    at: Point
    name: str


@dataclass(frozen=True)
class Lock:
    """The part at a place keeps its color when the drawing is coloured anew, or no longer does."""

    at: Point
    locked: bool


Edit = Recolour | Merge | Split | Rename | Lock
KINDS: dict[str, type] = {
    kind.__name__.lower(): kind for kind in (Recolour, Merge, Split, Rename, Lock)
}
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def write_edits(edits: Iterable[Edit]) -> list[dict[str, Any]]:
    """Edits as JSON objects, ``{"edit": "recolour", "at": [x, y], "color": "#rrggbb"}``."""
    return [{"edit": type(edit).__name__.lower(), **asdict(edit)} for edit in edits]


def read_edits(listed: object) -> tuple[Edit, ...]:
    """Edits from what :func:`write_edits` makes.

    Raises:
        ValueError: it is no list of edits, there are too many, or one is malformed.
    """
    if not isinstance(listed, list):
        raise ValueError(
            'Edits are a JSON list like [{"edit": "recolour", "at": [x, y], "color": "#rrggbb"}].'
        )
    if len(listed) > MAX_EDITS:
        raise ValueError(f"There are more than {MAX_EDITS:,} edits; use fewer.")
    edits = tuple(_read_edit(one) for one in listed)
    if sum(len(edit.points) for edit in edits if isinstance(edit, Split)) > MAX_POINTS:
        raise ValueError(f"The strokes of the edits have more than {MAX_POINTS:,} points.")
    return edits


def load_edits(path: str | Path) -> tuple[Edit, ...]:
    """Edits from a JSON file: a list of them, or a session that holds some.

    Raises:
        ValueError: the file cannot be read, or holds no edits.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} is no JSON text.") from error
    return read_edits(found.get("edits") if isinstance(found, dict) else found)


def _read_edit(one: object) -> Edit:
    kind = KINDS.get(str(one.get("edit"))) if isinstance(one, dict) else None
    if kind is None or not isinstance(one, dict):
        raise ValueError(f'An edit is one of {", ".join(KINDS)}, named by its key "edit".')
    given = {name: value for name, value in one.items() if name != "edit"}
    try:
        for name in ("at", "other"):
            if name in given:
                given[name] = _point(given[name])
        if "points" in given:
            given["points"] = tuple(map(_point, given["points"]))
        if "width" in given:
            given["width"] = float(given["width"])
        edit = kind(**given)
        _check(edit)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"The edit {one.get('edit')!r} is malformed: places are [x, y], colors #rrggbb, widths "
            f"above zero, names at most {MAX_NAME} characters."
        ) from error
    return edit


def _point(value: Any) -> Point:
    x, y = (float(coordinate) for coordinate in value)
    if not np.isfinite([x, y]).all():
        raise ValueError
    return x, y


def _check(edit: Edit) -> None:
    fits = True
    if isinstance(edit, Recolour):
        fits = _COLOR.fullmatch(edit.color) is not None
    elif isinstance(edit, Split):
        fits = len(edit.points) > 0 and 0 < edit.width < np.inf
    elif isinstance(edit, Rename):
        fits = isinstance(edit.name, str) and len(edit.name) <= MAX_NAME
    elif isinstance(edit, Lock):
        fits = isinstance(edit.locked, bool)
    if not fits:
        raise ValueError
