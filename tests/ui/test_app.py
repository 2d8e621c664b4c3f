"""The served page over its API: what a visitor gets, and what bad input does."""

import os
import runpy
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from sketchcolor import loading as hub
from sketchcolor.images import MAX_BYTES, ImageError, read_sketch
from sketchcolor.ui import texts
from sketchcolor.ui.colouring import colour_sketch
from sketchcolor.ui.result import PREVIEW_SIDE
from sketchcolor.ui.settings import ColouringSettings
from tests.support import ROOT
from tests.support.served_page import Watched, served, shared_pipeline

RESOLUTION = 384


class WatchedPipeline:
    """Passes calls on to a pipeline and counts how many run at once."""

    model_id, revision = "watched", None

    def __init__(self, pipeline):
        self.pipeline = pipeline
        self.running = self.most_running = 0
        self.lock = threading.Lock()

    def __call__(self, *args, **kwargs):
        with self.lock:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            time.sleep(0.2)  # long enough that a second visitor would step in
            return self.pipeline(*args, **kwargs)
        finally:
            with self.lock:
                self.running -= 1


class BrokenPipeline:
    model_id, revision = "broken", None

    def __call__(self, *args, **kwargs):
        raise RuntimeError("tensor 4711 is on the wrong device")


@pytest.fixture(scope="module")
def pipeline():
    return WatchedPipeline(shared_pipeline())


@pytest.fixture(scope="module")
def page(pipeline, tmp_path_factory):
    with served(pipeline, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture
def visitor(page, tmp_path):
    return Client(page, verbose=False, download_files=tmp_path / "downloads")


def colour(visitor, file, seed=7, variants=1, keep_lines=True, clean_paper=True):
    """(before, after), gallery, download, note, as the API gives them."""
    return visitor.predict(
        handle_file(str(file)),
        seed,
        variants,
        RESOLUTION,
        keep_lines,
        clean_paper,
        api_name="/colour_automatic",
    )


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_colours_a_sketch_at_its_own_size(visitor, example_sketch, tmp_path):
    example_sketch.save(tmp_path / "a girl.jpg")
    (before, after), variants, download, note = colour(visitor, tmp_path / "a girl.jpg", variants=2)
    for path in (before, after, download):
        picture = Image.open(path)
        assert picture.format == "PNG"
        assert picture.size == example_sketch.size
    assert Path(download).name == "a_girl-coloured-7.png"
    assert len(variants) == 2
    assert np.array_equal(pixels(download), pixels(after))
    assert not np.array_equal(pixels(variants[0]["image"]), pixels(variants[1]["image"]))
    width, height = example_sketch.size
    assert note.startswith(f"{width} × {height} px · seed 7 · ")


def test_a_seed_repeats_and_no_seed_surprises(visitor, example_sketch, tmp_path):
    example_sketch.save(tmp_path / "sketch.png")
    first, again, *surprises = (
        colour(visitor, tmp_path / "sketch.png", seed=seed) for seed in (3, 3, None, None)
    )
    assert np.array_equal(pixels(first[2]), pixels(again[2]))
    assert surprises[0][3].split(" · ")[1] != surprises[1][3].split(" · ")[1]


def test_transparent_line_art_lies_on_white_paper(visitor, example_sketch, tmp_path):
    lines = Image.new("RGBA", example_sketch.size, (0, 0, 0, 0))
    lines.putalpha(example_sketch.point(lambda grey: 255 - grey))
    lines.save(tmp_path / "transparent.png")
    example_sketch.save(tmp_path / "opaque.png")
    transparent = colour(visitor, tmp_path / "transparent.png")
    opaque = colour(visitor, tmp_path / "opaque.png")
    assert np.array_equal(pixels(transparent[0][0]), pixels(tmp_path / "opaque.png"))
    assert np.array_equal(pixels(transparent[2]), pixels(opaque[2]))


def test_a_large_page_is_compared_smaller_but_downloads_whole(visitor, tmp_path):
    size = (PREVIEW_SIDE + 400, 320)
    page = Image.new("L", size, "white")
    page.paste(0, (100, 100, 2000, 104))
    page.save(tmp_path / "page.png")
    (before, after), _, download, note = colour(visitor, tmp_path / "page.png")
    assert Image.open(before).size == Image.open(after).size
    assert max(Image.open(after).size) == PREVIEW_SIDE
    assert Image.open(download).size == size
    assert note.startswith(f"{size[0]} × {size[1]} px")


@pytest.mark.parametrize("content", [b"", b"a shopping list", b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_a_file_that_is_no_picture_gives_its_sentence(visitor, example_sketch, tmp_path, content):
    file = tmp_path / "sketch.png"
    file.write_bytes(content)
    with pytest.raises(ImageError) as sentence:
        read_sketch(file)
    with pytest.raises(AppError) as refusal:
        colour(visitor, file)
    assert str(refusal.value) == str(sentence.value)
    example_sketch.save(file)
    colour(visitor, file)  # the page is still there


def test_no_sketch_gives_a_sentence(visitor):
    with pytest.raises(AppError, match="There is no sketch yet"):
        visitor.predict(None, 7, 1, RESOLUTION, True, True, api_name="/colour_automatic")


def test_a_file_over_the_limit_is_refused(page):
    files = {"files": ("huge.png", bytes(MAX_BYTES + 1))}
    assert httpx.post(f"{page}gradio_api/upload", files=files).status_code == 413


def test_two_visitors_share_one_model(page, pipeline, example_sketch, tmp_path):
    example_sketch.save(tmp_path / "sketch.png")
    seeds = (11, 12)
    visitors = [Client(page, verbose=False, download_files=tmp_path / str(seed)) for seed in seeds]
    alone = [pixels(colour(visitors[0], tmp_path / "sketch.png", seed)[2]) for seed in seeds]
    pipeline.most_running = 0
    with ThreadPoolExecutor() as crowd:
        together = list(
            crowd.map(lambda v, s: colour(v, tmp_path / "sketch.png", s)[2], visitors, seeds)
        )
    assert pipeline.most_running == 1
    for path, expected in zip(together, alone, strict=True):
        assert np.array_equal(pixels(path), expected)


def test_an_unexpected_fault_is_told_calmly_and_logged(example_sketch, tmp_path, caplog):
    example_sketch.save(tmp_path / "sketch.png")
    with served(BrokenPipeline(), tmp_path / "cache") as page:
        visitor = Client(page, verbose=False, download_files=tmp_path)
        for _ in range(2):
            with pytest.raises(AppError) as refusal:
                colour(visitor, tmp_path / "sketch.png")
            assert str(refusal.value) == texts.UNEXPECTED
    assert "tensor 4711" in caplog.text


def test_colour_sketch_without_a_browser(tiny_pipeline, example_sketch):
    steps = []
    colouring = colour_sketch(
        tiny_pipeline,
        example_sketch,
        ColouringSettings(seed=5, variants=2, resolution=RESOLUTION),
        on_step=lambda step, total: steps.append((step, total)),
    )
    assert [image.size for image in colouring.images] == [example_sketch.size] * 2
    assert colouring.seeds == [5, 6]
    assert colouring.sketch.size == example_sketch.size
    assert colouring.seconds > 0
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]


def test_the_settings_reach_the_picture(tiny_pipeline, example_sketch):
    photo = example_sketch.point(lambda grey: 40 + grey // 2)  # grey paper, grey lines

    def picture(**others):
        settings = ColouringSettings(seed=5, resolution=RESOLUTION, **others)
        colouring = colour_sketch(tiny_pipeline, photo, settings)
        return np.asarray(colouring.images[0])

    plain = picture()
    assert np.array_equal(plain, picture(keep_lines=True, clean_paper=True))
    assert not np.array_equal(plain, picture(clean_paper=False))
    assert not np.array_equal(plain, picture(keep_lines=False))


def test_the_background_is_painted_when_asked_for(tiny_pipeline, example_sketch):
    watched = Watched(tiny_pipeline, resolution=64)
    colour_sketch(watched, example_sketch, ColouringSettings())
    colour_sketch(watched, example_sketch, ColouringSettings(paint_background=True))
    assert [call["background"] for call in watched.calls] == ["paper", "painted"]


def app_contents():
    """What the page of app.py shows at first."""
    demo = runpy.run_path(str(ROOT / "app.py"))["demo"]
    return [part["props"].get("value") for part in demo.config["components"]]


def test_with_another_model_than_asked_for_the_page_says_so(
    tiny_pipeline, tmp_path, monkeypatch, caplog
):
    bundled = tmp_path / "bundled"
    tiny_pipeline.save_pretrained(str(bundled))
    monkeypatch.setattr(hub, "BUNDLED", bundled)
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(bundled))
    assert texts.OTHER_MODEL not in app_contents()
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(tmp_path / "missing"))
    contents = app_contents()
    assert texts.OTHER_MODEL in contents and texts.NO_MODEL not in contents
    (logged,) = [entry.message for entry in caplog.records if "missing" in entry.message]
    assert logged.startswith("There is no folder") and "\n" not in logged


def test_without_a_model_the_page_says_so(tmp_path, monkeypatch, example_sketch):
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(tmp_path))  # an empty folder
    monkeypatch.setattr(hub, "BUNDLED", tmp_path)
    assert texts.NO_MODEL in app_contents()
    example_sketch.save(tmp_path / "sketch.png")
    with served(None, tmp_path / "cache") as page:
        visitor = Client(page, verbose=False, download_files=tmp_path)
        with pytest.raises(AppError) as refusal:
            colour(visitor, tmp_path / "sketch.png")
    assert str(refusal.value) == texts.NO_MODEL


# Run before app.py in its own process: every name looked up and every address connected to.
WATCH_NETWORK = """
import ipaddress, runpy, sys

def is_own(host):
    if host in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False

def watch(event, args):
    if event == "socket.getaddrinfo" and not is_own(args[0]):
        print("OUTSIDE", args[0], flush=True)
    if event == "socket.connect" and isinstance(args[1], tuple) and not is_own(args[1][0]):
        print("OUTSIDE", args[1], flush=True)

sys.addaudithook(watch)
runpy.run_path("app.py", run_name="__main__")
"""


def test_app_starts_colours_and_asks_no_other_host(tiny_pipeline, example_sketch, tmp_path):
    tiny_pipeline.save_pretrained(str(tmp_path / "model"))
    example_sketch.save(tmp_path / "sketch.png")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(tmp_path / "cache"),
        "SKETCHCOLOR_MODEL": str(tmp_path / "model"),
    }
    log = tmp_path / "log.txt"
    with log.open("w") as output:
        app = subprocess.Popen(
            [sys.executable, "-c", WATCH_NETWORK],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        page = f"http://127.0.0.1:{port}/"
        wait_until_served(page, app, log)
        visitor = Client(page, verbose=False, download_files=tmp_path)
        download = colour(visitor, tmp_path / "sketch.png")[2]
        assert Image.open(download).size == example_sketch.size
    finally:
        app.terminate()
        app.wait(timeout=30)
    assert "OUTSIDE" not in log.read_text()


def wait_until_served(page, app, log, patience=300):
    deadline = time.monotonic() + patience
    while True:
        try:
            with urllib.request.urlopen(page, timeout=5):
                return
        except OSError:
            assert app.poll() is None, f"app.py ended:\n{log.read_text()}"
            assert time.monotonic() < deadline, f"app.py does not serve:\n{log.read_text()}"
            time.sleep(0.2)
