"""The canvas of the Hint strokes tab, without a browser: layers, sizes, swatches."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor.session import Session
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import hints
from sketchcolor.ui import work as table
from tests.support.pictures import RED, painted

RESOLUTION = 96


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))


def session_of(sketch, **parts) -> Session:
    return Session(sketch, seed=5, resolution=RESOLUTION, **parts)


def test_layers_are_read_and_the_rest_of_the_canvas_is_not(example_sketch):
    value = editor.canvas(example_sketch)
    value["composite"] = Image.new("RGB", example_sketch.size, "red")
    below = painted(example_sketch.size, (10, 10, 20, 20), (0, 0, 255))
    above = painted(example_sketch.size, (15, 15, 30, 30))
    faint = painted(example_sketch.size)
    faint.putpixel((100, 100), (*RED, editor.OPAQUE - 1))
    faint.putpixel((101, 100), (*RED, editor.OPAQUE))
    drawn = editor.drawn_layer(value | {"layers": [below, above, faint]})
    assert drawn.getpixel((12, 12)) == (0, 0, 255, 255)
    assert drawn.getpixel((18, 18)) == (*RED, 255)
    assert drawn.getpixel((100, 100)) == (0, 0, 0, 0)
    assert drawn.getpixel((101, 100)) == (*RED, 255)
    assert editor.drawn_layer(value | {"layers": [painted(example_sketch.size)]}) is None
    assert editor.drawn_layer(value | {"layers": []}) is None
    assert editor.drawn_layer(None) is None


@pytest.mark.parametrize("size", [(3000, 2001), (1025, 700), (640, 480), (97, 3)])
def test_what_is_drawn_survives_the_way_through_the_canvas(size):
    small = editor.canvas_size(size)
    assert max(small) <= editor.EDITOR_SIDE
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (small[1], small[0], 4), dtype=np.uint8)
    pixels[..., 3] = np.where(pixels[..., 3] < 128, 0, 255)
    pixels[pixels[..., 3] == 0] = 0
    layer = Image.fromarray(pixels)
    full = editor.to_sketch_size(layer, size)
    assert full.size == size
    canvas = editor.canvas(Image.new("L", size, 255), full)
    assert canvas["background"].size == small
    assert np.array_equal(np.asarray(editor.drawn_layer(canvas)), pixels)


def test_a_stroke_lies_where_it_was_drawn_on_a_large_sketch(cache):
    sketch = Image.new("L", (3000, 1500), 255)
    work = table.start_work(session_of(sketch), "page")
    drawn = {"layers": [painted((1024, 512), (256, 128, 511, 255))]}
    work = table.read_canvas(work, drawn)
    alpha = Image.open(work.layer).getchannel("A")
    assert alpha.size == sketch.size
    left, top, right, bottom = alpha.getbbox()
    assert max(abs(left - 750), abs(top - 375), abs(right - 1500), abs(bottom - 750)) <= 2


def test_an_unchanged_canvas_keeps_the_loaded_hints(cache, tiny_pipeline):
    # A hint finer than the canvas can show must not be replaced by the canvas's copy of it.
    sketch = Image.new("L", (2600, 1300), 255)
    layer = painted(sketch.size, (701, 301, 801, 341))
    work = table.start_work(session_of(sketch, layer=layer), "page")
    shown = editor.canvas(sketch, layer)
    assert table.read_canvas(work, editor.canvas(sketch)) == work  # not on the canvas yet
    work = table.read_canvas(work, shown)
    assert np.array_equal(np.asarray(work.session(tiny_pipeline).layer), np.asarray(layer))
    cleared = table.read_canvas(work, editor.canvas(sketch))
    assert cleared.layer is None


def test_another_shape_of_canvas_gets_a_sentence(cache, example_sketch):
    work = table.start_work(session_of(example_sketch), "girl")
    with pytest.raises(ValueError, match="another shape"):
        table.read_canvas(work, {"layers": [painted((200, 200), (5, 5, 50, 50))]})


def test_swatches_take_new_colours_and_forget_the_oldest():
    value = editor.swatches_value("#000001", editor.SWATCHES)
    value = editor.add_swatches(value, ["#000002", "#000003"])
    brush, *rest = value.split(" ")
    assert brush == "#000002"
    assert rest[:3] == ["#000002", "#000003", editor.SWATCHES[0]]
    for number in range(40):
        value = editor.add_swatches(value, [f"#1000{number:02}"])
    assert len(value.split(" ")) == 1 + editor.MAX_SWATCHES
    assert editor.add_swatches(value, ["#100039"]) == value


def test_the_eyedropper_reads_round_thin_lines():
    picture = Image.new("RGB", (9, 9), (200, 100, 50))
    ImageDraw.Draw(picture).line((4, 0, 4, 8), "black")
    assert hints.pick_colour(picture, (4, 4)) == "#c86432"
    assert hints.pick_colour(picture, (0, 8)) == "#c86432"
    assert hints.pick_colour(picture, (99, -3)) == "#c86432"
