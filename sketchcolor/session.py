"""Sessions: all inputs and settings of a coloured picture, in one JSON file."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageColor

from .conditions import Palette, Stroke
from .conditions.hints import from_strokes
from .images import MAX_BYTES, ImageError, read_sketch
from .layers.edits import Edit, read_edits, write_edits

if TYPE_CHECKING:
    from .pipeline import SketchColorPipeline

__all__ = ["MAX_BYTES", "Session", "SessionError", "model_name"]

FORMAT = "sketchcolor session"
VERSION = 1
ADDED_PARTS = {"paint_background": False}  # parts that older files lack, and what that means
MAX_STROKES = 10_000
MAX_POINTS = 200_000  # of all strokes together
MAX_COLORS = 64

BROKEN = "The session file is damaged: its {} cannot be read; save the session again."


class SessionError(ValueError):
    """A session that cannot be used; the message is one sentence for the user."""


@dataclass(frozen=True)
class Session:
    """Inputs and settings of a colouring; with the same model they give the same picture.

    Attributes:
        sketch: mode L, at its own size, before cleaning.
        strokes: hint strokes in pixels of the sketch, or None.
        layer: RGBA picture of the sketch's size whose opaque pixels are hints, drawn over the
            strokes; or None.
        palette: palette of the colouring, or None.
        seed: of the colouring.
        resolution: side of the square working area, px.
        keep_lines: composite the sketch's own lines over the colours.
        clean_paper: remove shadows and grey paper of a photo or scan first.
        paint_background: colour the background, too.
        edits: changes of the colours of parts after that, in their order.
        model: name of the model, see `model_name`, or None.
        revision: its commit on the Hub, or None.
    """

    sketch: Image.Image
    seed: int
    strokes: Sequence[Stroke] | None = None
    layer: Image.Image | None = None
    palette: Palette | None = None
    resolution: int = 512
    keep_lines: bool = True
    clean_paper: bool = True
    paint_background: bool = False
    edits: tuple[Edit, ...] = ()
    model: str | None = None
    revision: str | None = None

    @property
    def hints(self) -> Image.Image | None:
        """Strokes and layer as one RGBA picture of the sketch's size; None without either."""
        if not self.strokes:
            return self.layer
        painted = Image.fromarray(from_strokes(self.strokes, self.sketch.size))
        if self.layer is not None:
            painted.paste(self.layer, mask=self.layer.getchannel("A").point(_is_painted))
        return painted

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments with which a pipeline makes the session's picture.

        Example:
            >>> picture = pipeline(**Session.load("girl.json").arguments()).images[0]
        """
        return {
            "sketch": self.sketch,
            "hints": self.hints,
            "palette": self.palette,
            "seed": self.seed,
            "resolution": self.resolution,
            "lines": "keep" if self.keep_lines else "model",
            "clean_paper": self.clean_paper,
            "background": "painted" if self.paint_background else "paper",
            "edits": self.edits,
        }

    def model_note(self, pipeline: SketchColorPipeline) -> str | None:
        """A sentence if the session was made with another model than this one, else None."""
        if self.model is None:
            return None
        made_with = self.model, self.revision
        coloured_by = model_name(pipeline), pipeline.revision
        if made_with == coloured_by:
            return None
        made, loaded = (" at ".join(filter(None, name)) for name in (made_with, coloured_by))
        return (
            f"This session was made with the model {made} and is coloured here by "
            f"{loaded or 'an unnamed one'}, so the picture may differ."
        )

    def to_json(self) -> str:
        """The session as JSON text.

        Raises:
            SessionError: the text would be larger than `from_json` accepts.
        """
        parts = {
            "format": FORMAT,
            "version": VERSION,
            "model": {"id": self.model, "revision": self.revision},
            "seed": self.seed,
            "resolution": self.resolution,
            "keep_lines": self.keep_lines,
            "clean_paper": self.clean_paper,
            "paint_background": self.paint_background,
            "edits": write_edits(self.edits),
            "palette": _palette_to_dict(self.palette),
            "strokes": None if self.strokes is None else [s.to_dict() for s in self.strokes],
            "layer": None if self.layer is None else _to_base64(self.layer),
            "sketch": _to_base64(self.sketch),
        }
        text = json.dumps(parts, indent=1)
        if len(text) > MAX_BYTES:
            raise SessionError(
                f"The session would be larger than {MAX_BYTES // 2**20} MB; "
                "use a smaller picture of the sketch."
            )
        return text

    @classmethod
    def from_json(cls, text: str | bytes) -> Session:
        """Reads what `to_json` wrote.

        Raises:
            SessionError: the text is too large, no session, of a newer version, or damaged.
        """
        if len(text) > MAX_BYTES:
            raise SessionError(f"A session file is at most {MAX_BYTES // 2**20} MB; this is more.")
        try:
            parts = json.loads(text)
        except (ValueError, RecursionError):
            parts = None
        if not isinstance(parts, dict) or parts.get("format") != FORMAT:
            raise SessionError("The file is no sketchcolor session; give one that was saved here.")
        if parts.get("version") != VERSION:
            raise SessionError(
                f"The session has version {parts.get('version')!r} and this program reads "
                f"version {VERSION}; use the program that saved it."
            )
        sketch = _sketch(parts.get("sketch"))
        model = _typed(parts, "model", dict)
        return cls(
            sketch=sketch,
            seed=_typed(parts, "seed", int),
            strokes=_strokes(parts.get("strokes")),
            layer=_layer(parts.get("layer"), sketch.size),
            palette=_palette(parts.get("palette")),
            resolution=_typed(parts, "resolution", int),
            keep_lines=_typed(parts, "keep_lines", bool),
            clean_paper=_typed(parts, "clean_paper", bool),
            paint_background=_typed(ADDED_PARTS | parts, "paint_background", bool),
            edits=_edits(parts.get("edits", [])),
            model=_typed(model, "id", str, None),
            revision=_typed(model, "revision", str, None),
        )

    def save(self, path: str | Path) -> None:
        """Writes the session to a file; see `to_json`."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Session:
        """Reads a session from a file; see `from_json`.

        Raises:
            SessionError: there is no such file, or it holds no usable session.
        """
        try:
            with Path(path).open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise SessionError(
                f"The session file {Path(path).name!r} cannot be opened; check its name."
            ) from error
        return cls.from_json(content)


def model_name(pipeline: SketchColorPipeline) -> str | None:
    """The name of a pipeline's model in sessions: its id, or the name of its folder.

    The folder's path is left out because it is private, and sessions are sent to others.
    """
    name = pipeline.model_id
    return Path(name).name if name is not None and Path(name).is_dir() else name


def _is_painted(alpha: int) -> int:
    return 255 if alpha >= 128 else 0


def _to_base64(image: Image.Image) -> str:
    encoded = io.BytesIO()
    image.save(encoded, "PNG")
    return base64.b64encode(encoded.getvalue()).decode()


def _palette_to_dict(palette: Palette | None) -> dict[str, list] | None:
    if palette is None:
        return None
    # Python floats represent float32 exactly, and JSON writes them exactly.
    return {"colors": palette.to_hex(), "weights": [float(weight) for weight in palette.weights]}


def _typed(parts: dict, name: str, kind: type, *others: Any) -> Any:
    """Returns a part of a session.

    Args:
        parts: of the session. name: of the part.
        kind: its type; subclasses are refused, so that a bool is no int.
        others: values that are allowed besides.

    Raises:
        SessionError: the part is missing or has another type.
    """
    value = parts.get(name)
    if type(value) is not kind and not any(value is other for other in others):
        raise SessionError(BROKEN.format(name.replace("_", " ")))
    return value


def _from_base64(value: Any, name: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise SessionError(BROKEN.format(name)) from error


def _sketch(value: Any) -> Image.Image:
    try:
        return read_sketch(_from_base64(value, "sketch"))
    except ImageError as error:
        raise SessionError(BROKEN.format("sketch")) from error


def _layer(value: Any, size: tuple[int, int]) -> Image.Image | None:
    if value is None:
        return None
    try:
        layer = Image.open(io.BytesIO(_from_base64(value, "hint layer")), formats=("PNG",))
        if layer.size == size:  # checked before the pixels are decoded
            return layer.convert("RGBA")
    except SessionError:
        raise
    except Exception as error:  # decoders raise nearly anything on damaged data
        raise SessionError(BROKEN.format("hint layer")) from error
    raise SessionError(
        f"The session's hint layer is {layer.width}×{layer.height} px and its sketch "
        f"{size[0]}×{size[1]} px; save the session again."
    )


def _strokes(value: Any) -> list[Stroke] | None:
    if value is None:
        return None
    try:
        strokes = [Stroke.from_dict(stroke) for stroke in value[: MAX_STROKES + 1]]
    except (TypeError, ValueError) as error:
        raise SessionError(BROKEN.format("strokes")) from error
    points = sum(len(stroke.points) for stroke in strokes)
    if len(strokes) > MAX_STROKES or points > MAX_POINTS:
        raise SessionError(
            f"The session has more than {MAX_STROKES:,} strokes or {MAX_POINTS:,} points; "
            "use fewer."
        )
    return strokes


def _edits(value: Any) -> tuple[Edit, ...]:
    try:
        return read_edits(value)
    except ValueError as error:
        raise SessionError(BROKEN.format("edits")) from error


def _palette(value: Any) -> Palette | None:
    if value is None:
        return None
    try:
        colors = np.array([ImageColor.getrgb(color)[:3] for color in value["colors"]], np.uint8)
        weights = np.array(value["weights"], np.float32)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SessionError(BROKEN.format("palette")) from error
    if not (1 <= len(colors) <= MAX_COLORS and weights.shape == colors.shape[:1]):
        raise SessionError(BROKEN.format("palette"))
    if not (np.isfinite(weights).all() and weights.min() >= 0 and weights.sum() > 0):
        raise SessionError(BROKEN.format("palette"))
    return Palette(colors, weights)
