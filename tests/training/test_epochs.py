"""Runs that count epochs: each has each picture once, and ends with a titled sheet and curves."""

import json
import shutil
from collections import Counter

import pytest
import torch
from PIL import Image

from sketchcolor.evaluation.plots import SIZE
from sketchcolor.training.curves import CURVES, HEADING_HEIGHT
from sketchcolor.training.data import SampleMaker, Samples
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.sources import Source, load_images
from sketchcolor.training.validation import Validation
from tests.support.training import train, weights


def test_each_picture_comes_once_per_epoch_in_a_new_order(pictures):
    images = load_images(Source(data_files=str(pictures)))
    maker = SampleMaker(64, "none", "xdog", 0.0, 0.0)
    samples = Samples(images, maker, seed=0, in_epochs=True)
    count = len(images)
    epochs = [
        [samples[epoch * count + i]["colour"].numpy().tobytes() for i in range(count)]
        for epoch in range(3)
    ]
    assert all(Counter(epoch) == Counter(epochs[0]) for epoch in epochs)
    assert len(set(epochs[0])) == count
    assert epochs[0] != epochs[1] != epochs[2]
    again = Samples(images, maker, seed=0, in_epochs=True)
    assert again[count + 1]["colour"].numpy().tobytes() == epochs[1][1]


def test_a_run_of_epochs_ends_each_with_a_titled_sheet_and_a_point(pictures, vgg_file, tmp_path):
    count = 5
    settings = {
        "max_train_samples": count,
        "num_train_epochs": 3,
        "train_batch_size": 3,
        "validation_files": pictures,
        "validation_images": 4,
        "vgg19": vgg_file,
    }
    run = train("pix2pix", pictures, tmp_path / "a", max_train_steps=None, **settings)
    entries = [json.loads(line) for line in (run / CURVES).read_text().splitlines()]
    assert [entry["epoch"] for entry in entries] == [1, 2, 3]
    # An epoch ends with the batch that holds its last picture.
    assert [entry["step"] for entry in entries] == [-(-e * count // 3) for e in (1, 2, 3)]
    assert {"validation_ssim", "validation_psnr", "validation_vgg19_fid"} <= entries[-1].keys()
    names = {path.name for path in (run / "sheets").iterdir()}
    sheets = {f"epoch-{e:06d}.png" for e in (1, 2, 3)}
    assert names == sheets | {"progression-automatic.png"}
    sheet = Image.open(run / "sheets" / "epoch-000003.png")
    assert sheet.size == (3 * 128, HEADING_HEIGHT + 4 * 128)  # input, ground truth, prediction
    for column in range(3):  # each has a title
        title = sheet.crop((128 * column, 0, 128 * (column + 1), HEADING_HEIGHT)).convert("L")
        assert title.getextrema()[0] < 128
    assert Image.open(run / "validation.png").size == (SIZE[0], 3 * SIZE[1])
    resolved = json.loads((run / "recipe.json").read_text())
    assert resolved["recipe"]["num_train_epochs"] == 3
    assert 3 * count <= resolved["training"]["images"] < 3 * count + 3

    # After a crash, the run goes on to the same weights.
    often = {"checkpointing_steps": 3, "checkpoints_total_limit": 9}
    again = train("pix2pix", pictures, tmp_path / "b", max_train_steps=None, **settings, **often)
    for checkpoint in again.glob("checkpoint-*"):
        if checkpoint.name != "checkpoint-3":
            shutil.rmtree(checkpoint)
    settings["resume_from_checkpoint"] = "latest"
    train("pix2pix", pictures, again, max_train_steps=None, **settings)
    straight, resumed = weights(run), weights(again)
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)


def test_steps_replace_the_recipes_epochs_and_streams_need_them(pictures, tmp_path):
    assert RECIPES["pix2pix"].num_train_epochs == 150
    run = train("pix2pix", pictures, tmp_path / "steps", max_train_steps=2)
    assert json.loads((run / "recipe.json").read_text())["training"]["step"] == 2
    with pytest.raises(ValueError, match="cannot be counted: give --max_train_steps"):
        train("pix2pix", pictures, tmp_path / "s", max_train_steps=None, streaming=True)


@pytest.mark.parametrize("recipe", ["sgru-hint", "whiteout-hint", "auto-painter", "sketchcolor"])
def test_validation_has_hints_of_the_recipes_kind_in_every_picture(recipe, pictures, tmp_path):
    source = Source(data_files=str(pictures), split="train")
    settings = RECIPES[recipe]
    validation = Validation(settings, source, tmp_path, count=8)
    painted = validation.batch["hints"][:, 3].mean((1, 2))
    assert (painted > 0).float().mean() > (0.5 if recipe == "sgru-hint" else 0.99)
    assert (painted.mean() > 0.25) == (recipe == "whiteout-hint")  # one dense hint
