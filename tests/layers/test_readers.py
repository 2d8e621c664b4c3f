"""Files of layers, opened by readers that have nothing to do with what wrote them."""

import io
import struct
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from PIL.PsdImagePlugin import PsdImageFile
from psd_tools import PSDImage
from pyora import Project

from sketchcolor.cli.main import main

DPI = (300.0, 150.0)
FIGURE = {"Flats": "normal", "Shadow": "multiply", "Light": "screen"}


def draw(kind: str, sketch: Image.Image, folder: Path) -> Path:
    """The sketch as a file: lines on white, lines on nothing, or a photo of the sheet."""
    path = folder / f"{kind}.png"
    grey = np.asarray(sketch, np.float32)
    picture = sketch
    if kind == "transparent":
        ink = np.zeros((*grey.shape, 4), np.uint8)
        ink[..., 3] = 255 - grey
        picture = Image.fromarray(ink)
    elif kind == "photo":
        light = np.linspace(210, 150, grey.shape[1]) / 255
        noise = np.random.default_rng(0).normal(0, 4, grey.shape)
        picture = Image.fromarray(np.clip(grey * light + noise, 0, 255).astype(np.uint8))
    picture.save(path, dpi=DPI)
    return path


@pytest.fixture(params=["plain", "transparent", "photo"])
def written(request, tiny_parts_pipeline, example_sketch, tmp_path):
    """Writes a drawing's picture and its layers by the command line, and returns both paths."""
    tiny_parts_pipeline.save_pretrained(str(tmp_path / "model"))
    sketch = draw(request.param, example_sketch, tmp_path)

    def write(ending: str) -> tuple[Path, Path]:
        picture, layers = tmp_path / "picture.bmp", tmp_path / f"layers{ending}"
        options = f"--model {tmp_path / 'model'} --device cpu --resolution 64 --steps 1 --seed 3"
        arguments = ["colorize", str(sketch), "-o", str(picture), "--layers", str(layers)]
        assert main([*arguments, *options.split()]) == 0
        return picture, layers

    return write


def difference(first: Image.Image, second: Path) -> int:
    with Image.open(second) as picture:
        pair = [np.asarray(each.convert("RGB"), int) for each in (first, picture)]
    return int(np.abs(pair[0] - pair[1]).max())


def test_openraster_is_what_pyora_and_a_plain_unzip_read(written):
    picture, path = written(".ora")
    project = Project.load(str(path))
    assert difference(project.get_image_data(use_original=False), picture) <= 1
    assert difference(project.get_image_data(use_original=True), picture) <= 1
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None and archive.read("mimetype") == b"image/openraster"
        image = ElementTree.fromstring(archive.read("stack.xml"))
        sources = [layer.attrib["src"] for layer in image.iter("layer")]
        sheets = [Image.open(io.BytesIO(archive.read(source))) for source in sources]
        [sheet.load() for sheet in sheets]
    assert (image.attrib["xres"], image.attrib["yres"]) == ("300", "150")
    assert project.dimensions == (int(image.attrib["w"]), int(image.attrib["h"]))
    assert {sheet.size for sheet in sheets} == {project.dimensions}
    assert {sheet.mode for sheet in sheets} == {"RGBA"}
    assert all(sheet.info["dpi"] == pytest.approx(DPI, abs=0.1) for sheet in sheets)
    top = [child.attrib for child in image.find("stack")]
    assert [one["name"] for one in top] in (
        ["Lines", "Colour", "Figure", "Paper"],
        ["Lines", "Colour", "Figure 2", "Figure 1", "Paper"],
    )
    shown = {layer.attrib["name"]: layer.attrib["visibility"] for layer in image.iter("layer")}
    assert [name for name, said in shown.items() if said == "hidden"] == ["Colour"]
    for group in image.find("stack").findall("stack"):
        modes = {each.attrib["name"]: each.attrib["composite-op"] for each in group}
        assert modes == {"Light": "svg:screen", "Shadow": "svg:multiply", "Flats": "svg:src-over"}


def test_photoshop_is_what_pillow_and_psd_tools_read(written):
    picture, path = written(".psd")
    document = PSDImage.open(path)
    assert difference(document.composite(force=True), picture) <= 1
    with Image.open(path) as merged:
        assert isinstance(merged, PsdImageFile)
        assert difference(merged, picture) <= 1
        # Pillow leaves out layers with masks: all are there, and have real transparency.
        read = {name: (mode, box) for name, mode, box, _ in merged.layers}
        whole = (0, 0, *merged.size)
        for name in ("Paper", *FIGURE, "Colour", "Lines"):
            assert read[name] == ("RGBA", whole)
        [resolution] = (data for key, _, data in merged.resources if key == 1005)
    lines = np.asarray(document[-1].topil())  # without masks
    across, down = (struct.unpack_from(">I", resolution, at)[0] / 65536 for at in (0, 8))
    assert (across, down) == pytest.approx(DPI, abs=0.1)
    assert lines[..., 3].min() == 0 < lines[..., 3].max() and not lines[..., :3].any()
    groups = [layer for layer in document if layer.is_group()]
    assert groups and all(layer.name.startswith("Figure") for layer in groups)
    for group in groups:
        assert {each.name: each.blend_mode.name.lower() for each in group} == FIGURE
    records = document._record.layer_and_mask_information.layer_info
    assert records.layer_count < 0  # the fourth channel is no saved selection
    assert not any(layer.has_mask() for layer in document.descendants())
    assert [layer.name for layer in document.descendants() if not layer.visible] == ["Colour"]


def test_a_transparent_png_is_the_picture_again_over_white(written):
    picture, path = written("-transparent.png")
    with Image.open(path) as image:
        assert image.mode == "RGBA"
        assert image.info["dpi"] == pytest.approx(DPI, abs=0.1)
        assert image.getchannel("A").getextrema()[1] == 255
        page = Image.new("RGBA", image.size, "white")
        page.alpha_composite(image)
    assert difference(page, picture) <= 1
