"""Small collections of drawn pictures in the layouts in which data sets from Danbooru come."""

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SIDE = 72  # px, of the pictures


def drawn(number: int, size: tuple[int, int] = (SIDE, SIDE)) -> Image.Image:
    """A disc with an outline whose colour is another one for each number below 100."""
    picture = Image.new("RGB", size, (255, 255, 255))
    colour = (40 + 2 * number, 90, 200)
    ImageDraw.Draw(picture).ellipse((4, 4, size[0] - 5, size[1] - 5), colour, (0, 0, 0), 2)
    return picture


def encoded(picture: Image.Image, kind: str = "png") -> bytes:
    """A picture's file, without loss where the kind allows it."""
    file = io.BytesIO()
    more = {"lossless": True} if kind == "webp" else {}
    picture.save(file, {"jpg": "jpeg"}.get(kind, kind), **more)
    return file.getvalue()


def number_of(colour) -> int:
    """Which of the `drawn` pictures a sample's colours (3×S×S in [-1, 1]) show."""
    red = (np.asarray(colour)[0] + 1) * 127.5
    return round((float(red[red.shape[0] // 2, red.shape[1] // 2]) - 40) / 2)


def write_tar(path: Path, members: dict[str, bytes | dict]) -> Path:
    """A tar of files by their names; a dictionary becomes JSON."""
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def labelled_members(numbers: range, kind: str = "webp") -> dict[str, bytes | dict]:
    """Pictures with JSON beside them: every third is explicit, every second monochrome."""
    members: dict[str, bytes | dict] = {}
    for number in numbers:
        tags = ["1girl", "monochrome"] if number % 2 else ["1girl", "long_hair"]
        labels = {"id": number, "score": number, "general_tags": tags}
        labels["rating"] = "explicit" if number % 3 == 2 else "general"
        members |= {f"{number}.{kind}": encoded(drawn(number), kind), f"{number}.json": labels}
    return members


def unusable() -> dict[str, bytes]:
    """Files of each kind that is skipped, by the reason in short."""
    cut = encoded(drawn(0, (256, 256)), "jpg")
    return {
        "damaged": cut[: len(cut) // 2],
        "not a picture": b"<html>404</html>",
        "smaller": encoded(drawn(0, (200, 60))),
        "a strip": encoded(drawn(0, (40, 500))),
    }
