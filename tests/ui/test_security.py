"""A page on the open internet: what must not be read, reached, decoded or kept."""

import io
import os
import struct
import time
import zlib

import gradio as gr
import httpx
import pytest
from gradio.components.image_editor import EditorData
from gradio.data_classes import FileData
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from sketchcolor import ui
from sketchcolor.ui import hint_editor as editor
from tests.support.served_page import served, shared_pipeline

RESOLUTION = 384


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with served(shared_pipeline(), tmp_path_factory.mktemp("cache")) as address:
        yield address


def call(page: str, endpoint: str, *data) -> str:
    """The events of a call, as a program without Gradio's client sees them."""
    started = httpx.post(f"{page}gradio_api/call/{endpoint}", json={"data": list(data)})
    assert started.status_code == 200, started.text
    events = f"{page}gradio_api/call/{endpoint}/{started.json()['event_id']}"
    return httpx.get(events, timeout=120).text


def file_data(path: str, **more) -> dict:
    return {"path": path, "meta": {"_type": "gradio.FileData"}, **more}


@pytest.mark.parametrize("path", ["/etc/passwd", "app.py", "{root}/README.md", "{root}/.git/HEAD"])
def test_the_file_route_shows_the_cache_alone(page, path, tmp_path):
    named = path.format(root=os.getcwd())
    for written in (named, f"/tmp/../{named}", named.replace("/", "%2F"), f"//{named}"):
        answer = httpx.get(f"{page}gradio_api/file={written}")
        assert answer.status_code in (403, 404), written
    private = tmp_path / "private.txt"
    private.write_text("a secret")
    assert httpx.get(f"{page}gradio_api/file={private}").status_code in (403, 404)


def test_a_picture_that_nobody_uploaded_is_not_read(page, example_sketch, tmp_path):
    private = tmp_path / "private.png"
    example_sketch.save(private)
    for path in (str(private), "/etc/passwd", f"../../../..{private}", f"file://{private}"):
        events = call(page, "palette_of_picture", file_data(path))
        assert "event: error" in events and "event: complete" not in events
        assert "Traceback" not in events


def test_no_address_inside_is_asked(page):
    port = int(page.rstrip("/").rpartition(":")[2])
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "2130706433"):
        address = f"http://{host}:{port}/theme.css"
        for file in (file_data(address), file_data("x.png", url=address)):
            events = call(page, "palette_of_picture", file)
            assert "event: error" in events and "event: complete" not in events
    for address in ("http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "ftp://x/y"):
        events = call(page, "palette_of_picture", file_data(address))
        assert "event: error" in events and "event: complete" not in events
        if address.startswith("http"):
            answer = httpx.get(f"{page}gradio_api/file={address}", follow_redirects=False)
            assert answer.status_code >= 300


def bomb(side: int) -> bytes:
    """A PNG of side² white pixels in a few hundred bytes of header, its data cut short."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = zlib.crc32(name + content)
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    data = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [7_000, 30_000])
def test_a_decompression_bomb_is_refused_by_its_header(page, tmp_path, side, monkeypatch):
    file = tmp_path / "bomb.png"
    file.write_bytes(bomb(side))
    visitor = Client(page, verbose=False, download_files=tmp_path)
    with pytest.raises(AppError, match="million pixels"):
        visitor.predict(handle_file(str(file)), api_name="/colour_automatic")
    canvas = editor.Canvas(type="pil")
    layer = FileData(path=str(file))
    payload = EditorData(background=None, layers=[layer], composite=None)

    def decoded(*args):
        raise AssertionError("decoded before it was refused")

    monkeypatch.setattr(gr.ImageEditor, "preprocess", decoded)
    with pytest.raises(gr.Error, match="million pixels"):
        canvas.preprocess(payload)


def test_uploads_and_pictures_are_deleted(example_sketch, tmp_path, monkeypatch):
    assert (ui.HOUR, ui.KEPT) == (3600, 24 * 3600)
    monkeypatch.setattr(ui, "HOUR", 0.5)
    monkeypatch.setattr(ui, "KEPT", 15)
    cache = tmp_path / "cache"
    encoded = io.BytesIO()
    example_sketch.save(encoded, "PNG")
    (tmp_path / "girl.png").write_bytes(encoded.getvalue())

    def left() -> list[str]:
        return [file.name for file in cache.rglob("*.png")]

    with served(shared_pipeline(), cache) as address:
        visitor = Client(address, verbose=False, download_files=False)
        visitor.predict(
            handle_file(str(tmp_path / "girl.png")),
            resolution=RESOLUTION,
            api_name="/colour_automatic",
        )
        end = time.monotonic() + 120
        while left():
            assert time.monotonic() < end, left()
            time.sleep(0.2)
        assert httpx.get(address).status_code == 200


def test_nobody_is_told_of_a_visitor(page):
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    config = httpx.get(f"{page}config").json()
    assert not config.get("analytics_enabled", False)
    assert all(host not in httpx.get(page).text for host in ("google-analytics", "plausible.io"))
