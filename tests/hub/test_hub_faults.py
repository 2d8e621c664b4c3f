"""A Hub that is busy, slow, cut off, corrupt or closed: the right weights, or the reason."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.constants import DOWNLOAD_CHUNK_SIZE

from sketchcolor import SketchColorPipeline
from tests.support.hub_faults import Fault
from tests.support.hub_server import FIRST, HubServer, Repository, running_hub

WEIGHTS = r".*/generator/diffusion_pytorch_model\.safetensors"

# Prints for each model the sum of its weights, or the error.
LOAD = """
import json, sys
from sketchcolor import ModelLoadError, load_pipeline
answers = []
for model in sys.argv[1:]:
    try:
        pipeline = load_pipeline(model, device="cpu")
        answers.append(sum(p.double().sum().item() for p in pipeline.generator.parameters()))
    except ModelLoadError as error:
        answers.append(str(error))
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def hub():
    with running_hub() as server:
        yield server


@pytest.fixture
def tiny(tiny_pipeline: SketchColorPipeline, tmp_path: Path) -> dict[str, bytes]:
    """Path → content of the tiny pipeline's folder."""
    folder = tmp_path / "tiny"
    tiny_pipeline.save_pretrained(str(folder))
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def load(server: HubServer, home: Path, *models: str, **more: str) -> list[float | str]:
    environment = server.environment(home) | {"HF_HUB_DOWNLOAD_TIMEOUT": "2"} | more
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *models],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_faults_of_the_hub(
    hub: HubServer, tiny: dict[str, bytes], tiny_pipeline: SketchColorPipeline, tmp_path: Path
) -> None:
    names = ("cut", "stalled", "busy", "busy-file", "failing", "lying", "gated")
    # The client resumes a download at the last chunk, so a file of one chunk starts again.
    files = tiny | {"large.safetensors": bytes(3 * DOWNLOAD_CHUNK_SIZE)}
    for name in names:
        contents = files if name in ("cut", "stalled") else tiny
        hub.repositories[f"model/artist/{name}"] = Repository({FIRST: {}, "a" * 40: contents})
    too_often = Fault(status=429, headers={"Retry_After": "1"})
    for weights in (WEIGHTS, r".*/large\.safetensors"):
        hub.fail(f"GET /artist/cut/{weights}", Fault(cut=True))
        hub.fail(f"GET /artist/stalled/{weights}", Fault(stall=6))
    hub.fail("GET /api/models/artist/busy/revision/main", too_often, times=2)
    hub.fail(f"GET /artist/busy-file/{WEIGHTS}", too_often)
    hub.fail("GET /api/models/artist/failing/.+", Fault(status=500))
    hub.fail(f"GET /artist/lying/{WEIGHTS}", Fault(corrupt=True))
    hub.gated.add("artist/gated")

    models = [f"artist/{name}" for name in (*names, "lying", "failing")]
    cut, stalled, busy, busy_file, failing, lying, gated, honest, works = load(
        hub, tmp_path / "home", *models
    )
    right = sum(p.double().sum().item() for p in tiny_pipeline.generator.parameters())
    for found in (cut, stalled, busy, busy_file, honest, works):
        assert found == pytest.approx(right, abs=1e-9)
    assert hub.ranges == [f"bytes={DOWNLOAD_CHUNK_SIZE}-"] * 2  # each was resumed
    assert failing == "The Hub failed on 'artist/failing' (HTTP 500): try again later."
    assert "generator/diffusion_pytorch_model.safetensors arrived damaged" in lying
    assert gated == ("Hub model 'artist/gated' is gated: accept its terms there and set HF_TOKEN.")
    assert not hub.unexpected

    before = len(hub.requests)
    offline = load(hub, tmp_path / "home", "artist/cut", "artist/lying", HF_HUB_OFFLINE="1")
    assert offline == pytest.approx([right, right], abs=1e-9)
    assert len(hub.requests) == before


def test_a_wrong_token_and_an_absent_hub(
    hub: HubServer, tiny: dict[str, bytes], tmp_path: Path
) -> None:
    hub.repositories["model/artist/tiny"] = Repository({"b" * 40: tiny})
    (refused,) = load(hub, tmp_path / "home", "artist/tiny", HF_TOKEN="hf_wrong")
    assert refused == (
        "The Hub does not accept the token: set HF_TOKEN to a valid one, "
        "or log in again with hf auth login."
    )
    nobody = "http://127.0.0.1:9"  # the discard port: nothing listens there
    (unreachable,) = load(hub, tmp_path / "home", "artist/tiny", HF_ENDPOINT=nobody)
    assert unreachable == (
        "The Hub cannot be reached and 'artist/tiny' is not in the local cache: "
        "check the connection, or name a folder."
    )
