"""Every kind of picture a user may give comes through upright and on white, or is refused."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from sketchcolor import images
from sketchcolor.images import ImageError, read_image, read_sketch, to_pil, to_tensor


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


@pytest.fixture
def drawing() -> Image.Image:
    """A black stroke in the upper left of white paper, 60×40."""
    image = Image.new("L", (60, 40), 255)
    ImageDraw.Draw(image).line((5, 5, 25, 5), fill=0, width=3)
    return image


def transparent(drawing: Image.Image, mode: str) -> Image.Image:
    """The drawing as black ink on transparent black, the way paint programs export line art."""
    ink = drawing.point(lambda level: 255 - level)
    layer = Image.new(mode[:-1], drawing.size, 0)
    layer.putalpha(ink)
    return layer


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_transparent_line_art_is_black_on_white(drawing, mode):
    source = encoded(transparent(drawing, mode))
    assert np.array_equal(read_sketch(source), drawing)
    assert np.array_equal(read_image(source), drawing.convert("RGB"))


def test_transparent_palette_is_black_on_white(drawing):
    source = encoded(transparent(drawing, "RGBA").quantize(8))
    assert Image.open(io.BytesIO(source)).mode == "P"
    assert np.array_equal(read_sketch(source), drawing)


def test_transparent_colour_key_is_paper(drawing):
    grey = drawing.point(lambda level: 90 if level else 0)
    assert np.array_equal(read_sketch(encoded(grey, transparency=90)), drawing)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_is_scaled(format):
    ramp = np.linspace(0, 65535, 64 * 32).reshape(32, 64)
    source = encoded(Image.fromarray(ramp.astype(np.uint16)), format)
    assert Image.open(io.BytesIO(source)).mode.startswith("I;16")
    assert np.abs(np.asarray(read_sketch(source)) - ramp / 257).max() <= 1


@pytest.mark.parametrize(("mode", "top"), [("I", 255), ("I", 65535), ("F", 1), ("F", 255)])
def test_32_bit_is_scaled_by_its_usual_white(drawing, mode, top):
    values = np.asarray(drawing).astype(np.float32) / 255 * top
    source = encoded(
        Image.fromarray(values.astype(np.int32 if mode == "I" else np.float32)), "TIFF"
    )
    assert Image.open(io.BytesIO(source)).mode == mode
    assert np.array_equal(read_sketch(source), drawing)


def test_cmyk_bilevel_and_palette(drawing):
    cmyk = read_image(encoded(drawing.convert("RGB").convert("CMYK"), "JPEG", quality=95))
    assert np.abs(np.asarray(cmyk.convert("L")).astype(int) - np.asarray(drawing)).mean() < 3
    for mode in ("1", "P"):
        assert np.array_equal(read_sketch(encoded(drawing.convert(mode))), drawing)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(drawing, format):
    later = Image.new("L", drawing.size, 128)
    source = encoded(drawing, format, save_all=True, append_images=[later], lossless=True)
    assert Image.open(io.BytesIO(source)).n_frames == 2
    assert np.array_equal(read_sketch(source), drawing)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(drawing, orientation):
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = drawing.transpose(undo[orientation]) if orientation > 1 else drawing
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_sketch(encoded(stored, exif=exif)), drawing)


def test_colour_becomes_grey_for_sketches_only():
    blue = Image.new("RGB", (32, 32), (30, 60, 200))
    assert read_sketch(blue).getpixel((0, 0)) == 67  # ITU-R 601 luma
    assert read_image(blue).getpixel((0, 0)) == (30, 60, 200)


def test_every_kind_of_source_reads_alike(drawing, tmp_path):
    path = tmp_path / "drawing.png"
    drawing.save(path)
    data = path.read_bytes()
    for source in (path, str(path), data, io.BytesIO(data), drawing, np.asarray(drawing)):
        assert np.array_equal(read_sketch(source), drawing)


@pytest.mark.parametrize(
    "convert",
    [
        lambda grey: grey,
        lambda grey: grey[..., None],
        lambda grey: np.stack([grey] * 3, -1),
        lambda grey: np.stack([np.zeros_like(grey)] * 3 + [255 - grey], -1),
        lambda grey: grey.astype(np.uint16) * 257,
        lambda grey: grey.astype(np.int64),
        lambda grey: grey / 255,
        lambda grey: (grey / 255).astype(np.float16),
        lambda grey: grey > 0,
    ],
)
def test_arrays(drawing, convert):
    assert np.array_equal(read_sketch(convert(np.asarray(drawing))), drawing)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((40, 60, 2), np.uint8), "shape"),
        (np.zeros((40,), np.uint8), "shape"),
        (np.zeros((0, 0), np.uint8), "0×0"),
        (np.full((40, 60), 200.0), "0..1"),
        (np.full((40, 60), np.nan), "nan"),
        (np.full((40, 60), -1), "0..255"),
        (np.full((40, 60), 1j), "complex128"),
    ],
)
def test_unusable_arrays(array, message):
    with pytest.raises(ImageError, match=message):
        read_image(array)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "no picture yet"),
        (b"", "empty"),
        (b"once upon a time", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "not a picture"),
        (io.StringIO("text"), "binary"),
        (7, "int"),
        ("missing.png", "'missing.png'"),
        ("null\0byte.png", "check the path"),
        ("long" * 100, "cannot be opened"),
        (png_header(7000, 7000), "7000×7000"),
        (png_header(12000, 12000), "pixels"),
        (png_header(60000, 60000), "pixels"),
        (png_header(900, 100), "8 times"),
        (png_header(40, 8), "at least 16"),
        (png_header(64, 64), "damaged"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_refused_with_one_sentence(source, message):
    with pytest.raises(ImageError, match=message) as caught:
        read_image(source)
    assert str(caught.value).count(".") - str(caught.value).count(".png") == 1
    assert str(caught.value).endswith(".")


def test_folder_is_no_file(tmp_path):
    with pytest.raises(ImageError, match="no file"):
        read_image(tmp_path)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_truncated_files_are_refused(format):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96), np.uint8)
    data = encoded(Image.fromarray(noise), format)
    with pytest.raises(ImageError, match="damaged|not a picture"):
        read_image(data[: len(data) // 2])


def test_too_many_bytes(monkeypatch, drawing):
    monkeypatch.setattr(images, "MAX_BYTES", 2**20)
    with pytest.raises(ImageError, match="larger than 1 MB"):
        read_image(encoded(drawing) + bytes(2**20))


def test_largest_page_is_accepted():
    assert read_sketch(Image.new("1", (6000, 6000), 1)).size == (6000, 6000)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_tensor_round_trip(mode):
    shape = (9, 7) if mode == "L" else (9, 7, len(mode))
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
    tensor = to_tensor(image)
    assert tensor.shape == (1, len(mode), 9, 7) and tensor.dtype == torch.float32
    assert tensor.min() >= -1 and tensor.max() <= 1
    back = to_pil(torch.cat([tensor, tensor * 2 - 3]))
    assert back[0].mode == mode and np.array_equal(back[0], image)
    assert not np.asarray(back[1]).any()  # below -1: clipped
