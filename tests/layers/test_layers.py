"""Layers of a colouring: what they are, that they merge to the picture, and the files."""

import io
import zipfile
from xml.etree import ElementTree

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw
from psd_tools import PSDImage
from psd_tools.constants import Resource
from pyora import Project

from sketchcolor import load_pipeline
from sketchcolor.layers.files import FORMATS, save_layers
from sketchcolor.layers.stack import LayerStack, merge
from sketchcolor.parts.colouring import Part, PartMap
from sketchcolor.postprocess.compose import label_layer

NAMES = ["Paper", "Flats", "Shadow", "Light", "Colour", "Lines"]


def two_figures(width: int = 240, height: int = 120) -> Image.Image:
    """Two round figures with a line through each, on white."""
    page = Image.new("L", (width, height), 255)
    pen = ImageDraw.Draw(page)
    for left in (10, width - 110):
        pen.ellipse((left, 10, left + 100, 110), outline=0, width=3)
        pen.line((left + 50, 10, left + 50, 110), fill=60, width=2)
    return page


@pytest.fixture(scope="module")
def coloured(example_file):
    """An example's colouring by the bundled model, with the drawing's resolution."""
    sketch = Image.open(example_file)
    data = io.BytesIO()
    sketch.save(data, "PNG", dpi=(300, 300))
    return load_pipeline(device="cpu")(data.getvalue(), seed=3)


@pytest.fixture(scope="module")
def example_file():
    from sketchcolor.ui.examples import EXAMPLES

    return dict((path.stem, path) for _, path in EXAMPLES)["long_hair"]


def largest_difference(first: object, second: object) -> int:
    return int(np.abs(np.asarray(first).astype(int) - np.asarray(second)).max())


def test_layers_merge_to_the_picture_within_one_level(coloured):
    stack = coloured.layers[0]
    assert [layer.name for layer in stack.layers] == NAMES
    assert [layer.blend for layer in stack.layers[1:4]] == ["normal", "multiply", "screen"]
    assert largest_difference(merge(stack.layers), coloured.images[0]) <= 1
    assert all(layer.pixels.shape[1::-1] == coloured.images[0].size for layer in stack.layers)


def test_flats_have_one_colour_per_part_and_no_hole_at_the_lines(coloured):
    stack = coloured.layers[0]
    part_map = coloured.parts[0]
    colours = {part.color for part in part_map.parts}
    found = {tuple(row) for row in np.unique(stack.flats.reshape(-1, 4), axis=0)}
    assert {"#" + bytes(row[:3]).hex() for row in map(bytes, found)} <= colours
    assert {row[3] for row in found} <= {0, 255}
    # No pixel is left unpainted between painted ones, neither beside lines nor under them.
    drawn = (stack.flats[..., 3] > 0).astype(np.uint8)
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    inside = np.s_[2:-2, 2:-2]
    assert (closed > drawn)[inside].sum() <= 1e-4 * drawn.sum()


def hand_made(dpi: tuple[float, float] = (300.0, 300.0)) -> LayerStack:
    """A stack of two figures with parts and colours by hand."""
    drawing = two_figures()
    label = np.zeros((60, 120), np.int32)  # at half of the size
    for place, left in enumerate((5, 65)):
        yy, xx = np.mgrid[:60, :120]
        disc = (xx - left - 25) ** 2 + (yy - 30) ** 2 <= 25**2
        label[disc] = 1 + 2 * place
        label[disc & (xx > left + 25)] = 2 + 2 * place
    hexes = ["#ffffff", "#d04020", "#f0d0b0", "#2040a0", "#102010"]
    parts = [Part(i, h, int((label == i).sum()) * 4) for i, h in enumerate(hexes)]
    rng = np.random.default_rng(0)
    flat = np.array([list(bytes.fromhex(h[1:])) for h in hexes], np.uint8)[label]
    big = np.asarray(Image.fromarray(flat).resize(drawing.size, Image.Resampling.NEAREST))
    colours = np.clip(big + rng.normal(0, 20, big.shape), 0, 255).astype(np.uint8)
    part_map = PartMap(label_layer(label, drawing), parts)
    return LayerStack(drawing, Image.fromarray(colours), part_map, dpi)


def test_borders_of_flats_lie_in_the_middle_of_lines():
    stack = hand_made()
    row = stack.label[60]
    changes = np.flatnonzero(np.diff(row))
    ink = np.asarray(stack.drawing)[60]
    assert len(changes) >= 5
    assert all(ink[at - 1 : at + 3].min() < 128 for at in changes)


def test_each_figure_has_a_group_of_its_own():
    stack = hand_made()
    groups = [layer.group for layer in stack.layers]
    assert groups == [None, *["Figure 1"] * 3, *["Figure 2"] * 3, None, None]
    first, second = (layer.pixels[..., 3] > 0 for layer in stack.layers if layer.name == "Flats")
    assert not (first & second).any()
    assert first[:, :120].any() != first[:, 120:].any()
    lines = 255 - np.asarray(stack.drawing, np.float32)[..., None]
    expected = np.asarray(stack.colours) * (1 - lines / 255)
    assert largest_difference(merge(stack.layers), np.round(expected)) <= 1


def test_an_openraster_file_is_read_by_another_reader(tmp_path):
    stack = hand_made()
    save_layers(stack, tmp_path / "a.ora")
    project = Project.load(str(tmp_path / "a.ora"))
    assert project.dimensions == stack.size
    children = {child.name: child for child in project.children}
    assert list(children) == ["Lines", "Colour", "Figure 2", "Figure 1", "Paper"]
    assert children["Colour"].visible is False
    modes = [child.composite_op for child in children["Figure 2"].children]
    assert modes == ["svg:screen", "svg:multiply", "svg:src-over"]
    merged = project.get_image_data(use_original=False).convert("RGB")
    assert largest_difference(merged, merge(stack.layers)) <= 1
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        assert archive.infolist()[0].filename == "mimetype"
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
        image = ElementTree.fromstring(archive.read("stack.xml"))
        shown = Image.open(io.BytesIO(archive.read("mergedimage.png")))
    assert (image.attrib["xres"], image.attrib["yres"]) == ("300", "300")
    assert "icc_profile" in shown.info and shown.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert largest_difference(shown, merge(stack.layers)) == 0


def test_a_photoshop_file_has_names_modes_groups_resolution_and_the_merged_picture(tmp_path):
    stack = hand_made()
    save_layers(stack, tmp_path / "a.psd")
    document = PSDImage.open(tmp_path / "a.psd")
    assert document.size == stack.size
    assert [layer.name for layer in document] == [
        "Paper",
        "Figure 1",
        "Figure 2",
        "Colour",
        "Lines",
    ]
    modes = [layer.blend_mode.name for layer in document[2]]
    assert modes == ["NORMAL", "MULTIPLY", "SCREEN"]
    assert not document[3].visible
    info = document.image_resources.get_data(Resource.RESOLUTION_INFO)
    assert info.horizontal == info.vertical == 300 << 16
    assert Resource.ICC_PROFILE in document.image_resources
    assert (
        largest_difference(document.composite(force=True).convert("RGB"), merge(stack.layers)) <= 1
    )
    with Image.open(tmp_path / "a.psd") as flattened:  # Pillow reads the stored merged picture
        assert largest_difference(flattened.convert("RGB"), merge(stack.layers)) == 0


def test_a_zip_has_numbered_pictures_that_say_how_they_are_laid(tmp_path):
    stack = hand_made()
    save_layers(stack, tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        names = archive.namelist()
        assert names[0] == "00-paper.png" and names[-1] == "merged.png"
        assert "02-figure-1-shadow-multiply.png" in names and "08-lines.png" in names
        lines = Image.open(io.BytesIO(archive.read("08-lines.png")))
    assert lines.mode == "RGBA"
    assert largest_difference(lines.getchannel("A"), 255 - np.asarray(stack.drawing)) == 0


def test_the_drawings_resolution_reaches_the_files_and_other_endings_are_refused(
    coloured, tmp_path
):
    save_layers(coloured.layers[0], tmp_path / "a.psd")
    info = PSDImage.open(tmp_path / "a.psd").image_resources.get_data(Resource.RESOLUTION_INFO)
    assert info.horizontal / 65536 == pytest.approx(300, abs=0.1)
    with pytest.raises(ValueError, match=r"written as \.ora, \.psd, \.zip, \.png, not as 'a.xcf'"):
        save_layers(coloured.layers[0], tmp_path / "a.xcf")
    assert set(FORMATS) == {".ora", ".psd", ".zip", ".png"}
