"""Training on sets like Danbooru's as they lie on the Hub, by the commands of docs/training.md."""

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from huggingface_hub import ModelCard

import train_accelerate
from sketchcolor.cli.evaluate import add_arguments
from tests.support import ROOT
from tests.support.danbooru import (
    drawn,
    encoded,
    labelled_members,
    unusable,
    write_tar,
)
from tests.support.hub_server import HubServer, Repository, running_hub
from tests.support.training import flags, train

LAUNCH = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "train_accelerate.py"]
PROCESSES = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]


def test_the_commands_of_the_text_have_flags_that_exist():
    text = (ROOT / "docs" / "training.md").read_text()
    commands = re.findall(r"^accelerate launch train_accelerate.py (.*)$", text, re.MULTILINE)
    assert len(commands) > 5
    for command in commands:
        train_accelerate.parse_args(shlex.split(command))
    measured = re.findall(r"^python -m sketchcolor evaluate (.*)$", text, re.MULTILINE)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert {parser.parse_args(shlex.split(line)).pair for line in measured} == {
        "colour-sketch",
        "folders",
    }
    for flag in re.findall(r"^\| (`--.+?`) \|", text, re.MULTILINE):
        for name in re.findall("--([a-z_]+)", flag):
            assert name in train_accelerate.parse_args(shlex.split(commands[0]))


def launch(script: list[str], more: list[str], output: Path, **environment: str):
    """Runs the script, in a process of its own, for two steps of a tiny pix2pix."""
    command = flags("pix2pix", Path("none"), output, max_train_steps=2)
    place = command.index("--data_files")
    del command[place : place + 2]
    there = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | environment
    return subprocess.run(
        [*script, *command, *more], cwd=ROOT, capture_output=True, text=True, env=there
    )


def fill(server: HubServer, name: str, files: dict[str, bytes]) -> None:
    server.repositories[f"dataset/{name}"] = Repository({"c" * 40: files})


def test_a_danbooru_set_is_streamed_filtered_trained_on_and_the_model_published(tmp_path):
    files = {}
    for shard in range(2):
        members = labelled_members(range(shard * 6, shard * 6 + 6))
        for number, data in enumerate(unusable().values(), 100 * (shard + 1)):
            members[f"{number}.webp"] = data
            members[f"{number}.json"] = {"id": number, "rating": "g", "general_tags": None}
        tar = write_tar(tmp_path / f"{shard:04d}.tar", members)
        files[f"images/{tar.name}"] = tar.read_bytes()
    with running_hub() as server:
        fill(server, "artist/danbooru", files)
        more = ["--dataset_name", "artist/danbooru", "--rating", "general", "--streaming"]
        more += ["--exclude_tags", "monochrome", "long hair with no picture", "--push_to_hub"]
        more += ["--hub_model_id", "artist/run", "--dataloader_num_workers", "3"]
        there = server.environment(tmp_path / "home")
        done = launch(LAUNCH, more, tmp_path / "run", **there)
        assert done.returncode == 0, done.stderr
        assert re.search("Skipped pictures: .*[12] damaged", done.stderr), done.stderr
        run = server.repositories["model/artist/run"]
        assert f"Published as artist/run@{run.head}." in done.stderr
        record = json.loads(run.files["recipe.json"])
        assert record["training"]["images"] == 4
        assert record["data"]["line_art"] == "extracted" and record["data"]["skipped"]["damaged"]
        card = ModelCard(run.files["README.md"].decode())
        assert card.data.datasets == ["artist/danbooru"]
        assert (
            "Line art was extracted from them while training, by several extractors." in card.text
        )
        assert not server.unexpected

        unlabelled = {"images/0.tar": write_tar(tmp_path / "0.tar", unusable_tar()).read_bytes()}
        fill(server, "artist/unlabelled", unlabelled)
        more[1] = "artist/unlabelled"
        refused = launch(LAUNCH[:1] + LAUNCH[-1:], more, tmp_path / "refused", **there)
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert "The pictures have no rating (the picture alone)" in refused.stderr


def unusable_tar() -> dict:
    return {f"{number}.png": encoded(drawn(number)) for number in range(3)}


@pytest.mark.parametrize("streaming", [False, True])
def test_pictures_of_the_hub_are_joined_with_tags_beside_them(tmp_path, streaming):
    tar = write_tar(tmp_path / "0.tar", {f"{n}.jpg": encoded(drawn(n), "jpg") for n in range(4)})
    labels = {
        "id": [0, 1, 2, 3],
        "rating": ["g", "g", "e", "s"],
        "tag_string": ["a", "b", "a", "a"],
    }
    table = tmp_path / "metadata.parquet"
    datasets.Dataset.from_dict(labels).to_parquet(str(table))
    with running_hub() as server:
        files = {"images/0000.tar": tar.read_bytes(), "images/0000.json": b"{}"}
        fill(server, "artist/tars", files | {table.name: table.read_bytes()})
        more = ["--dataset_name", "artist/tars", "--data_files", "images/*.tar", "--rating", "g"]
        more += ["--tags_files", "hf://datasets/artist/tars/metadata.parquet"]
        more += ["--exclude_tags", "b"] + ["--streaming"] * streaming
        there = server.environment(tmp_path / "home")
        done = launch([sys.executable, LAUNCH[-1]], more, tmp_path / "run", **there)
        assert done.returncode == 0, done.stderr
        assert json.loads((tmp_path / "run" / "recipe.json").read_text())["training"]["images"] == 4


def test_two_processes_stream_as_many_pictures_as_they_need(tmp_path):
    write_tar(tmp_path / "0.tar", labelled_members(range(5)))
    more = ["--data_files", str(tmp_path / "0.tar"), "--data_format", "webdataset", "--streaming"]
    more += ["--dataloader_num_workers", "2"]
    script = [*PROCESSES, LAUNCH[-1]]
    done = launch(script, more, tmp_path / "run", ACCELERATE_USE_CPU="true")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert record["training"]["step"] == 2 and record["training"]["images"] == 8


def test_a_run_on_pairs_says_that_line_art_was_drawn(tmp_path):
    folders = []
    for name in ("train", "validation"):
        for kind in ("src", "sketch"):
            folder = tmp_path / name / "color" / kind
            folder.mkdir(parents=True)
            folders.append(folder)
            for number in range(4):
                drawn(number).save(folder / f"{number}.png")
    more = ["--pair", "folders", "--colour_dir", str(folders[0]), "--sketch_dir", str(folders[1])]
    more += ["--validation_files", str(folders[2]), str(folders[3]), "--validation_steps", "2"]
    done = launch([sys.executable, LAUNCH[-1]], more, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "run" / "sheets").glob("step-000002.png"))
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert record["data"] == {"line_art": "drawn"}


def test_a_truncated_picture_does_not_end_a_run(tmp_path, caplog):
    for number in range(3):
        drawn(number).save(tmp_path / f"{number}.png")
    for name, data in unusable().items():
        (tmp_path / f"{name}.jpg").write_bytes(data)
    more = {"data_format": "imagefolder", "dataloader_num_workers": 2, "max_train_steps": 8}
    more |= {"validation_files": tmp_path, "validation_steps": 8}
    run = train("pix2pix", tmp_path, tmp_path / "run", **more)
    skipped = json.loads((run / "recipe.json").read_text())["data"]["skipped"]
    assert skipped["damaged"] == skipped["not a picture"] == 1
    assert "Skipped pictures: 1 " in caplog.text and "1 damaged" in caplog.text
