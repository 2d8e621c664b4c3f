"""The Colours tab: its functions without a browser, then changing colours in a real one."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from sketchcolor import load_pipeline
from sketchcolor.layers.edits import Lock, Recolour, read_edits
from sketchcolor.session import Session
from sketchcolor.ui import recolour, recolouring, texts
from sketchcolor.ui.examples import EXAMPLES
from sketchcolor.ui.settings import ColouringSettings
from sketchcolor.ui.work import Work
from tests.support.served_page import (
    PATIENCE,
    Watched,
    downloaded,
    give_file,
    opened,
    served,
)

RESOLUTION = 256
SKETCH = dict((path.stem, path) for _, path in EXAMPLES)["long_hair"]
BOW, HAIR, SLEEVE, PAPER = (384, 768), (360, 280), (168, 952), (38, 51)  # px of the sketch
GREEN = "#2f9e44"


def work_on(sketch: Path) -> Work:
    return Work(str(sketch), sketch.stem, ColouringSettings(seed=5, resolution=64))


@pytest.fixture
def begun(tiny_parts_pipeline, sketch_file, monkeypatch, tmp_path):
    """A colouring by a small model, ready to be changed."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    return recolouring.start(tiny_parts_pipeline, work_on(sketch_file))[0]


def largest(now: recolouring.Recolouring) -> int:
    return now.load().parts.parts[1].label


def test_a_stored_colouring_is_the_pipelines(begun, tiny_parts_pipeline):
    session = begun.work.session(tiny_parts_pipeline)
    output = tiny_parts_pipeline(**session.arguments())
    stack = begun.load()
    assert np.array_equal(np.asarray(stack.picture), np.asarray(output.images[0]))
    assert stack.parts.parts == output.parts[0].parts
    assert stack.dpi == output.layers[0].dpi


def test_edits_follow_each_other_and_are_undone_and_redone(begun):
    number = largest(begun)
    now, edited, _ = recolouring.change(
        begun, {"act": "recolour", "label": number, "color": GREEN, "drag": 1}
    )
    # A picker that is still being dragged changes its edit instead of adding others.
    now, edited, _ = recolouring.change(
        now, {"act": "recolour", "label": number, "color": "#112233", "drag": 1}
    )
    assert [edit.color for edit in now.edits] == ["#112233"]
    now, edited, _ = recolouring.change(now, {"act": "rename", "label": number, "name": "hair"})
    assert [part.name for part in edited.parts.parts if part.name] == ["hair"]
    now, edited, _ = recolouring.change(now, {"act": "undo"})
    assert len(now.edits) == 1 and len(now.undone) == 1
    now, edited, _ = recolouring.change(now, {"act": "redo"})
    assert len(now.edits) == 2 and now.undone == ()
    for _ in range(3):
        now, edited, _ = recolouring.change(now, {"act": "undo"})
    assert np.array_equal(np.asarray(edited.picture), np.asarray(begun.load().picture))
    now, _, _ = recolouring.change(now, {"act": "lock", "label": number, "locked": True})
    assert now.undone == () and len(now.edits) == 1


def test_a_split_part_is_taken_up(begun):
    x, y = recolouring.inner_point(begun.load().label, largest(begun))
    asked = {"act": "split", "points": [[x, y]], "width": 2}
    _, edited, selected = recolouring.change(begun, asked)
    assert edited.label[int(y), int(x)] == selected == edited.label.max()


def test_another_colouring_keeps_what_is_locked(begun, tiny_parts_pipeline):
    number = largest(begun)
    now = begun
    for asked in (
        {"act": "recolour", "label": number, "color": GREEN},
        {"act": "recolour", "label": 0, "color": "#aabbcc"},
        {"act": "lock", "label": number, "locked": True},
    ):
        now, edited, _ = recolouring.change(now, asked)
    work = recolouring.carry_over(now, seed=77)
    assert work.settings.seed == 77
    kinds = [type(edit) for edit in work.edits]
    assert kinds == [Lock, Recolour] and work.edits[1].color == GREEN
    stack = tiny_parts_pipeline(**work.session(tiny_parts_pipeline).arguments()).layers[0]
    colors = {part.label: part.color for part in stack.parts.parts}
    assert colors[number] == GREEN and colors[0] == "#ffffff"


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"act": "paint"}, "no longer there"),
        ({"act": "recolour", "label": 9999, "color": GREEN}, "no longer there"),
        ({"act": "recolour", "label": None, "color": GREEN}, "no longer there"),
        ({"act": "recolour", "label": 0, "color": "green"}, "malformed"),
        ({"act": "split", "points": [[-5, 0]], "width": 2}, "outside the sketch"),
        ({"act": "split", "points": None, "width": 2}, "malformed"),
        ({"act": "rename", "label": 0, "name": 7}, "malformed"),
        ({}, "no longer there"),
    ],
)
def test_what_cannot_be_done_leaves_all_as_it_is(begun, asked, sentence, monkeypatch):
    told = []
    monkeypatch.setattr(gr, "Warning", told.append)
    event = gr.EventData(None, asked)
    after, shown = recolour.change(begun, event)
    assert after is begun and sentence in told[0]
    assert shown["undo"] is False and shown["serial"] > 0  # the viewer gets its answer


def test_a_forgotten_colouring_and_a_model_without_parts_say_so(begun, tiny_pipeline, sketch_file):
    Path(begun.stack).unlink()
    with pytest.raises(gr.Error, match="no longer kept"):
        recolour.change(begun, gr.EventData(None, {"act": "undo"}))
    with pytest.raises(gr.Error, match="no colouring here yet"):
        recolour.picture_file(None)
    with pytest.raises(gr.Error, match="no longer kept"):
        recolour.shown_work("x.png", None)
    with pytest.raises(ValueError, match="with a model that knows parts"):
        recolouring.start(tiny_pipeline, work_on(sketch_file))


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    pipeline = Watched(load_pipeline(device="cpu"), RESOLUTION)
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        open_viewer(page)
        yield page


def viewer(page: Page) -> Locator:
    return page.locator("[data-serial]")


def open_viewer(page: Page) -> None:
    """Colours the sketch and takes the colouring to the tab."""
    page.set_input_files("#automatic-sketch input[type=file]", SKETCH)
    page.locator("#automatic-settings button").first.click()
    page.wait_for_timeout(1500)
    page.locator("#automatic-seed input").fill("5")
    page.get_by_role("button", name=texts.COLOUR, exact=True).click()
    expect(page.locator("#automatic-recolour")).to_be_enabled(timeout=PATIENCE)
    page.click("#automatic-recolour")
    expect(page.locator("#recolour-download")).to_be_enabled(timeout=PATIENCE)
    expect(viewer(page).locator("[data-part=canvas]")).to_be_visible()


def serial(page: Page) -> str:
    return viewer(page).get_attribute("data-serial")


def answered(page: Page, before: str) -> None:
    expect(viewer(page)).not_to_have_attribute("data-serial", before, timeout=PATIENCE)


def screen_place(page: Page, at: tuple[int, int]) -> tuple[float, float]:
    """Where a pixel of the sketch is on the screen while the whole picture is shown."""
    stage = page.locator("[data-part=stage]")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    with Image.open(SKETCH) as sketch:
        width, height = sketch.size
    zoom = min(box["width"] / width, box["height"] / height)
    left, top = (box["width"] - zoom * width) / 2, (box["height"] - zoom * height) / 2
    return box["x"] + left + zoom * at[0], box["y"] + top + zoom * at[1]


def click_on(page: Page, at: tuple[int, int]) -> None:
    page.mouse.click(*screen_place(page, at))


def choose(page: Page, color: str) -> None:
    before = serial(page)
    page.locator("[data-part=hex]").fill(color)
    page.keyboard.press("Enter")
    answered(page, before)


def picture(page: Page) -> bytes:
    return downloaded(page, "#recolour-download")[1]


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def test_a_clicked_part_gets_another_color_and_nothing_else_changes(page, tmp_path):
    before = picture(page)
    click_on(page, BOW)
    expect(page.locator("[data-part=hex]")).to_be_enabled()
    choose(page, GREEN)
    after = picture(page)
    old, new = pixels(before), pixels(after)
    changed = (old != new).any(axis=2)
    near = np.s_[BOW[1] - 2 : BOW[1] + 3, BOW[0] - 2 : BOW[0] + 3]
    red, green, blue = new[near].reshape(-1, 3).mean(axis=0)
    assert green > red + 30 and green > blue + 30
    for x, y in (HAIR, SLEEVE, PAPER):
        assert not changed[y - 2 : y + 3, x - 2 : x + 3].any()
    assert 0 < changed.mean() < 0.2

    name, saved = downloaded(page, "#recolour-save-session")
    session = tmp_path / name
    session.write_bytes(saved)
    (edit,) = read_edits(json.loads(saved)["edits"])
    assert edit.color == GREEN and Session.load(session).edits == (edit,)

    was = serial(page)
    page.locator("[data-part=undo]").click()
    answered(page, was)
    assert picture(page) == before
    was = serial(page)
    give_file(page, "#recolour-load-session", session)
    answered(page, was)
    assert picture(page) == after


def test_parts_are_merged_split_named_and_locked(page):
    swatches = page.locator("[data-part=parts] button")
    count = swatches.count()
    click_on(page, BOW)
    for at, act in ((SLEEVE, "merge"), (BOW, "split")):
        page.locator(f"[data-part={act}]").click()
        was = serial(page)
        click_on(page, at)
        answered(page, was)
    assert abs(swatches.count() - count) <= 1
    was = serial(page)
    page.locator("[data-part=name]").fill("ribbon")
    page.keyboard.press("Enter")
    answered(page, was)
    expect(page.locator("[data-part=parts] button[aria-pressed=true]")).to_have_text("ribbon")
    choose(page, "#123456")
    was = serial(page)
    page.locator("[data-part=lock]").check()
    answered(page, was)
    was = serial(page)
    page.click("#recolour-another")
    answered(page, was)
    kept = page.get_by_role("button", name="ribbon")
    assert kept.evaluate("node => node.style.background") == "rgb(18, 52, 86)"


def test_the_picture_is_zoomed_at_the_pointer_and_moved(page):
    x, y = screen_place(page, HAIR)
    page.mouse.move(x, y)
    page.mouse.wheel(0, -800)
    page.wait_for_timeout(200)
    page.mouse.click(x, y)  # still the same pixel
    color = page.locator("[data-part=hex]").input_value()
    page.keyboard.press("0")
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=5)
    page.mouse.up()
    page.mouse.click(x + 60, y + 40)
    assert page.locator("[data-part=hex]").input_value() == color
    stage = page.locator("[data-part=stage]")
    stage.focus()
    page.keyboard.press("Escape")
    expect(page.locator("[data-part=hex]")).to_be_disabled()


def test_fingers_zoom_and_do_not_pick(browser, address):
    with opened(browser, address, viewport={"width": 390, "height": 844}, has_touch=True) as page:
        open_viewer(page)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") == 0
        x, y = screen_place(page, HAIR)
        touch = page.context.new_cdp_session(page)

        def fingers(kind: str, *apart: float) -> None:
            points = [{"x": x + a, "y": y + a, "id": i} for i, a in enumerate(apart)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", -10)
        fingers("touchStart", -10, 10)
        for step in range(12, 60, 8):
            fingers("touchMove", -step, step)
        fingers("touchEnd")
        expect(page.locator("[data-part=hex]")).to_be_disabled()
        page.touchscreen.tap(x, y)  # the middle of the pinch stayed where it was
        expect(page.locator("[data-part=hex]")).to_be_enabled()
        for button in page.locator(".part-viewer button").all():
            box = button.bounding_box()
            assert box is None or min(box["width"], box["height"]) >= 40


def test_layers_are_downloaded_from_a_result_and_from_the_tab(page):
    click_on(page, BOW)
    choose(page, GREEN)
    merged = pixels(picture(page))
    page.locator("#recolour-layers button").first.click()
    name, data = downloaded(page, "#recolour-layers-zip")
    assert name == f"{SKETCH.stem}-layers-5.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert np.abs(pixels(archive.read("merged.png")) - merged).max() <= 1
    page.get_by_role("tab", name=texts.AUTOMATIC).click()
    page.locator("#automatic-layers button").first.click()
    name, data = downloaded(page, "#automatic-layers-ora")
    assert name.endswith("-layers-5.ora") and zipfile.is_zipfile(io.BytesIO(data))
