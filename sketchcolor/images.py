"""Reads every picture that comes in: turns it upright, flattens it on white, checks its limits.

All other modules work with the 8-bit ``L`` and ``RGB`` images that this one returns, or with float
tensors in [-1, 1].
"""

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

Source = str | Path | bytes | BinaryIO | Image.Image | np.ndarray

MAX_BYTES = 30 * 2**20
MAX_PIXELS = 40_000_000  # a little more than 6000×6000
MIN_SIDE = 16  # px
MAX_ASPECT = 8.0  # long side over short side

# Only formats that Pillow decodes itself and recognises by their first bytes: EPS, for one, would
# start Ghostscript. Formats that Pillow was built without are left out, because it fails on every
# file when it is asked for one of them.
Image.init()
WANTED_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "JPEG2000", "PSD")
FORMATS = tuple(name for name in WANTED_FORMATS if name in Image.OPEN)


class ImageError(ValueError):
    """A picture that cannot be used; the message is one sentence for the person who gave it."""


def read_image(source: Source) -> Image.Image:
    """Reads any picture as upright 8-bit RGB, transparency flattened on white.

    Args:
        source: path, encoded bytes, binary file, PIL image, or array of shape H×W or H×W×{1, 3, 4}:
            bool, uint8, uint16, other integers in 0..255, or floats in [0, 1].
            The first frame of an animation is read.

    Returns:
        A PIL image of mode RGB and the size of the upright input.

    Raises:
        ImageError: the picture is missing, empty, damaged, not an image, or outside the limits
            ``MAX_BYTES``, ``MAX_PIXELS``, ``MIN_SIDE``, ``MAX_ASPECT``.
    """
    return _read(source).convert("RGB")


def read_sketch(source: Source) -> Image.Image:
    """Reads any picture as upright 8-bit grey (mode L, 255 = paper); see `read_image`."""
    return _read(source).convert("L")


def check_header(path: str | Path) -> None:
    """Refuses a file that `read_image` would refuse for its size or kind, without decoding it.

    This is for files that other code, for example Gradio's, is going to decode.

    Raises:
        ImageError: see `read_image`.
    """
    _open(_encoded(path))


def to_tensor(image: Image.Image) -> torch.Tensor:
    """PIL image of mode L, RGB or RGBA to float32 1×C×H×W in [-1, 1]."""
    pixels = np.array(image, dtype=np.float32)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)[None].contiguous()


def to_pil(tensor: torch.Tensor) -> list[Image.Image]:
    """Float B×C×H×W in [-1, 1], C in {1, 3, 4}, to B PIL images of mode L, RGB or RGBA; clips."""
    levels = (tensor.detach().float().clamp(-1, 1) + 1).mul(127.5).round().to(torch.uint8)
    pixels = levels.permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(each[..., 0] if each.shape[-1] == 1 else each) for each in pixels]


def as_output_type(
    images: list[Image.Image], output_type: str
) -> list[Image.Image] | np.ndarray | torch.Tensor:
    """Converts PIL RGB pictures of one size.

    Args:
        images: B pictures.
        output_type: ``pil`` returns them as they are, ``np`` B×H×W×3 and ``pt`` B×3×H×W floats in
            [0, 1].
    """
    if output_type == "pil":
        return images
    array = np.stack([np.asarray(image) for image in images]).astype(np.float32) / 255.0
    return array if output_type == "np" else torch.from_numpy(array).permute(0, 3, 1, 2)


def _read(source: Source) -> Image.Image:
    """Any source to an upright image of mode L or RGB."""
    if source is None:
        raise ImageError("There is no picture yet; give one first.")
    if isinstance(source, np.ndarray):
        return _flatten(_from_array(source))
    if isinstance(source, Image.Image):
        image = source
        _check_size(*image.size)
    else:
        image = _open(_encoded(source))
    try:
        image.load()
    except Exception as error:  # decoders raise nearly anything on damaged data
        raise ImageError("The picture is damaged or cut short; save or export it again.") from error
    try:
        image = ImageOps.exif_transpose(image)
    except Exception:  # only the EXIF block is damaged; the pixels can still be used
        pass
    flat = _flatten(image)
    if "dpi" in image.info:
        flat.info["dpi"] = image.info["dpi"]
    return flat


def _encoded(source: str | Path | bytes | BinaryIO) -> bytes:
    """The bytes of a path, buffer or file, never more than ``MAX_BYTES``."""
    if isinstance(source, str | Path):
        path = Path(source)
        try:
            if not path.is_file():
                raise ImageError(f"There is no file {path.name!r}; check the path.")
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise ImageError(
                f"The file {path.name!r} cannot be opened; check its name and its rights."
            ) from error
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif hasattr(source, "read"):
        data = source.read(MAX_BYTES + 1)
        if not isinstance(data, bytes):
            raise ImageError("The file was opened as text; open it in binary mode.")
    else:
        raise ImageError(
            f"A {type(source).__name__} is no picture; give a path, bytes, a PIL image or an array."
        )
    if not data:
        raise ImageError("The file is empty; save or export the picture again.")
    if len(data) > MAX_BYTES:
        raise ImageError(
            f"The file is larger than {MAX_BYTES // 2**20} MB; save it smaller, for example as PNG."
        )
    return data


def _open(data: bytes) -> Image.Image:
    """Reads the header only, so that a decompression bomb is refused before it is decoded."""
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"The picture has far more than {MAX_PIXELS // 10**6} million pixels; make it smaller."
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            "The file is not a picture we can read; save it as PNG, JPEG or WebP."
        ) from error
    except Exception as error:  # damaged headers raise nearly anything
        raise ImageError("The picture is damaged or cut short; save or export it again.") from error
    _check_size(*image.size)
    return image


def _check_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            f"The picture is {width}×{height} px; both sides must be at least {MIN_SIDE} px."
        )
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"The picture is {width}×{height} px; make it smaller than "
            f"{MAX_PIXELS // 10**6} million pixels."
        )
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise ImageError(
            f"The picture is {width}×{height} px; crop it so that the long side is at most "
            f"{MAX_ASPECT:.0f} times the short one."
        )


def _from_array(array: np.ndarray) -> Image.Image:
    """Array H×W or H×W×{1, 3, 4} to an 8-bit image of mode L, RGB or RGBA."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ImageError(f"The array has shape {array.shape}; give H×W, H×W×3 or H×W×4.")
    _check_size(array.shape[1], array.shape[0])
    if array.dtype == np.uint16:
        return Image.fromarray(_scaled(array, 65535))
    if array.dtype == np.uint8:
        return Image.fromarray(np.ascontiguousarray(array))
    if array.dtype.kind not in "buif":
        raise ImageError(f"The array holds {array.dtype}; give uint8, uint16 or floats in [0, 1].")
    top = 255 if array.dtype.kind in "ui" else 1
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= top):  # also false for NaN
        raise ImageError(f"The array's values span {low} to {high}; scale them to 0..{top}.")
    return Image.fromarray(_scaled(array, top))


def _scaled(values: np.ndarray, top: float) -> np.ndarray:
    """Values in 0..top to rounded uint8."""
    return (np.clip(values.astype(np.float32) / top, 0, 1) * 255 + 0.5).astype(np.uint8)


def _flatten(image: Image.Image) -> Image.Image:
    """An image of any mode to L or RGB on white paper."""
    try:
        if image.mode.startswith("I;16"):
            return Image.fromarray(_scaled(np.asarray(image), 65535))
        if image.mode in ("I", "F"):
            return Image.fromarray(_scaled(*_with_range(np.asarray(image))))
        if image.has_transparency_data:
            mode = "LA" if image.mode in ("LA", "La") else "RGBA"
            image = image.convert(mode)
            paper = Image.new(mode[:-1], image.size, "white")
            paper.paste(image.convert(mode[:-1]), mask=image.getchannel("A"))
            return paper
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    except (ValueError, OSError) as error:
        raise ImageError(
            f"The picture's colour mode {image.mode} cannot be read; save it as RGB."
        ) from error


def _with_range(values: np.ndarray) -> tuple[np.ndarray, float]:
    """The values and their white level.

    32-bit modes do not say which value is white, so the smallest usual one is taken that is not
    below the brightest pixel.
    """
    values = np.nan_to_num(values)
    peak = float(values.max())
    usual = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    return values, next((top for top in usual if peak <= top), peak)
