"""Hints as files: strokes in JSON, or a transparent picture that was painted over the sketch."""

from __future__ import annotations

import json
from pathlib import Path

from PIL import Image

from ..images import MAX_BYTES, ImageError
from .hints import Stroke

__all__ = ["load_hints", "save_strokes"]


def load_hints(path: str | Path) -> list[Stroke] | Image.Image:
    """Read hints for :class:`SketchColorPipeline`.

    Args:
        path: ``.json`` with a list of ``{"color", "width", "points"}`` in pixels of the sketch,
            alone or under ``"strokes"``; or a picture of the sketch's size whose opaque pixels
            are hints.

    Raises:
        ImageError: the picture cannot be read or has nothing transparent.
        ValueError: the JSON does not hold strokes.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.name} is too large for hints.")
        if path.suffix.lower() == ".json":
            return _parse(path.read_text(encoding="utf-8-sig"), path.name)
        layer = Image.open(path)
        if not layer.has_transparency_data:
            raise ImageError(
                f"{path.name} has no transparency: paint hints on a transparent layer of the "
                "sketch's size and save it as PNG."
            )
        return layer.convert("RGBA")
    except OSError as error:
        raise ImageError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name} is no JSON text.") from error


def save_strokes(strokes: list[Stroke], path: str | Path) -> None:
    """Write strokes as :func:`load_hints` reads them."""
    text = json.dumps([stroke.to_dict() for stroke in strokes], indent=2)
    Path(path).write_text(text + "\n", encoding="utf-8")


def _parse(text: str, name: str) -> list[Stroke]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is no JSON: {error}.") from error
    strokes = found.get("strokes") if isinstance(found, dict) else found
    if not isinstance(strokes, list):
        raise ValueError(f'{name} holds no strokes: give a list of {{"color", "width", "points"}}.')
    return [Stroke.from_dict(stroke) for stroke in strokes]
