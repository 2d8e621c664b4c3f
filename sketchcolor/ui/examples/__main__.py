"""Draw all example sketches: ``python -m sketchcolor.ui.examples``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from sketchcolor.ui.examples import EXAMPLES
from sketchcolor.ui.examples.creatures import cat, dragon
from sketchcolor.ui.examples.figures import chibi, twin_tails
from sketchcolor.ui.examples.hats import straw_hat, witch
from sketchcolor.ui.examples.portraits import long_hair, spiky_hair

_DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    drawing.__name__: drawing
    for drawing in (long_hair, spiky_hair, twin_tails, chibi, straw_hat, witch, cat, dragon)
}


def draw(path: Path) -> Image.Image:
    """Draw the example kept at `path`, an 8-bit grey image; raises KeyError for any other path."""
    return _DRAWINGS[path.stem]()


if __name__ == "__main__":
    for title, path in EXAMPLES:
        draw(path).save(path, optimize=True)
        print(f"{title}: {path.name}, {path.stat().st_size // 1024} KiB")
