"""Several models on one page: the settings, the endpoints and sessions say which one colours."""

import json
import re
from collections.abc import Iterator

import gradio as gr
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import Page, expect

from sketchcolor.models.pix2pix import Pix2PixGenerator
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.session import Session
from sketchcolor.ui import texts
from sketchcolor.ui.models import Models
from tests.support.networks import tiny_refiner
from tests.support.served_page import (
    PATIENCE,
    Watched,
    downloaded,
    give_file,
    opened,
    served,
    shared_pipeline,
    unfolded,
)

RESOLUTION = 96


def named(name: str | None, pipeline: SketchColorPipeline | None = None) -> Watched:
    watched = Watched(pipeline or shared_pipeline(), RESOLUTION)
    watched.model_id = name
    return watched


@pytest.fixture(scope="module")
def pipelines() -> list[Watched]:
    single = SketchColorPipeline(tiny_refiner(proposal=False))
    return [named("ours"), named("artist/single", single)]


@pytest.fixture(scope="module")
def address(pipelines, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with served(pipelines[0], cache, others=pipelines[1:]) as address:
        yield address


@pytest.fixture
def page(browser, address) -> Iterator[Page]:
    with opened(browser, address, viewport={"width": 1280, "height": 1000}) as page:
        yield page


def choose(page: Page, tab: str, name: str) -> None:
    page.locator(f"#{tab}-settings button").first.click()
    unfolded(page)
    page.locator(f"#{tab}-model input").click()
    page.get_by_role("option", name=name).click()


def test_models_have_names_of_their_own(example_sketch):
    pipelines = [named(None), named("artist/one"), named("artist/one")]
    models = Models(*pipelines)
    assert models.names == [texts.UNNAMED_MODEL, "artist/one", "artist/one (2)"]
    assert models[None] is models[texts.UNNAMED_MODEL] is pipelines[0]
    assert models["artist/one (2)"] is pipelines[2]
    assert models.name_for(Session(example_sketch, 0, model="artist/one")) == "artist/one"
    assert models.name_for(Session(example_sketch, 0, model="artist/gone")) == models.first
    with pytest.raises(gr.Error, match=r"no such model.*artist/one \(2\)"):
        models["artist/gone"]


def test_without_models_every_name_is_refused():
    models = Models()
    assert not models and models.first is None
    with pytest.raises(gr.Error, match=re.escape(texts.NO_MODEL)):
        models["ours"]


def test_one_model_needs_no_choice(browser, tmp_path):
    with served(named("ours"), tmp_path / "cache") as address, opened(browser, address) as page:
        page.locator("#automatic-settings button").first.click()
        expect(page.locator("#automatic-seed")).to_be_visible(timeout=PATIENCE)
        expect(page.locator("#automatic-model")).to_be_hidden()


def test_programs_name_a_model(address, pipelines, sketch_file, tmp_path):
    visitor = Client(address, verbose=False, download_files=tmp_path)
    sketch = handle_file(str(sketch_file))
    asked = {"api_name": "/colour_automatic", "seed": 3}
    before = [len(pipeline.calls) for pipeline in pipelines]
    visitor.predict(sketch, **asked)
    visitor.predict(sketch, model="artist/single", **asked)
    after = [len(pipeline.calls) for pipeline in pipelines]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]
    with pytest.raises(AppError, match="artist/gone"):
        visitor.predict(sketch, model="artist/gone", **asked)


def test_a_model_without_hints_says_so(browser, sketch_file, tmp_path):
    generator = Pix2PixGenerator(channels=(8, 8, 8))
    plain = named("plain", SketchColorPipeline(generator))
    with served(plain, tmp_path / "cache") as address:
        visitor = Client(address, verbose=False, download_files=tmp_path)
        stroke = json.dumps([{"color": "#c03040", "width": 6, "points": [[9, 9]]}])
        with pytest.raises(AppError, match="This model does not take hints"):
            visitor.predict(handle_file(str(sketch_file)), stroke, api_name="/colour_hints")


def test_the_settings_choose_and_a_session_remembers(page, pipelines, sketch_file, tmp_path):
    ours, single = pipelines
    page.get_by_role("tab", name=texts.HINTS).click()
    page.set_input_files("#hints-sketch input[type=file]", sketch_file)
    picture, note = page.locator("#hints-result img"), page.locator("#hints-note")
    expect(note).to_have_text(re.compile(r"seed \d+"), timeout=PATIENCE)
    first, calls = picture.get_attribute("src"), len(single.calls)
    seed = ours.calls[-1]["seed"]
    choose(page, "hints", "artist/single")  # colours again by itself
    expect(picture).not_to_have_attribute("src", first, timeout=PATIENCE)
    assert len(single.calls) == calls + 1 and single.calls[-1]["seed"] == seed

    name, session = downloaded(page, "#hints-save-session")
    assert Session.from_json(session).model == "artist/single"
    (tmp_path / name).write_bytes(session)
    page.reload()
    page.get_by_role("tab", name=texts.HINTS).click()
    give_file(page, "#hints-load-session", tmp_path / name)
    expect(note).to_have_text(re.compile(rf"seed {seed}"), timeout=PATIENCE)
    assert len(single.calls) == calls + 2
    page.locator("#hints-settings button").first.click()
    expect(page.locator("#hints-model input")).to_have_value("artist/single")
    # Another sketch keeps the choice.
    page.click("#hints-other")
    page.set_input_files("#hints-sketch input[type=file]", sketch_file)
    expect(note).not_to_have_text(re.compile(rf"seed {seed}\b"), timeout=PATIENCE)
    assert len(single.calls) == calls + 3


def test_the_first_and_the_palette_tab_follow_the_choice(page, pipelines, sketch_file):
    single = pipelines[1]
    for tab, title in (("automatic", texts.AUTOMATIC), ("palette", texts.PALETTE)):
        calls = len(single.calls)
        page.get_by_role("tab", name=title, exact=True).click()
        page.set_input_files(f"#{tab}-sketch input[type=file]", sketch_file)
        expect(page.locator(f"#{tab}-sketch img")).to_be_visible(timeout=PATIENCE)
        choose(page, tab, "artist/single")
        page.click(f"#{tab}-colour")
        expect(page.locator(f"#{tab}-note")).to_have_text(re.compile("seed"), timeout=PATIENCE)
        assert len(single.calls) == calls + 1
