"""What may go wrong on a page's server: each gives a sentence and the page stays up."""

import errno
import re
import runpy
import shutil
from concurrent.futures import Future
from pathlib import Path

import httpx
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from playwright.sync_api import expect

from sketchcolor import loading as hub
from sketchcolor.ui import health, result, texts
from tests.support import ROOT
from tests.support.served_page import PATIENCE, opened, served, shared_pipeline

FULL = OSError(errno.ENOSPC, "No space left on device")


def colour(address, sketch, folder):
    visitor = Client(address, verbose=False, download_files=folder)
    return visitor.predict(handle_file(str(sketch)), resolution=384, api_name="/colour_automatic")


def test_a_full_disk_is_told_and_the_page_goes_on(sketch_file, tmp_path, monkeypatch):
    def save_nothing(*args):
        raise FULL

    with served(shared_pipeline(), tmp_path / "cache") as address:
        with monkeypatch.context() as full:
            full.setattr(result, "save_bytes_to_cache", save_nothing)
            with pytest.raises(AppError) as refusal:
                colour(address, sketch_file, tmp_path)
            assert str(refusal.value) == texts.DISK_FULL
        assert colour(address, sketch_file, tmp_path)


def test_an_upload_without_room_is_told(sketch_file, tmp_path, monkeypatch):
    async def upload_nothing(*args, **kwargs):
        raise FULL

    files = {"files": ("girl.png", sketch_file.read_bytes())}
    with served(shared_pipeline(), tmp_path / "cache") as address:
        upload = f"{address}gradio_api/upload"
        with monkeypatch.context() as full:
            full.setattr("gradio.routes.upload_fn", upload_nothing)
            answer = httpx.post(upload, files=files)
        assert (answer.status_code, answer.text) == (507, texts.DISK_FULL)
        assert httpx.post(upload, files=files).status_code == 200


def corrupt(model: Path) -> None:
    weights = model / "generator" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])


def pickled(model: Path) -> None:
    weights = model / "generator" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    torch.save({}, weights.with_suffix(".bin"))


@pytest.mark.parametrize("fault", [corrupt, pickled, shutil.rmtree])
def test_a_model_that_cannot_be_read_gives_way_to_the_bundled_one(
    fault, tiny_pipeline, sketch_file, tmp_path, monkeypatch, caplog
):
    for name in ("asked", "bundled"):
        tiny_pipeline.save_pretrained(str(tmp_path / name))
    fault(tmp_path / "asked")
    monkeypatch.setattr(hub, "BUNDLED", tmp_path / "bundled")
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(tmp_path / "asked"))
    app = runpy.run_path(str(ROOT / "app.py"))
    assert app["self_test"].result(timeout=120) is None
    shown = [part["props"].get("value") for part in app["demo"].config["components"]]
    assert texts.OTHER_MODEL in shown
    (logged,) = [entry.message for entry in caplog.records if entry.name == app["__name__"]]
    assert "\n" not in logged
    with served(app["engines"][0], tmp_path / "cache") as address:
        assert colour(address, sketch_file, tmp_path)


def test_the_self_test_passes_and_health_says_so(tmp_path):
    outcome: health.Outcome = Future()
    with served(shared_pipeline(), tmp_path / "cache", self_test=outcome) as address:
        answer = httpx.get(f"{address}health")
        assert (answer.status_code, answer.json()) == (503, {"status": "starting"})
        assert httpx.get(address).status_code == 200  # the page does not wait
        outcome.set_result(health.fault_of(shared_pipeline()))
        answer = httpx.get(f"{address}health")
        assert (answer.status_code, answer.json()) == (200, {"status": "well"})


def test_a_failing_self_test_is_on_the_page(browser, tmp_path, caplog):
    def broken(*args, **kwargs):
        raise RuntimeError("tensor 4711 is on the wrong device")

    broken.model_id = "broken"
    outcome = health.start_self_test(broken)
    with served(broken, tmp_path / "cache", self_test=outcome) as address:
        with opened(browser, address) as page:
            expect(page.locator("#self-test")).to_have_text(
                re.compile(re.escape(texts.SELF_TEST_FAILED)), timeout=PATIENCE
            )
        answer = httpx.get(f"{address}health")
        assert answer.status_code == 503
        assert answer.json() == {"status": "failing", "fault": texts.SELF_TEST_FAILED}
    assert "tensor 4711" in caplog.text


def test_a_picture_without_colours_fails_the_self_test():
    class Grey:
        def __call__(self, sketch, **kwargs):
            return type("Output", (), {"images": [sketch.convert("RGB")], "seeds": [0]})

    assert health.fault_of(Grey()) == texts.SELF_TEST_FAILED
    assert health.fault_of(None) == texts.NO_MODEL
