"""Loading pipelines from folders and from a Hub: the right weights, or a clear error."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sketchcolor import ModelLoadError, SketchColorPipeline, load_pipeline, loading
from tests.support.hub_server import HubServer, running_hub

WEIGHTS = "generator/diffusion_pytorch_model.safetensors"

PUSH = """
import sys
from huggingface_hub import HfApi
HfApi().create_repo("artist/tiny", exist_ok=True)
print(HfApi().upload_folder(repo_id="artist/tiny", folder_path=sys.argv[1]).oid)
"""

# Prints for each (model, revision) what was loaded, or the error; then the weight that
# from_pretrained loads for the first of them.
LOAD = """
import json, sys
from sketchcolor import ModelLoadError, SketchColorPipeline, load_pipeline
def weight(pipeline):
    return next(pipeline.generator.parameters()).flatten()[0].item()
requests = json.loads(sys.argv[1])
results = []
for model, revision in requests:
    try:
        pipeline = load_pipeline(model, revision, device="cpu")
    except ModelLoadError as error:
        results.append(str(error))
    else:
        results.append([pipeline.model_id, pipeline.revision, weight(pipeline)])
model, revision = requests[0]
results.append(weight(SketchColorPipeline.from_pretrained(model, revision=revision)))
print(json.dumps(results))
"""


@pytest.fixture
def folder(tiny_pipeline: SketchColorPipeline, tmp_path: Path) -> Path:
    tiny_pipeline.save_pretrained(str(tmp_path / "tiny"))
    return tmp_path / "tiny"


@pytest.fixture
def server() -> Iterator[HubServer]:
    with running_hub() as server:
        yield server


def first_weight(pipeline: SketchColorPipeline) -> float:
    return next(pipeline.generator.parameters()).flatten()[0].item()


def run(script: str, *arguments: object, **variables: str) -> str:
    """Runs a script in a fresh process and returns the last line it printed."""
    process = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", **variables},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.splitlines()[-1]


def test_a_folder_is_loaded_for_use(folder: Path, tiny_pipeline: SketchColorPipeline) -> None:
    pipeline = load_pipeline(folder, device="cpu")
    assert pipeline.model_id == str(folder)
    assert pipeline.revision is None
    assert not pipeline.generator.training
    loaded = pipeline.generator.state_dict()
    for name, tensor in tiny_pipeline.generator.state_dict().items():
        torch.testing.assert_close(loaded[name], tensor.float().cpu(), rtol=0, atol=0)
        assert loaded[name].device.type == "cpu"


def test_the_default_is_the_variables_model_or_the_bundled_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BUNDLED", folder)
    monkeypatch.delenv("SKETCHCOLOR_MODEL", raising=False)
    assert load_pipeline().model_id == "bundled"
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(folder.parent / "elsewhere"))
    with pytest.raises(ModelLoadError, match="elsewhere"):
        load_pipeline()
    assert load_pipeline(folder).model_id == "bundled"


def test_a_pickled_weight_file_is_never_read(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({}, folder / "generator" / "diffusion_pytorch_model.bin")
    with pytest.raises(ModelLoadError, match=r"generator/.+\.bin\): convert them"):
        load_pipeline(folder)


def test_an_app_falls_back_to_the_bundled_model(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / WEIGHTS).write_bytes(b"not weights")
    monkeypatch.setattr(loading, "BUNDLED", folder)
    for model, reason in ((tmp_path / "missing", "There is no folder"), (broken, "damaged")):
        monkeypatch.setenv("SKETCHCOLOR_MODEL", str(model))
        (pipeline,), (fault,) = loading.load_models()
        assert pipeline.model_id == "bundled"
        assert reason in str(fault) and "\n" not in str(fault)
    monkeypatch.setattr(loading, "BUNDLED", tmp_path / "missing")
    pipelines, (fault,) = loading.load_models()
    assert not pipelines and "damaged" in str(fault)
    monkeypatch.setenv("SKETCHCOLOR_MODEL", str(folder))
    (pipeline,), faults = loading.load_models()
    assert pipeline.model_id == str(folder) and not faults


def test_an_app_has_all_models_that_can_be_loaded(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "BUNDLED", folder)
    other = shutil.copytree(folder, tmp_path / "other")
    monkeypatch.setenv("SKETCHCOLOR_MODEL", f"{other}, {tmp_path / 'missing'},bundled")
    pipelines, (fault,) = loading.load_models()
    assert [pipeline.model_id for pipeline in pipelines] == [str(other), "bundled"]
    assert "missing" in str(fault)
    assert load_pipeline().model_id == str(other)  # the default is the first
    assert load_pipeline("bundled").model_id == "bundled"


def test_errors_are_one_sentence(folder: Path) -> None:
    def fault(model: str | Path = folder, **where: str) -> str:
        with pytest.raises(ModelLoadError) as error:
            load_pipeline(model, **where)
        sentence = str(error.value)
        assert "\n" not in sentence
        return sentence

    assert "leave the revision out" in fault(revision="main")
    assert "names a revision already: leave 'v2' out" in fault("a/b@v1", revision="v2")
    assert "'a/b@' ends without a revision" in fault("a/b@")
    assert "There is no usable device 'abacus' here" in fault(device="abacus")
    assert "There is no folder" in fault(folder / "missing")
    assert "There is no folder 'missing'" in fault("missing")
    assert "'../missing' is neither a folder nor" in fault("../missing")
    assert "no model_index.json" in fault(folder.parent)
    weights = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(weights[: len(weights) // 2])
    assert "missing or damaged" in fault()
    (folder / WEIGHTS).unlink()
    assert "missing or damaged" in fault()
    (folder / "generator" / "config.json").write_text("{")
    assert "missing or damaged" in fault()


def test_hub_models_are_pinned_and_then_work_offline(
    server: HubServer, folder: Path, tiny_pipeline: SketchColorPipeline, tmp_path: Path
) -> None:
    home = server.environment(tmp_path / "home")
    old = run(PUSH, folder, **home)
    changed = load_pipeline(folder, device="cpu")
    next(changed.generator.parameters()).data.add_(1)
    changed.save_pretrained(str(folder))
    new = run(PUSH, folder, **home)
    old_weight, new_weight = first_weight(tiny_pipeline), first_weight(changed)
    assert old_weight != new_weight
    questions = [("artist/tiny", old), ("artist/tiny", None), ("artist/none", None)]

    pinned, latest, no_model, no_revision, no_name, weight = json.loads(
        run(LOAD, json.dumps([*questions, ("artist/tiny", "v9"), ("artist", None)]), **home)
    )
    assert pinned == ["artist/tiny", old, old_weight]
    assert latest == ["artist/tiny", new, new_weight]
    assert no_model.startswith("The Hub shows no model 'artist/none'")
    assert no_revision == "Hub model 'artist/tiny' has no revision 'v9': name another or none."
    assert no_name.startswith("There is no folder 'artist'")
    assert weight == old_weight
    assert {f"GET /artist/tiny/resolve/{commit}/{WEIGHTS}" for commit in (old, new)} <= set(
        server.requests
    )
    assert not server.unexpected

    before = len(server.requests)
    pinned, latest, unreachable, weight = json.loads(
        run(LOAD, json.dumps(questions), **home, HF_HUB_OFFLINE="1")
    )
    assert pinned == ["artist/tiny", old, old_weight]
    assert latest == ["artist/tiny", new, new_weight]
    assert "cannot be reached and 'artist/none' is not in the local cache" in unreachable
    assert weight == old_weight
    assert len(server.requests) == before
