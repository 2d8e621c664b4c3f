"""The Hint strokes tab: its functions without a browser, then drawing in a real one."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, Route, expect

from sketchcolor import load_pipeline
from sketchcolor.session import Session
from sketchcolor.ui import hint_editor as editor
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_session
from sketchcolor.ui.examples import EXAMPLES
from tests.support.pictures import RED, painted
from tests.support.served_page import (
    PATIENCE,
    Watched,
    downloaded,
    give_file,
    next_call,
    opened,
    served,
    shared_pipeline,
    unfolded,
)

RESOLUTION = 96
HAIR = (0.5, 0.29)  # of width and height: the fringe of the examples "spiky hair", "long hair"
# px of "long hair": the same head, behind other lines; face, bow, sleeves and paper.
FAR_HAIR = ((268, 204), (560, 330), (640, 600))
NO_HAIR = ((345, 583), (384, 645), (384, 768), (168, 952), (537, 952), (38, 51))


def session_of(sketch, **parts) -> Session:
    return Session(sketch, seed=5, resolution=RESOLUTION, **parts)


def test_nothing_drawn_is_the_automatic_colouring(tiny_pipeline, example_sketch):
    drawn = editor.drawn_layer(editor.canvas(example_sketch))
    assert drawn is None
    colouring = colour_session(tiny_pipeline, session_of(example_sketch, layer=drawn))
    automatic = tiny_pipeline(example_sketch, seed=5, resolution=RESOLUTION).images[0]
    assert np.array_equal(np.asarray(colouring.images[0]), np.asarray(automatic))
    assert colouring.seeds == [5]


def test_a_stroke_changes_the_picture(tiny_pipeline, example_sketch):
    layer = painted(example_sketch.size, (110, 100, 190, 130))
    plain, hinted = (
        np.asarray(colour_session(tiny_pipeline, session).images)
        for session in (session_of(example_sketch), session_of(example_sketch, layer=layer))
    )
    assert not np.array_equal(plain, hinted)


@pytest.fixture(scope="module")
def pipeline():
    return Watched(shared_pipeline(), RESOLUTION)


@pytest.fixture(scope="module")
def address(pipeline, tmp_path_factory):
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        show_tab(page)
        yield page


def show_tab(page: Page) -> None:
    page.get_by_role("tab", name=texts.HINTS).click()


def open_sketch(page: Page, file: Path) -> str:
    page.set_input_files("#hints-sketch input[type=file]", file)
    return wait_for_result(page)


def wait_for_result(page: Page, other_than: str = "") -> str:
    """Waits for a result with another picture than the one given; gives its address."""
    picture = page.locator("#hints-result img")
    expect(page.locator("#hints-note")).to_have_text(re.compile(r"seed \d+"), timeout=PATIENCE)
    if other_than:
        expect(picture).not_to_have_attribute("src", other_than, timeout=PATIENCE)
    return picture.get_attribute("src")


def draw(page: Page, length: int) -> float:
    """Drags from the middle of the sketch to the right; gives the zoom the sketch is shown at.

    The editor says nowhere when it has finished laying its canvas out, and forgets a stroke of
    before. Its undo button tells whether one was taken; a visitor would draw again, too.
    """
    canvas = page.locator("#hints-editor canvas").first
    undo = page.locator("#hints-editor button[aria-label=Undo]")
    for attempt in range(3):
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + length, y, steps=12)
        page.mouse.up()
        try:
            expect(undo).to_be_enabled(timeout=PATIENCE / 4)
            break
        except AssertionError:
            assert attempt < 2, "three strokes were lost"
    return int(page.locator("#hints-editor").get_by_text("%").inner_text().strip("%")) / 100


def test_a_red_stroke_comes_back_by_itself_and_a_session_brings_it_again(
    page, pipeline, sketch_file, example_sketch, tmp_path
):
    plain = open_sketch(page, sketch_file)
    assert pipeline.calls[-1]["hints"] is None
    seed = pipeline.calls[-1]["seed"]

    zoom = draw(page, 60)
    hinted = wait_for_result(page, other_than=plain)
    asked = pipeline.calls[-1]
    assert asked["seed"] == seed  # only the hint changed
    layer = asked["hints"]
    assert layer.size == example_sketch.size
    pixels = np.asarray(layer)
    assert {tuple(color) for color in pixels[pixels[..., 3] > 0]} == {(*RED, 255)}
    left, top, right, bottom = layer.getchannel("A").getbbox()
    width, height = example_sketch.size
    radius = editor.brush_radius(example_sketch.size)
    expected = (width / 2 - radius, height / 2 - radius)
    expected += (width / 2 + 60 / zoom + radius, height / 2 + radius)
    assert np.abs(np.subtract((left, top, right, bottom), expected)).max() <= 3

    picture = downloaded(page, "#hints-download")[1]
    name, session = downloaded(page, "#hints-save-session")
    assert name == "girl-session.json"
    (tmp_path / name).write_bytes(session)
    page.reload()
    show_tab(page)
    give_file(page, "#hints-load-session", tmp_path / name)
    wait_for_result(page)
    assert downloaded(page, "#hints-download")[1] == picture

    # The strokes are on the canvas again, for the next one to join them.
    draw(page, -60)
    wait_for_result(page, other_than=hinted)
    both = np.asarray(pipeline.calls[-1]["hints"])
    assert np.array_equal(both[pixels[..., 3] > 0], pixels[pixels[..., 3] > 0])
    assert both[..., 3].sum() > pixels[..., 3].sum()


def test_the_finest_brush_is_two_pixels_wide(page, pipeline, sketch_file):
    plain = open_sketch(page, sketch_file)
    size = page.locator("#hints-radius input[type=range]")
    size.focus()
    size.press("Home")  # its least
    assert float(size.input_value()) == editor.BRUSH_RADII[0]
    size.dispatch_event("pointerup")
    draw(page, 60)  # may begin before the brush has changed, the stroke after it does not
    first = wait_for_result(page, other_than=plain)
    draw(page, -60)
    wait_for_result(page, other_than=first)
    painted = np.asarray(pipeline.calls[-1]["hints"])[..., 3] > 0
    second = painted[:, : painted.shape[1] // 2 - 2 * editor.brush_radius(painted.shape[::-1])]
    assert (second.sum(axis=0) > 0).sum() > 15 and second.sum(axis=0).max() <= 3


def test_the_background_is_painted_once_ticked_and_again_by_the_session(
    page, pipeline, sketch_file, tmp_path
):
    plain = open_sketch(page, sketch_file)
    first = pipeline.calls[-1]
    assert first["background"] == "paper"
    painted_too = page.locator("#hints-paint-background input")
    page.locator("#hints-settings button").first.click()
    unfolded(page)
    calls = len(pipeline.calls)
    painted_too.check()
    ticked = next_call(page, pipeline, calls)
    assert (ticked["background"], ticked["seed"]) == ("painted", first["seed"])
    page.click("#hints-another")  # the tiny model has no parts, only a seed changes its picture
    wait_for_result(page, other_than=plain)

    name, session = downloaded(page, "#hints-save-session")
    (tmp_path / name).write_bytes(session)
    page.reload()
    show_tab(page)
    calls = len(pipeline.calls)
    give_file(page, "#hints-load-session", tmp_path / name)
    wait_for_result(page)
    assert [call["background"] for call in pipeline.calls[calls:]] == ["painted"]
    page.locator("#hints-settings button").first.click()
    expect(painted_too).to_be_checked(timeout=PATIENCE)


def test_colours_come_from_the_result_and_from_a_reference(page, sketch_file, tmp_path):
    open_sketch(page, sketch_file)
    brush = page.locator("#hints-swatches button[aria-pressed=true]")
    expect(brush).to_have_attribute("data-color", editor.SWATCHES[0])
    page.click("#hints-result img")
    expect(page.locator("#hints-swatches button")).to_have_count(
        len(editor.SWATCHES) + 1, timeout=PATIENCE
    )
    Image.new("RGB", (64, 64), (18, 52, 86)).save(tmp_path / "reference.png")
    give_file(page, "#hints-reference", tmp_path / "reference.png")
    expect(brush).to_have_attribute("data-color", "#123456", timeout=PATIENCE)


def test_without_live_the_button_colours_and_clearing_keeps_the_sketch(page, pipeline, sketch_file):
    plain = open_sketch(page, sketch_file)
    page.get_by_label(texts.LIVE).uncheck()
    zoom = draw(page, 40)
    page.click("#hints-colour")
    hinted = wait_for_result(page, other_than=plain)
    first = pipeline.calls[-1]
    page.get_by_label("Clear canvas").click()
    page.click("#hints-colour")
    assert wait_for_result(page, other_than=hinted) == plain
    assert pipeline.calls[-1]["hints"] is None
    # The emptied canvas is shown at 100 % until the sketch lies on it again.
    shown = page.locator("#hints-editor").get_by_text(f"{zoom:.0%}")
    expect(shown).to_be_visible(timeout=PATIENCE)
    draw(page, 40)
    page.click("#hints-colour")
    wait_for_result(page, other_than=plain)
    again = pipeline.calls[-1]
    assert again["seed"] == first["seed"]
    boxes = [call["hints"].getchannel("A").getbbox() for call in (first, again)]
    assert np.abs(np.subtract(*boxes)).max() <= 3


def test_the_canvas_is_sent_for_a_stroke_and_not_for_each_step_of_its_colouring(page, sketch_file):
    sent = []
    page.on("request", lambda asked: "/upload" in asked.url and sent.append(asked.url))
    plain = open_sketch(page, sketch_file)
    so_far = -1
    while so_far < len(sent):  # what the opened sketch still has to say
        so_far = len(sent)
        page.wait_for_timeout(3000)
    sent.clear()
    draw(page, 40)
    drawn = wait_for_result(page, other_than=plain)
    for _ in range(2):
        page.click("#hints-another")
        drawn = wait_for_result(page, other_than=drawn)
    # Three pictures at a time; each step of the progress once asked for them, 132 a colouring.
    assert len(sent) <= 10 * 3


def test_strokes_that_nobody_asks_for_are_not_kept_for_ever():
    uploads = editor.RecentUploads()
    for number in range(editor.MAX_UPLOADS + 5):
        uploads[str(number)] = number
    uploads["7"] = "more of the seventh"
    assert list(uploads) == [str(number) for number in range(5, editor.MAX_UPLOADS + 5)]
    assert uploads.pop("7") == "more of the seventh"


KEEP_TOASTS = """() => {
  window.toasts = [];
  new MutationObserver(changes => changes.forEach(({addedNodes}) => addedNodes.forEach(node => {
    if (node.querySelector?.(".toast-body")) window.toasts.push(node.innerText);
  }))).observe(document.body, {childList: true, subtree: true});
}"""


def test_another_sketch_is_asked_for_without_a_complaint(page, sketch_file):
    plain = open_sketch(page, sketch_file)
    page.evaluate(KEEP_TOASTS)
    page.click("#hints-other")
    expect(page.locator("#hints-sketch input[type=file]")).to_be_attached(timeout=PATIENCE)
    page.wait_for_timeout(2000)
    page.set_input_files("#hints-sketch input[type=file]", sketch_file)
    wait_for_result(page, other_than=plain)
    assert page.evaluate("window.toasts") == []


def test_the_emptied_canvas_of_the_sketch_before_colours_nothing(page, pipeline, sketch_file):
    plain = open_sketch(page, sketch_file)
    held = []

    def slow(route: Route) -> None:
        values = route.request.post_data_json["data"]
        # The canvas is told by its pictures, or by the name under which they were sent before.
        if not held and any(isinstance(v, dict) and {"layers", "id"} & set(v) for v in values):
            held.append(route)
        else:
            route.continue_()

    page.route("**/queue/join*", slow)
    page.click("#hints-other")
    for _ in range(PATIENCE // 50):
        if held:
            break
        page.wait_for_timeout(50)
    assert held
    page.set_input_files("#hints-sketch input[type=file]", sketch_file)
    second = wait_for_result(page, other_than=plain)
    calls = len(pipeline.calls)
    held[0].continue_()
    # Whatever stood in line before a button's picture is done when that is there.
    for _ in range(2):
        page.click("#hints-another")
        second = wait_for_result(page, other_than=second)
    seeds = [call["seed"] for call in pipeline.calls[calls - 1 :]]
    assert len(set(seeds)) == len(seeds) == 3


@pytest.fixture(scope="module")
def bundled_address(tmp_path_factory):
    with served(load_pipeline(), tmp_path_factory.mktemp("bundled")) as address:
        yield address


def test_a_red_stroke_on_hair_brings_red_hair(browser, bundled_address):
    sketch, plain, red = with_a_red_stroke(browser, bundled_address, "spiky_hair")
    width, height = sketch.size
    around = np.zeros((height, width), bool)
    top, left = round(HAIR[1] * height), width // 2
    around[top - 40 : top + 60, left - 60 : left + 80] = True
    open_paper = around & (np.asarray(sketch.convert("L")) > 250)
    before, after = (redness(picture)[open_paper].mean() for picture in (plain, red))
    assert after > 60 and after > before + 30


def test_one_stroke_on_the_fringe_colours_hair_behind_other_lines(browser, bundled_address):
    _, plain, red = with_a_red_stroke(browser, bundled_address, "long_hair")
    for x, y in FAR_HAIR:
        assert redness(red)[y - 6 : y + 6, x - 6 : x + 6].mean() > 90, (x, y)
    changed = np.abs(redness(red) - redness(plain))
    for x, y in NO_HAIR:
        assert changed[y - 6 : y + 6, x - 6 : x + 6].mean() < 12, (x, y)


def with_a_red_stroke(
    browser: Browser, address: str, example: str
) -> tuple[Image.Image, np.ndarray, np.ndarray]:
    """An example's sketch, its colouring, and that with a stroke on the fringe."""
    sketch = Image.open(dict((path.stem, path) for _, path in EXAMPLES)[example])
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        show_tab(page)
        # What the stroke does not reach has a colour of chance, and is behind it in places.
        page.get_by_role("button", name=texts.SETTINGS).last.click()
        seed = page.locator("#hints-seed input")
        expect(seed).to_have_value("")  # the page empties it once while it loads
        seed.fill("7")
        plain_address = open_sketch(page, sketch.filename)
        plain = pixels_of(page)
        stroke_on_hair(page, sketch.height)
        wait_for_result(page, other_than=plain_address)
        return sketch, plain, pixels_of(page)


def stroke_on_hair(page: Page, height: int) -> None:
    """Draws a short stroke on the fringe of an example with hair, of this height in pixels."""
    box = page.locator("#hints-editor canvas").first.bounding_box()
    zoom = int(page.locator("#hints-editor").get_by_text("%").inner_text().strip("%")) / 100
    # The sketch lies in the middle of the canvas; its fringe is over the middle of the face.
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2 - (0.5 - HAIR[1]) * height * zoom
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 20, y + 6, steps=8)
    page.mouse.up()


def pixels_of(page: Page) -> np.ndarray:
    _, content = downloaded(page, "#hints-download")
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), int)


def redness(picture: np.ndarray) -> np.ndarray:
    """How far red is above the mean of green and blue, 8-bit levels."""
    return picture[..., 0] - picture[..., 1:].mean(axis=-1)
