"""Training through its entry points: the script, ``accelerate launch`` and ``torchrun``."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from huggingface_hub import ModelCard
from safetensors.torch import load_file

import train_accelerate
from sketchcolor import load_pipeline
from sketchcolor.models import ColorProposer, Pix2PixGenerator
from sketchcolor.models.discriminators import PatchDiscriminator
from sketchcolor.models.whiteout_hint import WhiteOutDiscriminator
from sketchcolor.training.bundle import bundle
from sketchcolor.training.colour_step import degraded_truth
from sketchcolor.training.curves import CURVES
from sketchcolor.training.provenance import make_discriminator, read_record
from sketchcolor.training.recipes import RECIPES
from sketchcolor.training.trainer import latest_checkpoint
from tests.support import ROOT
from tests.support.hub_server import Repository, running_hub
from tests.support.networks import TINY_PROPOSER, tiny_proposer
from tests.support.training import SINGLE_STAGE, SMALL, flags, train, views, weights


@pytest.mark.parametrize("recipe", SMALL)  # those of parts: test_part_training
def test_a_killed_run_resumes_to_the_same_weights(recipe, pictures, vgg_file, tmp_path):
    straight = weights(train(recipe, pictures, tmp_path / "a", vgg19=vgg_file))
    resumed = tmp_path / "b"
    often = {"checkpointing_steps": 2, "checkpoints_total_limit": 5}
    train(recipe, pictures, resumed, vgg19=vgg_file, **often)
    # As after a crash following step 2.
    for path in resumed.iterdir():
        if path.name != "checkpoint-2":
            subprocess.run(["rm", "-r", str(path)], check=True)
    train(recipe, pictures, resumed, vgg19=vgg_file, resume_from_checkpoint="latest")
    found = weights(resumed)
    assert all(torch.equal(straight[name], found[name]) for name in straight)
    resolved = json.loads((resumed / "recipe.json").read_text())
    assert resolved["training"]["step"] == 4 and resolved["training"]["images"] == 8
    assert resolved["recipe"]["resolution"] == 64


def test_a_run_with_muon_resumes_to_the_same_weights(pictures, tmp_path):
    """The layers are wide enough for Muon, so AdamW gives other weights."""
    wide = json.dumps(TINY_PROPOSER | {"block_out_channels": [32, 32, 32]})
    settings = {"model_config": wide, "optimizer": "muon", "checkpointing_steps": 2}
    straight = weights(train("sketchcolor-proposal", pictures, tmp_path / "a", **settings))
    other = train(
        "sketchcolor-proposal", pictures, tmp_path / "c", **settings | {"optimizer": "adamw"}
    )
    resumed = train("sketchcolor-proposal", pictures, tmp_path / "b", **settings)
    shutil.rmtree(resumed / "checkpoint-4")
    settings["resume_from_checkpoint"] = "latest"
    train("sketchcolor-proposal", pictures, resumed, **settings)
    assert apart(straight, weights(resumed)) == 0
    assert apart(straight, weights(other)) > 0
    recipe = json.loads((resumed / "recipe.json").read_text())["recipe"]
    assert recipe["optimizer"] == "muon"


def test_an_unknown_optimiser_is_refused(pictures, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train("pix2pix", pictures, tmp_path, optimizer="lion")
    assert "invalid choice: 'lion'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "recipe, flag, value, tile",
    [("sketchcolor", "crop", 30, 4), ("sketchcolor-proposal", "resolution", 72, 16)],
)
def test_a_size_that_the_network_cannot_work_on_is_refused(
    recipe, flag, value, tile, pictures, tmp_path
):
    with pytest.raises(ValueError, match=f"multiples of {tile} px, not on {value}.*--{flag}"):
        train(recipe, pictures, tmp_path, **{flag: value})


def test_training_makes_the_validation_pictures_better(pictures, tmp_path):
    output = train(
        "pix2pix",
        pictures,
        tmp_path,
        max_train_steps=40,
        learning_rate=3e-3,
        adversarial="none",
        validation_files=pictures,
        validation_steps=1,
        report_to="tensorboard",
    )
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(output / "logs" / "pix2pix"))
    events.Reload()
    quality = [event.value for event in events.Scalars("validation_psnr")]
    assert len(quality) == 40 and quality[-1] > quality[0] + 0.5  # dB


def test_accelerate_launch_with_sheets_limit_and_seconds(pictures, tmp_path):
    """Sheets are written, and the limits of checkpoints and of time are respected."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "train_accelerate.py"]
    command += flags(
        "sketchcolor-proposal",
        pictures,
        tmp_path,
        max_train_steps=100000,
        max_train_seconds=3,
        checkpointing_steps=2,
        validation_steps=2,
        validation_files=pictures,
        dataloader_num_workers=1,
    )
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment())
    assert done.returncode == 0, done.stderr
    resolved = json.loads((tmp_path / "recipe.json").read_text())
    assert 2 <= resolved["training"]["step"] < 100000
    assert len(list(tmp_path.glob("checkpoint-*"))) == 2
    assert list((tmp_path / "sheets").glob("step-*.png"))
    assert ColorProposer.from_pretrained(tmp_path / "model").config.sample_size == 16


def test_a_last_step_that_is_saved_twice_costs_no_other_checkpoint(pictures, tmp_path):
    train("sketchcolor-proposal", pictures, tmp_path, max_train_steps=4, checkpointing_steps=2)
    assert {p.name for p in tmp_path.glob("checkpoint-*")} == {"checkpoint-2", "checkpoint-4"}


def test_two_processes_share_one_training(pictures, tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    command += ["train_accelerate.py", *flags("sketchcolor", pictures, tmp_path)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(ACCELERATE_USE_CPU="true"),
    )
    assert done.returncode == 0, done.stderr
    resolved = json.loads((tmp_path / "recipe.json").read_text())
    assert resolved["training"]["step"] == 4 and resolved["training"]["images"] == 16
    assert (tmp_path / "checkpoint-4" / "random_states_1.pkl").is_file()


def test_two_processes_learn_what_one_learns_from_twice_the_batch(pictures, tmp_path):
    """Each step is trained on the same pictures, so the curves differ by rounding only.

    The recipe sgru uses no random noise. There are few steps, because differences of rounding
    between CPUs grow: 0.0003 dB after four steps become 0.015 dB after sixteen.
    """
    steps = {"max_train_steps": 8, "validation_steps": 4, "validation_files": pictures}
    steps |= {"learning_rate": 1e-3, "lr_warmup_steps": 2}
    one = train("sgru", pictures, tmp_path / "one", train_batch_size=4, **steps)
    half = train("sgru", pictures, tmp_path / "half", train_batch_size=2, **steps)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    command += ["train_accelerate.py", *flags("sgru", pictures, tmp_path / "two", **steps)]
    alone = environment(ACCELERATE_USE_CPU="true")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    curves = [read_curve(folder) for folder in (one, tmp_path / "two")]
    assert [len(curve) for curve in curves] == [2, 2]
    for first, second in zip(*curves, strict=True):
        assert first["images"] == second["images"] == 4 * first["step"]
        assert second["validation_psnr"] == pytest.approx(first["validation_psnr"], abs=0.05)
        assert second["validation_ssim"] == pytest.approx(first["validation_ssim"], abs=0.005)
    assert abs(curves[0][0]["validation_psnr"] - curves[0][-1]["validation_psnr"]) > 0.2
    far = apart(weights(one), weights(half))
    assert apart(weights(one), weights(tmp_path / "two")) < 0.1 * far


def test_a_run_killed_at_any_moment_resumes_to_the_same_weights(pictures, tmp_path):
    """SIGKILL at some moment after the first checkpoint, possibly while another is written."""
    settings = {"checkpointing_steps": 1, "max_train_steps": 30}
    straight = train("pix2pix", pictures, tmp_path / "straight", **settings)
    output = tmp_path / "killed"
    command = [sys.executable, "train_accelerate.py"]
    command += flags("pix2pix", pictures, output, **settings)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # The same number of threads as in this process, because another one rounds differently.
    same_threads = environment(OMP_NUM_THREADS=str(torch.get_num_threads()))
    with subprocess.Popen(command, cwd=ROOT, env=same_threads, **quiet) as process:
        while latest_checkpoint(output) is None:
            assert process.poll() is None, "The run ended before it could be killed."
            time.sleep(0.01)
        process.kill()
    assert process.returncode == -signal.SIGKILL and not (output / "recipe.json").exists()
    train("pix2pix", pictures, output, resume_from_checkpoint="latest", **settings)
    assert apart(weights(straight), weights(output)) == 0
    assert not list(output.glob("*.partial"))


def test_an_incomplete_checkpoint_is_ignored(tmp_path):
    for name in ("checkpoint-2", "checkpoint-10", "checkpoint-12.partial"):
        (tmp_path / name).mkdir()
    assert latest_checkpoint(tmp_path).name == "checkpoint-10"
    assert latest_checkpoint(tmp_path / "empty") is None


def apart(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> float:
    """Root mean square difference of two sets of weights."""
    squares = torch.cat([(first[name] - second[name]).square().flatten() for name in first])
    return squares.mean().sqrt().item()


def read_curve(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / CURVES).read_text().splitlines()]


def environment(**more) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)} | more


def test_training_from_a_stream(pictures, tmp_path):
    arguments = flags("pix2pix", pictures, tmp_path, max_train_steps=2) + ["--streaming"]
    AcceleratorState._reset_state(reset_partial_state=True)
    train_accelerate.main(train_accelerate.parse_args(arguments))
    assert Pix2PixGenerator.from_pretrained(tmp_path / "model").conditions == ()


# Loads a published run; prints its commit and the size of a picture coloured by it.
USE_PUBLISHED = """
import sys
from sketchcolor import load_pipeline
pipeline = load_pipeline("artist/run", device="cpu")
print(pipeline.revision, *pipeline(sys.argv[1], seed=0, resolution=64).images[0].size)
"""


def test_a_run_streams_from_the_hub_and_publishes_itself(
    pictures, tmp_path, sketch_file, example_sketch
):
    with running_hub() as server:
        data = {"data/train-00000-of-00001.parquet": pictures.read_bytes()}
        server.repositories["dataset/artist/pictures"] = Repository({"c" * 40: data})
        more = {
            "dataset_name": "artist/pictures",
            "max_train_steps": 2,
            "validation_files": pictures,
            "validation_steps": 2,
            "hub_model_id": "artist/run",
        }
        command = [sys.executable, "train_accelerate.py", "--streaming", "--push_to_hub"]
        command += flags("pix2pix", pictures, tmp_path / "run", **more)
        place = command.index("--data_files")
        del command[place : place + 2]
        there = environment(**server.environment(tmp_path / "home"))
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=there)
        assert done.returncode == 0, done.stderr
        run = server.repositories["model/artist/run"]
        assert f"Published as artist/run@{run.head}." in done.stderr
        card = ModelCard(run.files["README.md"].decode())
        assert card.data.datasets == ["artist/pictures"]
        record = json.loads(run.files["recipe.json"])
        assert f"| seed | {record['training']['seed']} |" in card.text
        (psnr, *_) = [r.metric_value for r in card.data.eval_results]
        assert psnr == pytest.approx(record["validation"]["validation_psnr"], abs=1e-4)
        assert {"pipeline.py", "model_index.json", "LICENSE", "step-000002.png"} <= run.files.keys()

        script = [sys.executable, "-c", USE_PUBLISHED, str(sketch_file)]
        used = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, env=there)
        assert used.stdout.split() == [run.head, *map(str, example_sketch.size)], used.stderr
        assert not server.unexpected

        there["HF_TOKEN"] = "hf_wrong"
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=there)
        assert refused.returncode == 1 and "Traceback" not in refused.stderr
        assert "The Hub does not accept the token" in refused.stderr


def test_publishing_needs_a_repository(pictures, tmp_path, capsys):
    with pytest.raises(SystemExit):
        train("pix2pix", pictures, tmp_path, hub_model_id="artist/run")
    assert "--push_to_hub and --hub_model_id" in capsys.readouterr().err


def test_gradient_accumulation_counts_updates(pictures, tmp_path):
    train("sketchcolor", pictures, tmp_path, gradient_accumulation_steps=2, max_train_steps=2)
    resolved = json.loads((tmp_path / "recipe.json").read_text())
    assert resolved["training"]["step"] == 2 and resolved["training"]["images"] == 8


def test_a_second_stage_is_trained_on_proposals_and_starts_from_weights(pictures, tmp_path):
    train("sketchcolor-proposal", pictures, tmp_path / "p")
    train("sketchcolor", pictures, tmp_path / "r", proposer=tmp_path / "p" / "model")
    start = tmp_path / "r" / "model"
    again = train("sketchcolor", pictures, tmp_path / "s", init_from=start, max_train_steps=2)
    record = json.loads((again / "recipe.json").read_text())
    assert record["training"]["images"] == 4 and record["started_from"]["training"]["images"] == 8
    before, after = weights(tmp_path / "r"), weights(again)
    assert 0 < apart(before, after) < 0.01


def test_a_run_continues_with_the_discriminator_of_its_starting_weights(pictures, tmp_path):
    """It is saved beside the generator of a run and of a bundle."""
    run = train("sketchcolor", pictures, tmp_path / "run", max_train_steps=2)
    bundle(run, tmp_path / "pipe")
    recipe = RECIPES["sketchcolor"]
    trained = PatchDiscriminator.from_pretrained(run / "discriminator").layers[2].weight
    fresh = PatchDiscriminator(**recipe.discriminator_config).layers[2].weight
    assert 1e-3 < (trained - fresh).abs().max()
    for network, tolerance in ((run / "model", 0.0), (tmp_path / "pipe" / "generator", 1e-3)):
        found = make_discriminator(recipe, str(network)).layers[2].weight
        assert found.dtype == torch.float32 and (found - trained).abs().max() <= tolerance
        assert read_record(str(network))["training"]["step"] == 2
    narrow = dataclasses.replace(recipe, discriminator_config={"channels": (8, 8)})
    other = dataclasses.replace(recipe, discriminator="white-out", discriminator_config={})
    assert len(make_discriminator(narrow, str(run / "model")).layers) == 5
    assert isinstance(make_discriminator(other, str(run / "model")), WhiteOutDiscriminator)
    assert read_record(None) is None and read_record("artist/network") is None


def test_degraded_truth_keeps_the_colours(colour_picture):
    colour = torch.from_numpy(colour_picture[:96, :96].transpose(2, 0, 1) / 127.5 - 1.0)
    batch = {"colour": colour.float()[None].repeat(4, 1, 1, 1)}
    generator = torch.Generator().manual_seed(0)
    for _ in range(8):
        rough = degraded_truth(batch, generator)
        assert rough.shape == (4, 3, 24, 24)
        small = torch.nn.functional.avg_pool2d(batch["colour"], 4)
        assert 0.005 < (rough - small).abs().mean() < 0.5


@pytest.mark.parametrize("side", [40, 48])
def test_a_window_need_not_be_whole_tiles_of_the_proposer(side):
    """The window's sides need not be multiples of the proposer's tile."""
    batch = {
        "colour": torch.full((4, 3, side, side), 0.5),
        "sketch": torch.ones(4, 1, side, side),
        "hints": torch.zeros(4, 4, side, side),
        "palette": torch.zeros(4, 8, 3),
        "weights": torch.full((4, 8), 1 / 8),
        "palette_present": torch.zeros(4, dtype=torch.bool),
    }
    generator = torch.Generator().manual_seed(0)
    for _ in range(6):  # at full and at half size
        proposals = degraded_truth(batch, generator, tiny_proposer())
        assert proposals.shape == (4, 3, side // 4, side // 4)
        denoised, rough = proposals[:2], proposals[2:]
        assert denoised.abs().max() <= 1.0 and 0.1 < rough.mean() < 0.9


@pytest.mark.parametrize("recipe", SINGLE_STAGE)
def test_a_run_with_vgg_colours_through_the_pipeline(
    recipe, pictures, vgg_file, tmp_path, example_sketch
):
    settings = {"max_train_steps": 2, "perceptual_weight": 1.0, "vgg19": vgg_file}
    train(recipe, pictures, tmp_path / "run", **settings)
    bundle(tmp_path / "run", tmp_path / "pipe")
    loaded = load_pipeline(tmp_path / "pipe", device="cpu")
    plain = loaded(example_sketch, seed=0, resolution=64).images[0]
    assert plain.size == example_sketch.size
    dot = [{"color": "#ff0000", "width": 40, "points": [[150, 200]]}]
    if "hints" in loaded.conditions:
        hinted = loaded(example_sketch, hints=dot, seed=0, resolution=64).images[0]
        assert np.any(np.asarray(hinted) != np.asarray(plain))
    else:
        with pytest.raises(ValueError, match="does not take hints"):
            loaded(example_sketch, hints=dot, seed=0, resolution=64)


def test_a_bundle_is_half_precision_on_disk_and_full_in_use(pictures, tmp_path, example_sketch):
    train("sketchcolor-proposal", pictures, tmp_path / "p", max_train_steps=1)
    train("sketchcolor", pictures, tmp_path / "r", max_train_steps=1)
    (tmp_path / "views").mkdir()
    views(tmp_path / "views", [(0.5, (-0.6, -0.4, 0.8)), (0.2, (0.7, -0.5, -0.4))])
    bundle(tmp_path / "r", tmp_path / "pipe", tmp_path / "p", view_cache=tmp_path / "views")
    for network in ("proposer", "generator", "palette_prior"):
        stored = load_file(tmp_path / "pipe" / network / "diffusion_pytorch_model.safetensors")
        assert {value.dtype for value in stored.values()} == {torch.float16}
    history = json.loads((tmp_path / "pipe" / "training.json").read_text())
    assert history["proposer"]["recipe"]["name"] == "sketchcolor-proposal"
    loaded = load_pipeline(tmp_path / "pipe", device="cpu")
    assert {p.dtype for p in loaded.generator.parameters()} == {torch.float32}
    assert len(loaded.palette_prior.palettes) == 2
    image = loaded(example_sketch, seed=0, resolution=64, num_inference_steps=1).images[0]
    assert image.size == example_sketch.size
