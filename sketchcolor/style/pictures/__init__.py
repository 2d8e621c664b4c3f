"""The built-in style pictures; ``painting`` is the code that painted them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

__all__ = ["BUILT_IN", "built_in", "path_of"]

BUILT_IN = ("brush", "halftone", "watercolour", "ink-wash")


def path_of(name: str) -> Path:
    """The file of a built-in style picture.

    Raises:
        ValueError: there is none of this name.
    """
    if name not in BUILT_IN:
        raise ValueError(f"There is no built-in style {name!r}; choose {', '.join(BUILT_IN)}.")
    return Path(__file__).with_name(f"{name}.webp")


def built_in(name: str) -> Image.Image:
    """A built-in style picture, mode RGB, 512×512 px.

    Raises:
        ValueError: there is none of this name.
    """
    with Image.open(path_of(name)) as image:
        return image.convert("RGB")
