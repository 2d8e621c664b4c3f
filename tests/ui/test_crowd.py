"""A small crowd and a small fuzz on the served page; the large ones are in ``benchmarks``."""

import os
import re
import threading
from collections import Counter
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks import fuzz, load
from benchmarks.page import QUEUE_FULL, ServedPage, kind_of
from tests.support.served_page import PATIENCE, Watched, opened, served, shared_pipeline

RESOLUTION = 96
CASES = 60


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    pipeline = Watched(shared_pipeline(), RESOLUTION)
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield ServedPage(address, os.getpid())


def test_bad_input_gets_a_sentence(page):
    cases = fuzz.cases(CASES)
    assert cases == fuzz.cases(CASES) != fuzz.cases(CASES, seed=1)
    assert {case.endpoint for case in cases} == {
        *("colour_automatic", "colour_hints", "colour_palette", "palette_of_picture")
    }
    measured = fuzz.run(page.address, cases)
    assert measured["page_is_up"]
    assert sum(measured["outcomes"].values()) == CASES
    assert {"picture", "sentence"} <= measured["outcomes"].keys()
    assert measured["bad"] == []


def test_what_counts_as_bad():
    assert fuzz._outcome('event: complete\ndata: ["#c03040:1"]\n\n') == "picture"
    assert fuzz._outcome('event: error\ndata: {"error": "The file is empty."}\n\n') == "sentence"
    assert fuzz._outcome("event: error\ndata: null\n\n") == "silent error"
    told = 'event: error\ndata: {"error": "Traceback (most recent call last)"}\n\n'
    assert fuzz._outcome(told) == "traceback"


def test_a_crowd_is_served(page, tmp_path):
    measured = load.crowd(page, visitors=3, seconds=1, folder=tmp_path)
    assert measured["errors"] == {} and measured["queue_full"] == 0
    assert measured["pictures"] == sum(measured["pictures_per_visitor"]) >= 3
    assert measured["fairness"]["fewest"] >= 1
    assert 0 < measured["latency"]["p50"] <= measured["latency"]["p100"]
    assert measured["resident_mib"].keys() == {"start", "middle", "end"}


class Gated(Watched):
    """Colours only once the gate is open."""

    def __init__(self, *args):
        super().__init__(*args)
        self.gate = threading.Event()

    def __call__(self, *args, **kwargs):
        result = super().__call__(*args, **kwargs)
        assert self.gate.wait(PATIENCE / 1000)
        return result


def line_up(page: Page, sketch: Path) -> None:
    """Asks for a picture and sees the page wait for it."""
    page.set_input_files("#automatic-sketch input[type=file]", sketch)
    expect(page.locator("#automatic-sketch img")).to_be_visible(timeout=PATIENCE)
    page.click("#automatic-colour")
    expect(page.locator("#automatic-slider .progress-text")).to_be_visible(timeout=PATIENCE)


def wait_for_queue(page: Page, address: str, waiting: int) -> None:
    """Waits until as many events wait on the page's server."""
    status = f"{address}gradio_api/queue/status"
    for _ in range(PATIENCE // 100):
        if page.request.get(status).json()["queue_size"] == waiting:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"there never were {waiting} events waiting")


def test_a_closed_tab_frees_its_place(browser, sketch_file, tmp_path):
    pipeline = Gated(shared_pipeline(), RESOLUTION)
    with served(pipeline, tmp_path / "cache") as address, opened(browser, address) as first:
        line_up(first, sketch_file)
        with opened(browser, address) as second:
            line_up(second, sketch_file)
            wait_for_queue(second, address, 1)
        wait_for_queue(first, address, 0)
        with opened(browser, address) as third:
            line_up(third, sketch_file)
            pipeline.gate.set()
            for page in (first, third):
                note = page.locator("#automatic-note")
                expect(note).to_have_text(re.compile(r"seed \d+"), timeout=PATIENCE)
    assert len(pipeline.calls) == 2  # nobody waits for the second picture


def test_a_full_queue_is_counted_apart():
    full = RuntimeError("Queue is full. Max size is 32 and size is 32.")
    assert kind_of(full) == QUEUE_FULL
    visitor = load.Visitor(0, "", Path(), [1.0], Counter({QUEUE_FULL: 2, "No room.": 1}))
    measured = load.report([visitor], seconds=4.0)
    assert (measured["requests"], measured["queue_full"]) == (4, 2)
    assert measured["errors"] == {"No room.": 1}
