"""Publishing with the real client, over HTTP, to a local stand-in for the Hub."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, SpaceCard

from sketchcolor import __version__
from sketchcolor.hub import publishing
from tests.support import ROOT
from tests.support.hub_faults import Fault
from tests.support.hub_server import TOKEN, HubServer, running_hub

BUNDLED = ROOT / "sketchcolor" / "weights" / "sketchcolor"
MODEL = "model/artist/sketchcolor"
STYLE_MODEL = "model/artist/vgg19-slim"
SPACE = "space/artist/sketchcolor"
TAG = f"v{__version__}"

# Hides the package: removes it from the path and disables its editable install.
WITHOUT_PACKAGE = """
import importlib.util, sys
from pathlib import Path
sys.path[:] = [p for p in sys.path if not Path(p, "sketchcolor").is_dir()]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in str(f)]
assert importlib.util.find_spec("sketchcolor") is None
from diffusers import DiffusionPipeline
from huggingface_hub import snapshot_download
source = {"revision": sys.argv[3]}
try:
    DiffusionPipeline.from_pretrained("artist/sketchcolor", **source)
except ValueError as error:
    assert "trust_remote_code=True" in str(error)
else:
    raise AssertionError("code of the Hub ran unasked")
pipeline = DiffusionPipeline.from_pretrained("artist/sketchcolor", **source, trust_remote_code=True)
print(snapshot_download("artist/sketchcolor", **source))
pipeline(sys.argv[1], seed=7, resolution=64).images[0].save(sys.argv[2])
"""

FROM_FOLDER = (
    WITHOUT_PACKAGE.partition("source =")[0]
    + """
pipeline = DiffusionPipeline.from_pretrained(sys.argv[3], trust_remote_code=True)
pipeline(sys.argv[1], seed=7, resolution=64).images[0].save(sys.argv[2])
"""
)

WITH_PACKAGE = """
import sys
from sketchcolor import load_pipeline
pipeline = load_pipeline("artist/sketchcolor@" + sys.argv[3], device="cpu")
pipeline(sys.argv[1], seed=7, resolution=64).images[0].save(sys.argv[2])
assert not [name for name in sys.modules if name.startswith("diffusers_modules.")]
"""


@pytest.fixture
def server() -> Iterator[HubServer]:
    with running_hub() as server:
        yield server


@pytest.fixture
def environment(server: HubServer, tmp_path: Path) -> dict[str, str]:
    return server.environment(tmp_path / "home")


def publish(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "sketchcolor", "publish", "--namespace", "artist", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert TOKEN not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def refusal(done: subprocess.CompletedProcess) -> str:
    """The message of a command that failed."""
    assert done.returncode == 2
    return done.stderr.strip().splitlines()[-1]


def test_everything_is_published_once(server: HubServer, environment: dict[str, str]) -> None:
    listed = publish(environment, "--space", "--dry-run")
    assert listed.returncode == 0, listed.stderr
    assert not server.requests

    done = publish(environment, "--space")
    assert done.returncode == 0, done.stderr
    assert set(server.repositories) == {MODEL, STYLE_MODEL, SPACE}
    sent = {name: server.repositories[name] for name in (MODEL, STYLE_MODEL, SPACE)}
    assert done.stdout.splitlines() == [
        f"{name.replace('/', ' ', 1)}@{one.head} {TAG}: {len(one.files)} files sent"
        for name, one in sent.items()
    ]
    paths = [line.split(" B  ")[1] for line in listed.stdout.splitlines() if " B  " in line]
    assert paths == [path for one in sent.values() for path in one.files]
    assert all(one.tags == {TAG: one.head} for one in sent.values())
    contents = [content for one in sent.values() for content in one.files.values()]
    assert not any(TOKEN.encode() in content for content in contents)
    assert not server.unexpected

    asked, heads = len(server.requests), [one.head for one in sent.values()]
    again = publish(environment, "--space")
    results = [line.rpartition(": ")[2] for line in again.stdout.splitlines()]
    assert results == ["nothing changed"] * len(sent)
    assert [one.head for one in sent.values()] == heads
    assert all(
        request.startswith("GET ") or request == "POST /api/repos/create"
        for request in server.requests[asked:]
    )


def test_a_model_has_its_weights_card_pictures_and_licence(
    server: HubServer, environment: dict[str, str]
) -> None:
    publish(environment)
    files = server.repositories[MODEL].files
    for path in BUNDLED.rglob("*.safetensors"):
        assert files[path.relative_to(BUNDLED).as_posix()] == path.read_bytes()
    assert files["LICENSE"] == (ROOT / "LICENSE").read_bytes()
    card = ModelCard(files["README.md"].decode())
    for picture in publishing._pictures(ROOT / "model_cards" / "sketchcolor.md"):
        assert f"]({picture})" in card.text and picture in files
    (measured,) = json.loads((ROOT / "benchmarks" / "evaluation.json").read_text())
    found = {(r.dataset_config, r.metric_type): r.metric_value for r in card.data.eval_results}
    automatic = measured["protocols"]["automatic"]
    assert found["automatic", "psnr"] == pytest.approx(automatic["psnr"], abs=1e-4)
    assert {protocol for protocol, _ in found} == measured["protocols"].keys()
    assert card.data.eval_results[0].dataset_args == measured["settings"]
    assert card.data.license == "apache-2.0" and card.data.library_name == "diffusers"
    assert f'load_pipeline("artist/sketchcolor", revision="{TAG}")' in card.text


def test_the_space_loads_the_model_at_its_commit(
    server: HubServer, environment: dict[str, str]
) -> None:
    publish(environment, "--space")
    model, space = server.repositories[MODEL], server.repositories[SPACE]
    assert space.variables == {"SKETCHCOLOR_MODEL": f"artist/sketchcolor@{model.head}"}
    data = SpaceCard(space.files["README.md"].decode()).data
    assert data.models == ["artist/sketchcolor"]
    repo, files, revision = data.preload_from_hub[0].split()
    assert (repo, revision) == ("artist/sketchcolor", model.head)
    assert set(files.split(",")) == {
        path for path in model.files if path.endswith((".json", ".safetensors", "README.md"))
    }
    assert {"app.py", "requirements.txt", "sketchcolor/loading.py"} <= space.files.keys()
    assert {"docs/images/hints.webp", "docs/api.md", "CONTRIBUTING.md"} <= space.files.keys()
    assert not [path for path in space.files if "__pycache__" in path or path.startswith("tests")]


def test_private_repositories_and_a_space_that_needs_no_token(
    server: HubServer, environment: dict[str, str]
) -> None:
    assert publish(environment, "--space", "--private").returncode == 0
    assert server.repositories[MODEL].private and server.repositories[SPACE].private
    assert server.repositories[SPACE].variables == {}


def test_a_version_is_never_moved(server: HubServer, environment: dict[str, str]) -> None:
    publish(environment)
    model = server.repositories[MODEL]
    published = model.head
    model.commits["1" * 40] = model.files | {"LICENSE": b"All rights reserved.\n"}
    assert refusal(publish(environment)) == (
        f"Version {TAG} of artist/sketchcolor is on the Hub with other files (LICENSE): "
        "raise the package's version, or give another --tag."
    )
    assert model.head == "1" * 40
    done = publish(environment, "--tag", "v0.1.0-again")
    assert done.returncode == 0 and ": 2 files sent" in done.stdout  # the card names the tag
    assert model.tags == {TAG: published, "v0.1.0-again": model.head}


def test_refusals_are_one_sentence(server: HubServer, environment: dict[str, str]) -> None:
    def after(fault: Fault, request: str = "POST /api/repos/create") -> str:
        server.fail(request, fault)
        return refusal(publish(environment))

    assert "does not accept the token" in refusal(publish(environment | {"HF_TOKEN": "hf_wrong"}))
    assert "There is no Hub token: set HF_TOKEN" in refusal(publish(environment | {"HF_TOKEN": ""}))
    assert "may not do this with 'artist/sketchcolor'" in after(Fault(status=403))
    assert "(HTTP 500): try again later" in after(Fault(status=500))
    hours = Fault(status=429, headers={"Retry_After": "7200"})
    assert "asked too often" in after(hours)
    assert MODEL not in server.repositories
    server.fail("POST /api/repos/create", Fault(status=429, headers={"Retry_After": "1"}))
    asked = len(server.requests)
    assert publish(environment).returncode == 0
    # One repository for each of the two models; for the first, two requests.
    assert server.requests[asked:].count("POST /api/repos/create") == 3


def test_diffusers_alone_gives_the_same_picture(
    server: HubServer, environment: dict[str, str], sketch_file: Path, tmp_path: Path
) -> None:
    publish(environment)

    # Each process measures which number format is faster, which may vary on a busy machine; without
    # the instructions for bfloat16 it is always float32.
    alike = {"CUDA_VISIBLE_DEVICES": "", "ONEDNN_MAX_CPU_ISA": "AVX2"}

    def run(script: str, picture: str, source: str, folder: Path, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", script, str(sketch_file), str(tmp_path / picture), source],
            cwd=folder,
            env={**os.environ, **environment, **alike, **more},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    snapshot = run(WITHOUT_PACKAGE, "without.png", TAG, tmp_path).split()[-1]
    run(FROM_FOLDER, "offline.png", snapshot, tmp_path, HF_HUB_OFFLINE="1")
    # The cache now contains the remote code, which the installed package must not use.
    run(WITH_PACKAGE, "with.png", TAG, ROOT)
    pictures = [(tmp_path / f"{name}.png").read_bytes() for name in ("without", "offline", "with")]
    assert pictures[0] == pictures[1] == pictures[2]


def test_a_single_network_is_published_without_local_paths(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    config = {"_class_name": "ColorProposer", "_name_or_path": str(tmp_path), "sample_size": 16}
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    history = json.loads((BUNDLED / "training.json").read_text())["proposer"]
    (tmp_path / "recipe.json").write_text(json.dumps(history | {"validation": {"psnr": 11.5}}))
    run = publishing.trained_run("artist/network", tmp_path, tmp_path / "model", "artist/pictures")
    assert set(run.files) == {"LICENSE", "README.md", "config.json", "recipe.json"}
    assert str(tmp_path).encode() not in b"".join(map(run.content, run.files))
    card = ModelCard(run.content("README.md").decode())
    assert card.data.datasets == ["artist/pictures"] and card.data.model_name == "network"
    assert card.data.eval_results[0].metric_value == 11.5
    assert 'ColorProposer.from_pretrained("artist/network")' in card.text
    images = history["training"]["images"]
    assert f"| pictures seen | {images:,} |" in card.text
