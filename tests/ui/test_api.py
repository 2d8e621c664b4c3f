"""The page for programs: the examples of docs/api.md, the endpoints, the tools of MCP."""

import asyncio
import base64
import json
import re

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client
from PIL import Image
from psd_tools import PSDImage

from sketchcolor.models import VGG19Features
from sketchcolor.style import blend
from sketchcolor.style.settings import Scale, Settings
from sketchcolor.style.transfer import StyleTransfer
from sketchcolor.ui import style
from sketchcolor.ui.conditions import read_palette, read_strokes, write_palette
from tests.support import ROOT
from tests.support.networks import parts_pipeline, tiny_part_colours
from tests.support.served_page import Watched, served

TEXT = (ROOT / "docs" / "api.md").read_text()
ADDRESS = "http://127.0.0.1:7860/"  # in the text
FUNCTIONS = {
    *("colour_automatic", "colour_hints", "colour_palette", "colour_in_style"),
    *("palette_of_picture", "stylize", "colour_parts"),
}
RESOLUTION = 96


@pytest.fixture(scope="module")
def pipeline():
    return Watched(parts_pipeline(tiny_part_colours()), RESOLUTION)


@pytest.fixture(scope="module")
def page(pipeline, tmp_path_factory):
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def visitor(page, tmp_path):
    return Client(page, verbose=False, download_files=tmp_path / "downloads")


@pytest.fixture
def quick_style(monkeypatch):
    """Paints nothing, at once."""
    monkeypatch.setattr(style, "shared_transfer", lambda: None)
    for module in (style, blend):
        monkeypatch.setattr(module, "paint", lambda picture, *args, **kwargs: picture)


def test_the_examples_of_the_text_run(
    page, pipeline, quick_style, example_sketch, colour_picture, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    example_sketch.save("sketch.png")
    Image.fromarray(colour_picture).save("painting.jpg")
    examples = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert examples and ADDRESS in examples[0]
    told = {}
    calls = len(pipeline.calls)
    for example in examples:
        exec(example.replace(ADDRESS, page), told)
    asked = pipeline.calls[calls:]
    assert any(call["hints"] is not None for call in asked[1:])
    assert any(call["palette"] is not None for call in asked[1:])
    for name in FUNCTIONS:
        assert f"/{name}" in TEXT
    described = json.loads(told["described"])
    assert described["seed"] == 7 and described["parts"][0]["at"]
    x, y = told["largest"]["at"]
    assert any(edit.at == (x, y) for call in asked for edit in call["edits"])
    document = PSDImage.open(told["layers"])
    assert {layer.name for layer in document} >= {"Paper", "Lines"}
    with Image.open(told["picture"]) as picture:
        merged = np.asarray(document.composite(force=True).convert("RGB")).astype(int)
        assert np.abs(merged - np.asarray(picture)).max() <= 1
    assert Image.open("coloured.png").size == example_sketch.size


def test_every_function_is_described_and_typed(visitor):
    endpoints = visitor.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert endpoints.keys() == {f"/{name}" for name in FUNCTIONS}
    for endpoint in endpoints.values():
        assert endpoint["description"].endswith(".")
        first, *others = endpoint["parameters"]
        assert not first["parameter_has_default"]
        assert all(
            parameter["parameter_has_default"] or parameter["parameter_name"] == "strokes"
            for parameter in others
        )
        assert all(parameter["python_type"]["type"] != "Any" for parameter in [first, *others])


@pytest.mark.parametrize(
    ("endpoint", "asked", "sentence"),
    [
        ("/colour_hints", {"strokes": "red"}, "no JSON list"),
        ("/colour_hints", {"strokes": '[{"color": "red"}]'}, "A stroke needs"),
        ("/colour_palette", {"palette": "mauve"}, "name autumn-hike"),
        ("/colour_palette", {"palette": "#c03040:0"}, "has a share"),
        ("/colour_palette", {"variants": 9}, "choices"),
        ("/colour_in_style", {"style": "mosaic"}, "choices"),
        ("/colour_in_style", {"strength": 2}, "maximum value 1"),
        ("/colour_in_style", {"strokes": "red"}, "no JSON list"),
        ("/colour_automatic", {"seed": -1}, "The seed must be"),
        ("/colour_parts", {"edits": "[1]"}, "An edit is one of recolour"),
        ("/colour_parts", {"edits": "red"}, "Edits are a JSON list"),
        ("/colour_parts", {"layers": "xcf"}, "choices"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(visitor, sketch_file, endpoint, asked, sentence):
    with pytest.raises(AppError, match=sentence):
        visitor.predict(handle_file(str(sketch_file)), **asked, api_name=endpoint)


def test_palettes_and_strokes_as_text():
    palette = read_palette("#c03040:0.75, #F6D57A:.25")
    assert palette.to_hex() == ["#c03040", "#f6d57a"]
    assert palette.weights.tolist() == [0.75, 0.25]
    assert read_palette(write_palette(palette)).to_hex() == palette.to_hex()
    assert read_palette("#000000 #ffffff").weights.tolist() == [0.5, 0.5]
    (stroke,) = read_strokes('[{"color": "#c03040", "width": 6, "points": [[1, 2]]}]')
    assert stroke.points == [(1.0, 2.0)]
    for broken in ("", "{}", "null", "[" * 100_000):
        with pytest.raises(ValueError, match="no JSON list"):
            read_strokes(broken)


def test_tools_of_mcp(page, sketch_file, example_sketch, tmp_path):
    sketch = "data:image/png;base64," + base64.b64encode(sketch_file.read_bytes()).decode()
    secret = tmp_path / "secret.png"
    Image.new("L", (32, 32), 7).save(secret)
    # What a caller might try, to be shown files of the server or what only the server can reach.
    forged = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    attacks = [
        *(("palette_of_picture", {"picture": file}) for file in (forged, str(secret))),
        ("palette_of_picture", {"picture": f"file://{secret}"}),
        ("palette_of_picture", {"picture": f"{page}gradio_api/file={secret}"}),
        ("colour_palette", {"sketch": sketch, "palette": forged}),
        ("colour_hints", {"sketch": sketch, "strokes": forged}),
        ("colour_in_style", {"sketch": sketch, "own": forged}),
        ("colour_in_style", {"sketch": sketch, "own": str(secret)}),
    ]

    async def hear(done, total, message):
        pass

    async def visit():
        async with streamablehttp_client(f"{page}gradio_api/mcp/") as (reading, writing, _):
            async with ClientSession(reading, writing) as session:
                await session.initialize()
                tools = (await session.list_tools()).tools
                # Who does not ask for progress is given addresses instead of pictures.
                arguments = {"sketch": sketch}
                coloured = await session.call_tool(
                    "colour_automatic", arguments, progress_callback=hear
                )
                told = await session.call_tool("colour_automatic", arguments)
                refused = [await session.call_tool(*attack) for attack in attacks]
                return tools, coloured, told, refused

    tools, coloured, told, refused = asyncio.run(visit())
    assert {tool.name for tool in tools} == FUNCTIONS
    for tool in tools:
        assert tool.description
        for name, schema in tool.inputSchema["properties"].items():
            assert schema.get("description"), f"{tool.name}: {name}"
    assert not coloured.isError and not told.isError
    assert "-coloured-" in "".join(part.text for part in told.content)
    (picture,) = [part for part in coloured.content if part.type == "image"]
    (tmp_path / "coloured.png").write_bytes(base64.b64decode(picture.data))
    assert Image.open(tmp_path / "coloured.png").size == example_sketch.size
    for answer in refused:
        assert answer.isError
        assert "Traceback" not in "".join(part.text for part in answer.content)


@pytest.fixture
def tiny_style(monkeypatch):
    """A small network with random weights, and few iterations."""
    torch.manual_seed(0)
    engine = StyleTransfer(VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average"))
    quick = Settings(scales=(Scale(128, 3),), normalised=True)
    monkeypatch.setattr(style, "shared_transfer", lambda: engine)
    paint = blend.paint
    monkeypatch.setattr(
        blend,
        "paint",
        lambda picture, styles, transfer, _, resolution, *others: paint(
            picture, styles, transfer, quick, 128, *others
        ),
    )


def test_one_call_colours_and_paints(
    visitor, sketch_file, pipeline, tiny_style, colour_picture, tmp_path
):
    own = tmp_path / "own.png"
    Image.fromarray(colour_picture).save(own)
    sketch = handle_file(str(sketch_file))
    plain = visitor.predict(sketch, seed=3, api_name="/colour_automatic")[2]
    strokes = json.dumps([{"color": "#d93a2f", "width": 9, "points": [[150, 100]]}])
    ways = {
        "brush": {},
        "halftone": {"style": "halftone"},
        "own": {"own": handle_file(str(own))},
        "own colours": {"keep_colours": True},
        "lineless": {"keep_lines": False},
        "faint": {"strength": 0.0},
    }
    found = {}
    for name, asked in ways.items():
        pair, variants, file, note = visitor.predict(
            sketch, seed=3, api_name="/colour_in_style", **asked
        )
        assert "seed 3" in note and len(variants) == 1
        found[name] = np.asarray(Image.open(file))
    assert len({picture.tobytes() for picture in found.values()}) == len(ways)
    assert np.array_equal(found["faint"], np.asarray(Image.open(plain)))
    ink = np.asarray(Image.open(sketch_file)) == 0
    assert found["brush"][ink].max() == 0 < found["lineless"][ink].max()
    asked = {"strokes": strokes, "palette": "night-city", "variants": 2}
    assert len(visitor.predict(sketch, api_name="/colour_in_style", **asked)[1]) == 2
    call = pipeline.calls[-1]
    assert call["hints"] is not None and call["palette"] is not None


@pytest.mark.parametrize(
    ("endpoint", "condition"),
    [("/colour_automatic", []), ("/colour_hints", ["[]"]), ("/colour_palette", ["night-city"])],
)
def test_the_background_is_painted_when_asked_for(
    visitor, sketch_file, pipeline, endpoint, condition
):
    # All that could be told by position before this setting came.
    asked = [handle_file(str(sketch_file)), *condition, 3, 1, 384, True, True, None]
    visitor.predict(*asked, api_name=endpoint)
    visitor.predict(*asked, paint_background=True, api_name=endpoint)
    assert [call["background"] for call in pipeline.calls[-2:]] == ["paper", "painted"]


def test_hints_reach_the_picture(visitor, sketch_file, pipeline, example_sketch):
    strokes = json.dumps([{"color": "#d93a2f", "width": 9, "points": [[150, 100], [170, 110]]}])
    visitor.predict(handle_file(str(sketch_file)), strokes, seed=3, api_name="/colour_hints")
    layer = pipeline.calls[-1]["hints"]
    assert layer.size == example_sketch.size
    pixels = np.asarray(layer)
    assert {tuple(color) for color in pixels[pixels[..., 3] > 0]} == {(217, 58, 47, 255)}
