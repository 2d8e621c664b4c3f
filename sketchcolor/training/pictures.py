"""Reads the pictures of rows of a data set, and says which ones cannot be trained on, and why.

In large collections some files are cut short, tiny, strips of a comic, or no pictures at all. They
raise :class:`UnusablePicture`, and whoever draws samples takes another row and counts them.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from ..images import FORMATS, MAX_ASPECT, MAX_BYTES, MAX_PIXELS, ImageError, read_image

__all__ = [
    "ANY_PICTURE",
    "FOLDERS",
    "LINEART_COLUMN",
    "MIN_SIDE",
    "PAIRS",
    "PICTURE_MEMBERS",
    "REASONS",
    "SIDE_BY_SIDE",
    "DataError",
    "UnusablePicture",
    "describe_skipped",
    "picture_of",
    "read_row",
]

MIN_SIDE = 64  # px, shorter side: there are thumbnails below, whose lines cannot be told apart
LINEART_COLUMN = "lineart"  # line art drawn by a person, of paired pictures
SIDE_BY_SIDE = ("colour-sketch", "sketch-colour")  # pairs in one picture, left and right half
FOLDERS = "folders"  # pairs of files in two folders
PAIRS = (*SIDE_BY_SIDE, FOLDERS)
ANY_PICTURE = "image"  # in rows of a tar, which have no such column, the member that is a picture
PICTURE_MEMBERS = ("jpg", "jpeg", "png", "webp", "gif", "bmp", "avif")
SAME_SHAPE = 0.02  # relative difference up to which two aspect ratios are those of one drawing

MISSING, NO_PICTURE, DAMAGED = "missing", "not a picture", "damaged"
TINY = f"smaller than {MIN_SIDE} px"
STRIP = f"a strip, longer than {MAX_ASPECT:.0f}:1"
HUGE = f"over {MAX_PIXELS // 10**6} million pixels or {MAX_BYTES // 2**20} MB"
OTHER_SHAPE = "of another shape than its sketch"
REASONS = (MISSING, NO_PICTURE, DAMAGED, TINY, STRIP, HUGE, OTHER_SHAPE)


class DataError(ValueError):
    """Data that cannot be trained on; the message is one sentence for the person who named them."""


class UnusablePicture(ValueError):
    """One picture that is skipped.

    Attributes:
        reason: one of :data:`REASONS`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The picture is {reason}.")
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.reason,)


def describe_skipped(reasons: Iterable[str]) -> str:
    """How many pictures were skipped and why, for example ``2 damaged, 1 missing``."""
    return ", ".join(f"{count:,} {reason}" for reason, count in Counter(reasons).most_common())


def read_row(
    row: Mapping[str, Any], column: str, pair: str | None = None, min_side: int = MIN_SIDE
) -> tuple[Image.Image, Image.Image | None]:
    """The colour picture of a row and, where there is one, the sketch that was drawn of it.

    Args:
        row: of a data set; pictures may be PIL images, encoded bytes, paths, or dictionaries with
            ``bytes`` and ``path``. Line art in the column ``lineart`` is its sketch.
        column: see :func:`picture_of`.
        pair: one of :data:`SIDE_BY_SIDE` if the picture holds both.
        min_side: px, the shortest side of a colour picture that is used.

    Returns:
        Two images of mode RGB and of one size; the second is None without a sketch.

    Raises:
        UnusablePicture: the picture or its sketch cannot be used.
    """
    picture, drawn = _read(picture_of(row, column)), None
    if pair in SIDE_BY_SIDE:
        half, height = picture.width // 2, picture.height
        halves = picture.crop((0, 0, half, height)), picture.crop((half, 0, 2 * half, height))
        picture, drawn = halves if pair == SIDE_BY_SIDE[0] else halves[::-1]
    elif row.get(LINEART_COLUMN) is not None:
        drawn = _fitting(_read(row[LINEART_COLUMN]), picture)
    if min(picture.size) < min_side:
        raise UnusablePicture(TINY)
    return picture, drawn


def picture_of(row: Mapping[str, Any], column: str) -> Any:
    """The value of a picture column.

    Args:
        row: of a data set.
        column: its name. Tars have columns named after the files' extensions, of which
            :data:`ANY_PICTURE` takes the one that this row has.
    """
    if column != ANY_PICTURE or row.get(column) is not None:
        return row.get(column)
    return next((row[name] for name in PICTURE_MEMBERS if row.get(name) is not None), None)


def _read(value: Any) -> Image.Image:
    """A picture of any form that data sets have, as upright RGB."""
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if value is None or (isinstance(value, str | Path) and not Path(value).is_file()):
        raise UnusablePicture(MISSING)
    try:
        return read_image(value)
    except ImageError as error:
        raise UnusablePicture(_reason(value)) from error


def _reason(value: Any) -> str:
    """Why `read_image` refuses a picture."""
    if isinstance(value, Image.Image):
        width, height = value.size
    else:
        data = value if isinstance(value, bytes) else Path(value).read_bytes()
        if len(data) > MAX_BYTES:
            return HUGE
        try:
            with Image.open(io.BytesIO(data), formats=FORMATS) as image:
                width, height = image.size
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            return HUGE
        except Exception:  # damaged headers raise nearly anything
            return NO_PICTURE
    if width * height > MAX_PIXELS:
        return HUGE
    if max(width, height) > MAX_ASPECT * min(width, height):
        return STRIP
    return TINY if min(width, height) < MIN_SIDE else DAMAGED


def _fitting(drawn: Image.Image, picture: Image.Image) -> Image.Image:
    """A sketch at its picture's size; a scan of it may be larger or smaller."""
    if drawn.size == picture.size:
        return drawn
    ratio = drawn.width * picture.height / (drawn.height * picture.width)
    if abs(ratio - 1) > SAME_SHAPE:
        raise UnusablePicture(OTHER_SHAPE)
    return drawn.resize(picture.size, Image.Resampling.LANCZOS)
