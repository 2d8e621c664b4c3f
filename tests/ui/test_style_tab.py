"""The Style tab: its run without a browser, then visitors who paint, stop and start again."""

import io
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from sketchcolor.style.optimisation import Progress
from sketchcolor.style.settings import CONTENT_LAYERS, FAST, STARTS, StyleBlend
from sketchcolor.ui import build_demo, style, texts
from sketchcolor.ui.result import SavedColouring
from sketchcolor.ui.style_run import StyleRun
from tests.support.served_page import (
    PATIENCE,
    Watched,
    downloaded,
    opened,
    served_with_tiny_styles,
    shared_pipeline,
)

RESOLUTION = 96


def progress(iteration: int) -> Progress:
    return Progress(iteration, 9, 64, 1.0, 0.1, 0.2, torch.zeros(1, 3, 8, 8))


def endless(tell) -> Image.Image:
    iteration = 0
    while tell(progress(iteration)):
        iteration += 1
        time.sleep(0.01)
    return Image.new("RGB", (8, 8), "red")


def test_work_is_watched_and_then_there():
    def work(tell) -> Image.Image:
        assert tell(progress(1))
        return Image.new("RGB", (8, 8), "blue")

    run = StyleRun(work)
    assert [told.iteration for told in run.watch()] == [1]
    assert run.picture().getpixel((0, 0)) == (0, 0, 255)


def test_a_fault_comes_out_with_the_picture():
    def work(tell) -> Image.Image:
        raise ValueError("no paint")

    run = StyleRun(work)
    assert list(run.watch()) == []
    with pytest.raises(ValueError, match="no paint"):
        run.picture()


def test_a_visitor_stops_their_own_run_and_keeps_the_picture():
    runs = {name: StyleRun(endless, name) for name in ("ann", "ben")}
    watching = {name: run.watch() for name, run in runs.items()}
    assert all(next(news).iteration >= 0 for news in watching.values())
    StyleRun.stop_of("ann")
    list(watching["ann"])
    assert runs["ann"].picture().getpixel((0, 0)) == (255, 0, 0)
    assert next(watching["ben"]).iteration > 0  # goes on
    watching["ben"].close()


def test_who_looks_away_or_starts_again_stops_the_run():
    before = threading.active_count()
    first = StyleRun(endless, "ann")
    watching = first.watch()
    next(watching)
    second = StyleRun(endless, "ann")
    list(watching)  # ends by itself
    watching = second.watch()
    next(watching)
    watching.close()
    for _ in range(200):
        if threading.active_count() <= before:  # less: those of another test end, too
            break
        time.sleep(0.05)
    assert threading.active_count() <= before


def test_nothing_to_paint_gets_a_sentence():
    with pytest.raises(Exception, match="no picture yet"):
        next(style.paint_job(style.StyleJob(picture=None)))
    shares = {"brush": 0.0}
    with pytest.raises(Exception, match="No style has a share"):
        style.StyleJob(picture=None, shares=shares).styles()


def test_start_and_layer_reach_the_painting(sketch_file, monkeypatch):
    asked = []

    def note(picture, styles, transfer, settings, **_) -> Image.Image:
        asked.append(settings)
        return picture

    monkeypatch.setattr(style, "shared_transfer", lambda: None)
    monkeypatch.setattr(style, "paint", note)
    shares = [1.0, 0.0, 0.0, 0.0, 0.0]
    values = [str(sketch_file), None, *shares, None, 1.0, 512, 0.5, True, "all", True]
    job = style.StyleJob.from_values(*values, "noise", "relu2_2")
    assert job.blend == StyleBlend(0.5, True, "all", True)
    list(style.paint_job(job))
    assert asked == [replace(FAST, start="noise", content_layer="relu2_2")]
    with pytest.raises(ValueError, match="no start of a style"):
        style.StyleJob.from_values(*values, "photo", "relu2_2")


def test_the_choices_of_the_page_are_those_of_the_style_pass():
    assert [value for _, value in texts.START_CHOICES] == list(STARTS)
    assert [value for _, value in texts.CONTENT_CHOICES] == list(CONTENT_LAYERS)


def test_a_result_and_its_sketch_come_over_from_every_colouring_tab(example_sketch, tmp_path):
    coloured, sketch = tmp_path / "coloured.png", tmp_path / "sketch.png"
    for file in (coloured, sketch):
        example_sketch.save(file)
    saved = SavedColouring(str(sketch), str(sketch), [])
    *files, tabs = style.take_picture("style", str(coloured), saved)
    assert files == [str(coloured), str(sketch)] and tabs.selected == "style"
    sketch.unlink()
    with pytest.raises(Exception, match="no longer kept"):
        style.take_picture("style", str(coloured), saved)
    with pytest.raises(Exception, match="no longer kept"):
        style.take_picture("style", None, None)

    demo = build_demo([shared_pipeline()])
    ids = {block._id: block.elem_id for block in demo.blocks.values()}
    taken = {
        ids[target]: [block.elem_id for block in function.outputs]
        for function in demo.fns.values()
        for target, event in function.targets
        if event == "click" and (ids.get(target) or "").endswith("-restyle")
    }
    assert taken.keys() == {f"{tab}-restyle" for tab in ("automatic", "hints", "palette")}
    assert all(outputs[:2] == ["style-picture", "style-sketch"] for outputs in taken.values())


@pytest.fixture(scope="module")
def pipeline():
    return Watched(shared_pipeline(), RESOLUTION)


@pytest.fixture(scope="module")
def address(pipeline, tmp_path_factory):
    with served_with_tiny_styles(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        yield page


def hand_over(page: Page, sketch_file) -> bytes:
    """Colours a sketch in the first tab and brings it here; gives the coloured PNG."""
    page.set_input_files("#automatic-sketch input[type=file]", sketch_file)
    expect(page.locator("#automatic-sketch img")).to_be_visible(timeout=PATIENCE)
    page.click("#automatic-colour")
    expect(page.locator("#automatic-restyle")).to_be_enabled(timeout=PATIENCE)
    coloured = downloaded(page, "#automatic-download")[1]
    page.click("#automatic-restyle")
    expect(page.locator("#style-picture img")).to_be_visible(timeout=PATIENCE)
    return coloured


def painted(page: Page) -> np.ndarray:
    """The picture as downloaded, once it is there."""
    expect(page.locator("#style-note")).to_have_text(re.compile(r"\d+ × \d+ px"), timeout=PATIENCE)
    expect(page.locator("#style-download")).to_be_enabled(timeout=PATIENCE)
    name, content = downloaded(page, "#style-download")
    assert name.endswith("-styled.png")
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_a_coloured_picture_is_painted_and_fades_back(page, sketch_file):
    coloured = np.asarray(Image.open(io.BytesIO(hand_over(page, sketch_file)))).astype(int)
    page.locator("#style-gallery button").nth(1).click()
    expect(page.locator("#style-note")).to_have_text(re.compile("Painting"), timeout=PATIENCE)
    expect(page.locator("#style-slider img").first).to_be_visible()
    full = painted(page)
    assert full.shape == coloured.shape
    ink = np.asarray(Image.open(sketch_file).convert("L")) == 0
    assert (full[ink] == 0).all()
    assert np.abs(full - coloured).mean() > 1

    # The strength changes without painting again.
    page.locator("#style-strength input[type=number]").fill("0")
    page.locator("#style-strength input[type=number]").press("Enter")
    page.locator("#style-strength input[type=number]").blur()
    for _ in range(100):
        page.wait_for_timeout(100)
        if np.array_equal(painted(page), coloured):
            return
    raise AssertionError("The strength did not arrive.")


def test_stopped_work_keeps_its_picture_and_starts_again(page, sketch_file, monkeypatch):
    hand_over(page, sketch_file)
    monkeypatch.setattr(style, "paint", slow_paint)
    page.click("#style-paint")
    expect(page.locator("#style-note")).to_have_text(re.compile("Painting"), timeout=PATIENCE)
    page.click("#style-stop")
    painted(page)
    expect(page.locator("#style-stop")).to_be_disabled(timeout=PATIENCE)
    page.click("#style-paint")
    expect(page.locator("#style-note")).to_have_text(re.compile("Painting"), timeout=PATIENCE)
    page.click("#style-stop")
    painted(page)


def slow_paint(picture, styles, transfer, settings, resolution, on_step) -> Image.Image:
    """Goes on until it is told to stop."""
    return endless(on_step)


def test_two_visitors_at_once_and_a_damaged_style(browser, address, page, sketch_file, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG not really")
    with opened(browser, address) as other:
        for visitor in (page, other):
            hand_over(visitor, sketch_file)
            visitor.locator("#style-gallery button").nth(2).click()
        for visitor in (page, other):
            painted(visitor)
        other.locator("#style-mix button").first.click()
        other.set_input_files("#style-own input[type=file]", broken)
        toast = other.locator(".toast-body")
        expect(toast).to_contain_text(re.compile("picture|image", re.I), timeout=PATIENCE)
        other.locator("#style-gallery button").nth(0).click()
        painted(other)


def test_without_a_picture_the_button_says_what_to_do(page):
    page.get_by_role("tab", name=texts.STYLE, exact=True).click()
    page.click("#style-paint")
    expect(page.locator(".toast-body")).to_contain_text("no picture yet", timeout=PATIENCE)
