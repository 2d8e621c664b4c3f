"""Palettes as files: GIMP's ``.gpl``, which every paint program reads, and our own ``.json``.

Both keep the colours' weights: a ``.gpl`` in each colour's name, where other programs show it.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import ImageColor

from .palette import Palette

__all__ = ["BUILT_IN", "PaletteError", "built_in", "load_palette", "save_palette"]

MAX_BYTES = 2**20
MAX_COLORS = 256
FOLDER = Path(__file__).parent.parent / "palettes"
BUILT_IN = tuple(sorted(path.stem for path in FOLDER.glob("*.gpl")))

_ENTRY = re.compile(r"(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s+(.*))?$")
_WEIGHT = re.compile(r"weight\s+(\d*\.?\d+)")


class PaletteError(ValueError):
    """A palette that cannot be used; the message is one sentence for the person who gave it."""


def built_in(name: str) -> Palette:
    """One of the palettes that come with sketchcolor, by a name from ``BUILT_IN``.

    Raises:
        PaletteError: there is none of this name.
    """
    if name not in BUILT_IN:
        raise PaletteError(f"There is no built-in palette {name!r}; choose {', '.join(BUILT_IN)}.")
    return load_palette(FOLDER / f"{name}.gpl")


def load_palette(path: str | Path) -> Palette:
    """Read a ``.gpl`` or ``.json`` palette, whatever the file is called.

    A ``.json`` is what :func:`save_palette` writes, or a plain list of ``#rrggbb``.

    Raises:
        PaletteError: the file is missing, too large, damaged or holds no colour.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PaletteError(f"{path.name} is too large for a palette: 1 MB is the most.")
        text = path.read_bytes().decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise PaletteError(f"{path.name} cannot be read: {error.strerror or error}.") from error
    if text.lstrip().startswith(("{", "[")):
        colors, weights = _parse_json(text, path.name)
    else:
        colors, weights = _parse_gpl(text, path.name)
    if not colors:
        raise PaletteError(f"{path.name} holds no colour: add one, or take another palette.")
    if len(colors) > MAX_COLORS:
        raise PaletteError(f"{path.name} holds {len(colors)} colours: {MAX_COLORS} are the most.")
    shares = np.array(weights, np.float64)
    if not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise PaletteError(f"{path.name} has weights that are no shares: give numbers from 0 up.")
    return Palette(np.array(colors, np.uint8), (shares / shares.sum()).astype(np.float32))


def save_palette(palette: Palette, path: str | Path) -> None:
    """Write a palette in the format that the file's ending names.

    Raises:
        PaletteError: the ending is neither ``.gpl`` nor ``.json``.
    """
    path = Path(path)
    entries = list(zip(palette.colors.tolist(), palette.weights.tolist(), strict=True))
    if path.suffix.lower() == ".gpl":
        head = ["GIMP Palette", f"Name: {path.stem}", f"Columns: {min(9, len(entries))}", "#"]
        rows = [f"{r:3d} {g:3d} {b:3d}\tweight {weight:.6g}" for (r, g, b), weight in entries]
        text = "\n".join([*head, *rows]) + "\n"
    elif path.suffix.lower() == ".json":
        listed = [
            {"color": color, "weight": round(weight, 6)}
            for color, (_, weight) in zip(palette.to_hex(), entries, strict=True)
        ]
        text = json.dumps({"name": path.stem, "colors": listed}, indent=2) + "\n"
    else:
        raise PaletteError(f"{path.name} is no palette file: name it .gpl or .json.")
    path.write_text(text, encoding="utf-8")


def _parse_gpl(text: str, name: str) -> tuple[list[tuple[int, int, int]], list[float]]:
    lines = [line.strip() for line in text.splitlines()]
    if not lines or not lines[0].lower().startswith("gimp palette"):
        raise PaletteError(f"{name} is no palette: give a GIMP palette (.gpl) or a .json.")
    colors: list[tuple[int, int, int]] = []
    weights: list[float] = []
    for line in lines[1:]:
        if not line or line.startswith("#") or re.match(r"(name|columns)\s*:", line, re.I):
            continue
        entry = _ENTRY.match(line)
        if not entry or max(map(int, entry.groups()[:3])) > 255:
            raise PaletteError(f"{name} is damaged: {line[:40]!r} is no colour from 0 to 255.")
        weight = _WEIGHT.search(entry.group(4) or "")
        red, green, blue = map(int, entry.groups()[:3])
        colors.append((red, green, blue))
        weights.append(float(weight.group(1)) if weight else 1.0)
    return colors, weights


def _parse_json(text: str, name: str) -> tuple[list[tuple[int, int, int]], list[float]]:
    try:
        found = json.loads(text)
        entries = found["colors"] if isinstance(found, dict) else found
        entries = [{"color": e} if isinstance(e, str) else e for e in entries]
        colors = [ImageColor.getrgb(entry["color"])[:3] for entry in entries]
        weights = [float(entry.get("weight", 1.0)) for entry in entries]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise PaletteError(
            f'{name} is no palette: it needs "colors", each with a color like #ff8800.'
        ) from error
    return colors, weights
