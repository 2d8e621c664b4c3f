"""Paint all built-in style pictures anew: ``python -m sketchcolor.style.pictures``."""

from __future__ import annotations

from PIL import Image

from sketchcolor.style.pictures import BUILT_IN, painting, path_of

SEED = 3
QUALITY = 82


def paint(name: str) -> Image.Image:
    """The picture as it is painted, before it is compressed."""
    return getattr(painting, name.replace("-", "_"))(SEED)


if __name__ == "__main__":
    for name in BUILT_IN:
        paint(name).save(path_of(name), quality=QUALITY, method=6)
        print(f"{name}: {path_of(name).stat().st_size // 1024} KiB")
