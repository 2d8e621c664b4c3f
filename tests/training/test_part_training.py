"""Training of the networks that colour by parts, through the real script, and their data."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import datasets
import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from skimage.color import rgb2lab

import train_accelerate
from sketchcolor import load_pipeline
from sketchcolor.models import ColorProposer, PartColours, PartEncoder, SwishGatedRefiner
from sketchcolor.models.part_colours import MOST_PARTS
from sketchcolor.training import part_tokens
from sketchcolor.training.bundle import bundle
from sketchcolor.training.data import SampleMaker, Samples, without_lines
from sketchcolor.training.flat_samples import simulate_flats
from sketchcolor.training.part_tokens import TokenSamples, collect_tokens, true_colours
from sketchcolor.training.sources import Source, load_images
from sketchcolor.training.view_cache import View, ViewCache
from tests.support.networks import (
    TINY_PARTS,
    TINY_READABLE,
    drawing_parts,
    tiny_part_encoder,
    tiny_proposer,
)
from tests.support.pictures import write_pictures

# Of a token: 8 of the decoder, 3 colours, 8 of the vectors, 1 white, 7 of ink, size and position.
FEATURES = 27
SMALL = {
    "sketchcolor-parts": TINY_PARTS,
    "sketchcolor-light": {"channels": [8, 16]},
    "sketchcolor-part-colours": {"features": FEATURES, "width": 16, "layers": 1, "heads": 2},
    "sketchcolor-proposal": TINY_READABLE,
}
NETWORKS = {
    "sketchcolor-parts": PartEncoder,
    "sketchcolor-light": SwishGatedRefiner,
    "sketchcolor-part-colours": PartColours,
    "sketchcolor-proposal": ColorProposer,
}


def train(recipe: str, output: Path, **more) -> Path:
    """Run the script's main in this process; a value may be a list."""
    values = {
        "recipe": recipe,
        "output_dir": output,
        "model_config": json.dumps(SMALL[recipe]),
        "discriminator_config": json.dumps({"channels": [8, 8]}),
        "resolution": 64,
        "crop": 0,
        "train_batch_size": 2,
        "max_train_steps": 2,
        "lr_warmup_steps": 0,
        "perceptual_weight": 0,
        "dataloader_num_workers": 0,
        "report_to": "none",
    } | more
    arguments = []
    for name, value in values.items():
        arguments += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    train_accelerate.main(train_accelerate.parse_args(arguments))
    return output


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "diffusion_pytorch_model.safetensors")


@pytest.fixture(scope="module")
def proposer(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("proposer")
    tiny_proposer(**TINY_READABLE).save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    tiny_part_encoder().save_pretrained(str(folder))
    return folder


@pytest.fixture(scope="module")
def view_cache(tmp_path_factory) -> Path:
    """A view cache with two views of each of six pictures."""
    folder = tmp_path_factory.mktemp("views")
    pictures = write_pictures(folder / "pictures.parquet", 6)
    maker = SampleMaker(64, "figures", "dodge", 0.0, 0.0)
    images = load_images(Source(data_files=str(pictures)))
    views = ViewCache(folder, len(images), 2, 64, 9)
    views.fill(Samples(images, maker, 0, views).view, 0)
    return folder


@pytest.fixture(scope="module")
def tokens(view_cache, proposer, encoder, tmp_path_factory) -> Path:
    """The output of ``python -m sketchcolor.training.part_tokens`` for these views."""
    file = tmp_path_factory.mktemp("tokens") / "tokens.npz"
    arguments = ["part_tokens", "--view_cache", str(view_cache), "--drawings", "8"]
    arguments += ["--proposer", str(proposer), "--parts", str(encoder), "-o", str(file)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sketchcolor.parts.analysis.RESOLUTION", 64)
        patch.setattr("sys.argv", arguments)
        part_tokens.main()
    return file


@pytest.fixture
def needed(pictures, proposer, encoder, tokens) -> dict[str, dict[str, Path]]:
    """The flags that each recipe needs."""
    return {
        "sketchcolor-parts": {"data_files": pictures, "proposer": proposer},
        "sketchcolor-light": {"data_files": pictures},
        "sketchcolor-part-colours": {"tokens": tokens},
        "sketchcolor-proposal": {"data_files": pictures},
    }


@pytest.mark.parametrize("recipe", SMALL)
def test_a_run_learns_and_resumes_to_the_same_weights(recipe, needed, tmp_path):
    run = train(
        recipe, tmp_path / "run", max_train_steps=3, checkpointing_steps=2, **needed[recipe]
    )
    record = json.loads((run / "recipe.json").read_text())
    assert record["recipe"]["name"] == recipe
    assert record["training"]["step"] == 3 and record["training"]["images"] == 6
    network = NETWORKS[recipe].from_pretrained(str(run / "model"))
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
    names = ["model", "proposer"] if recipe == "sketchcolor-parts" else ["model"]
    before = {name: weights(run / name) for name in names}
    for path in run.iterdir():  # as after a crash following step 2
        if path.is_dir() and path.name != "checkpoint-2":
            shutil.rmtree(path)
    again = train(recipe, run, max_train_steps=3, resume_from_checkpoint="latest", **needed[recipe])
    for name in names:
        after = weights(again / name)
        assert all(torch.equal(before[name][key], after[key]) for key in after)
    # One step less gives other weights.
    shorter = weights(train(recipe, tmp_path / "other", **needed[recipe]) / "model")
    assert any(not torch.equal(before["model"][key], shorter[key]) for key in shorter)


def test_a_part_encoder_and_its_proposer_are_trained_together(pictures, proposer, tmp_path):
    given = {"data_files": pictures, "validation_files": pictures, "validation_steps": 2}
    given |= {"resolution": 128, "validation_images": 2}
    run = train("sketchcolor-parts", tmp_path / "run", proposer=proposer, **given)
    assert PartEncoder.from_pretrained(str(run / "model")).config.dimensions == 8
    assert json.loads((run / "proposer" / "config.json").read_text())["_name_or_path"] == "proposer"
    before, after = weights(proposer), weights(run / "proposer")
    assert before.keys() == after.keys()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    # The line encoder, the input layer of the hints and the output layer have been trained.
    assert {"lines.sizes.0.0.weight", "unet.conv_in.weight", "unet.conv_out.weight"} <= moved
    measured = json.loads((run / "validation.jsonl").read_text())
    assert all(0.0 < measured[f"validation_lab_{count}"] < 100.0 for count in (3, 10, 20, 50))
    # A second run continues with both.
    more = train(
        "sketchcolor-parts",
        tmp_path / "more",
        init_from=run / "model",
        proposer=run / "proposer",
        **given,
    )
    again = weights(more / "proposer")
    record = json.loads((more / "recipe.json").read_text())
    for name in ("started_from", "proposer_started_from"):
        assert record[name]["recipe"]["name"] == "sketchcolor-parts"
    assert any(not torch.equal(after[name], again[name]) for name in after)


def test_the_proposer_of_a_part_encoder_is_given_hints(pictures, proposer, tmp_path):
    """Without hints, the same samples give other weights."""
    runs = [
        train(
            "sketchcolor-parts",
            tmp_path / rate,
            data_files=pictures,
            proposer=proposer,
            hint_rate=rate,
        )
        for rate in ("0.0", "1.0")
    ]
    one, other = (weights(run / "proposer")["unet.conv_in.weight"] for run in runs)
    assert not torch.equal(one, other)


def test_processes_train_one_part_encoder(pictures, proposer, tmp_path):
    """Two processes train one encoder and its proposer with DistributedDataParallel."""
    root = Path(train_accelerate.__file__).parent
    arguments = ["--recipe", "sketchcolor-parts", "--output_dir", str(tmp_path / "run")]
    arguments += ["--model_config", json.dumps(TINY_PARTS), "--proposer", str(proposer)]
    arguments += ["--data_files", str(pictures), "--resolution", "64", "--max_train_steps", "2"]
    arguments += ["--train_batch_size", "2", "--report_to", "none"]
    launched = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2"]
    launched += ["--standalone", str(root / "train_accelerate.py"), *arguments]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(launched, env=environment, capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads((tmp_path / "run" / "recipe.json").read_text())
    assert record["training"]["images"] == 8  # 2 steps of 2 samples in each of 2 processes
    after = weights(tmp_path / "run" / "proposer")["unet.conv_in.weight"]
    assert not torch.equal(weights(proposer)["unet.conv_in.weight"], after)


@pytest.mark.parametrize(
    "recipe, lacks, sentence",
    [
        ("sketchcolor-parts", "proposer", "name one by --proposer"),
        ("sketchcolor-part-colours", "tokens", "name their file by --tokens"),
    ],
)
def test_a_missing_flag_is_named_in_the_error(recipe, lacks, sentence, needed, tmp_path):
    given = {name: value for name, value in needed[recipe].items() if name != lacks}
    with pytest.raises(ValueError, match=sentence):
        train(recipe, tmp_path, **given)


def test_runs_make_a_bundle_that_colours_by_parts(needed, tmp_path, monkeypatch):
    monkeypatch.setattr("sketchcolor.parts.analysis.RESOLUTION", 64)
    runs = {
        recipe: train(recipe, tmp_path / recipe, max_train_steps=1, **needed[recipe])
        for recipe in SMALL
    }
    light, flow = runs["sketchcolor-light"], runs["sketchcolor-proposal"]
    parts = {"parts": runs["sketchcolor-parts"]}
    with_colours = parts | {"part_colours": runs["sketchcolor-part-colours"]}
    page = Image.new("L", (64, 80), 255)
    ImageDraw.Draw(page).ellipse((10, 10, 50, 60), None, 0, 2)
    for number, networks in enumerate(({}, parts, with_colours)):
        folder = tmp_path / f"bundle{number}"
        bundle(light, folder, flow, **networks)
        record = json.loads((folder / "training.json").read_text())
        assert record.keys() == {"generator", "proposer", *networks}
        loaded = load_pipeline(folder, device="cpu")
        assert loaded.parts is None or loaded.parts.dtype == torch.float32
        out = loaded(page, seed=0, resolution=64, num_inference_steps=1)
        assert out.images[0].size == page.size and (out.parts is None) == (number == 0)
    # By default the bundle has the proposer that was trained together with the encoder.
    bundle(light, tmp_path / "together", **parts)
    trained = weights(runs["sketchcolor-parts"] / "proposer")
    bundled = weights(tmp_path / "together" / "proposer")
    assert all(torch.equal(bundled[name], trained[name].half()) for name in trained)
    history = json.loads((tmp_path / "together" / "training.json").read_text())
    assert history["proposer"]["recipe"] == history["parts"]["recipe"]
    assert not any("proposer_started_from" in entry for entry in history.values())
    # Networks of one bundle can be used for another.
    again = tmp_path / "again"
    bundle(light, again, folder / "proposer", folder / "parts", folder / "part_colours")
    assert json.loads((again / "training.json").read_text()) == record
    for name in ("parts", "part_colours", "proposer"):
        one, other = weights(folder / name), weights(again / name)
        assert all(torch.equal(one[key], other[key]) for key in one)


def write_pairs(path: Path, count: int = 3, **columns) -> Path:
    """Discs on white, 64×64, with line art that shows only half of their outline."""
    rows = {"image": [], "lineart": []}
    for number in range(count):
        for column, paper in (("image", (255, 255, 255)), ("lineart", 255)):
            page = Image.new("RGB" if column == "image" else "L", (64, 64), paper)
            pen = ImageDraw.Draw(page)
            box = (10 + number, 12, 50, 52)
            if column == "image":
                pen.ellipse(box, (40, 90, 200), (0, 0, 0), 2)
            else:
                pen.arc(box, 0, 180, 0, 3)
            rows[column].append(page)
    found = datasets.Dataset.from_dict(rows | {name: [v] * count for name, v in columns.items()})
    for column in ("image", "lineart"):
        found = found.cast_column(column, datasets.Image())
    found.to_parquet(str(path))
    return path


def test_pairs_come_after_the_pictures_and_have_their_own_line_art(pictures, tmp_path):
    pairs = write_pairs(tmp_path / "pairs.parquet")
    images = load_images(Source(data_files=str(pictures), paired_files=str(pairs)))
    assert len(images) == 13
    assert all(row["lineart"] is None for row in images.select(range(10)))
    maker = SampleMaker(64, "none", "dodge", 0.0, 0.0)
    for number in range(3):
        given = images[10 + number]
        sample = maker(given, np.random.default_rng(0))
        drawn = np.asarray(given["lineart"], np.float32) / 127.5 - 1.0
        assert np.array_equal(sample["sketch"][0].numpy(), drawn)
        colour = np.asarray(given["image"], np.float32) / 127.5 - 1.0
        assert np.allclose(sample["colour"].permute(1, 2, 0), colour, atol=1e-6)
        extracted = maker(given | {"lineart": None}, np.random.default_rng(0))
        assert not torch.equal(extracted["sketch"], sample["sketch"])
    plain = maker(images[0], np.random.default_rng(0))
    assert plain["sketch"].min() < 0.0


def test_a_run_draws_its_samples_from_pairs_too(pictures, proposer, tmp_path, monkeypatch):
    pairs = write_pairs(tmp_path / "pairs.parquet")
    built, make = [], train_accelerate.build_samples
    monkeypatch.setattr(
        train_accelerate, "build_samples", lambda *given: built.append(make(*given)) or built[-1]
    )
    files = {"data_files": pictures, "paired_files": [pairs, pairs], "proposer": proposer}
    run = train("sketchcolor-parts", tmp_path / "run", **files)
    assert (run / "model" / "config.json").is_file()
    (samples,) = built
    assert len(samples) == 16
    view = samples.view(12, 0)
    lines = np.asarray(samples.images[12]["lineart"])
    # The line art of the pair is used, however it is framed.
    assert 0.2 * np.count_nonzero(lines < 128) < np.count_nonzero(view.lines < 128)
    sample = samples[0]
    assert sample["flat"].shape == (3, 32, 32) and "flats" not in sample


def test_pairs_need_line_art_and_cannot_be_streamed(pictures, tmp_path):
    files = {"data_files": str(pictures), "paired_files": str(pictures)}
    with pytest.raises(ValueError, match="--paired_files needs a column 'lineart'"):
        load_images(Source(**files))
    with pytest.raises(ValueError, match="leave --streaming out"):
        load_images(Source(**files, streaming=True))


def face_view(colour: np.ndarray, lines: np.ndarray, palette: list[tuple]) -> View:
    colors = np.array(palette, np.float32) / 127.5 - 1.0
    return View(colour, lines, colors, np.full(len(colors), 1 / len(colors), np.float32))


def test_flats_of_a_picture_have_one_colour_between_the_lines():
    """A disc with a shadow becomes a disc of one colour."""
    lines = np.full((96, 96), 255, np.uint8)
    cv2.circle(lines, (48, 48), 30, 0, 2)
    colour = np.full((96, 96, 3), 255, np.uint8)
    cv2.circle(colour, (48, 48), 30, (200, 60, 60), -1)
    colour[:, 60:][(colour[:, 60:] == (200, 60, 60)).all(axis=2)] = (180, 46, 46)
    view = face_view(colour, lines, [(200, 60, 60), (180, 46, 46)])
    for seed in range(5):
        flats = simulate_flats(view, colour, np.random.default_rng(seed))
        assert flats.shape == (96, 96, 3) and flats.dtype == np.uint8
        disc, paper = flats[30:66, 30:66].reshape(-1, 3), flats[:12].reshape(-1, 3)
        assert (disc == disc[0]).all() and (paper == paper[0]).all() and paper.min() > 240
        assert np.abs(disc[0].astype(int) - (195, 56, 56)).max() < 15
    again = simulate_flats(view, colour, np.random.default_rng(4))
    assert np.array_equal(flats, again)


def test_flats_of_different_parts_have_different_colours():
    lines = np.full((96, 96), 255, np.uint8)
    cv2.rectangle(lines, (10, 10), (85, 85), 0, 2)
    cv2.line(lines, (48, 10), (48, 85), 0, 2)
    colour = np.full((96, 96, 3), 255, np.uint8)
    colour[10:86, 10:48], colour[10:86, 48:86] = (220, 180, 150), (40, 60, 160)
    view = face_view(colour, lines, [(220, 180, 150), (40, 60, 160)])
    flats = simulate_flats(view, colour, np.random.default_rng(0)).astype(int)
    assert np.abs(flats[20:76, 16:42] - (220, 180, 150)).max() < 12
    assert np.abs(flats[20:76, 54:80] - (40, 60, 160)).max() < 12


def test_a_sample_has_flats_of_its_window(pictures):
    maker = SampleMaker(64, "figures", "dodge", 0.0, 0.0, crop=32, flats=True, flat_shrink=2)
    images = load_images(Source(data_files=str(pictures)))
    for number in range(4):
        sample = maker(images[number], np.random.default_rng(number))
        assert sample["flats"].shape == sample["colour"].shape == (3, 32, 32)
        assert sample["flat"].shape == (3, 16, 16)
        assert sample["flats"].abs().max() <= 1.0
        apart = (sample["flats"] - sample["colour"]).abs().mean()
        assert apart < (sample["flats"].flip(2) - sample["colour"]).abs().mean() + 0.05


def test_true_colours_are_the_medians_of_the_tokens_away_from_ink():
    label = np.zeros((32, 32), np.int32)
    label[:, 16:] = 1
    vectors = np.zeros((2, 16, 16), np.float32)
    vectors[0] = 1.0
    colour = np.full((32, 32, 3), 255, np.uint8)
    colour[:, 16:] = (200, 60, 60)
    colour[:20, 16:] = 0  # ink on more than half of it
    ink = np.zeros((16, 16), np.float32)
    ink[:10, 8:] = 1.0
    parts = drawing_parts(label, vectors, part=[0, 1], ink=ink)
    cells = np.concatenate([parts.cells_of_parts(), np.zeros((1, 256))])
    found = true_colours(parts, cells, colour)
    red = rgb2lab(np.array([[[200, 60, 60]]], np.uint8))[0, 0]
    assert np.allclose(found[0], (100, 0, 0), atol=0.1) and np.allclose(found[1], red, atol=0.1)
    assert not found[2].any()  # no token


def test_stored_tokens_are_those_of_the_views(tokens, view_cache, proposer, encoder, monkeypatch):
    monkeypatch.setattr("sketchcolor.parts.analysis.RESOLUTION", 64)
    with np.load(tokens) as file:
        arrays = {name: file[name] for name in file.files}
    assert arrays["features"].shape == (8, MOST_PARTS, FEATURES)
    assert arrays["colours"].shape == (8, MOST_PARTS, 3)
    assert np.allclose(arrays["area"].sum(axis=1), 1.0, atol=1e-5)
    networks = tiny_proposer(**TINY_READABLE), tiny_part_encoder()
    one = collect_tokens(view_cache, np.array([[2, 1]]), *networks)
    matching = [i for i in range(8) if np.array_equal(arrays["palette"][i], one["palette"][0])]
    views = np.load(view_cache / "palette.npy")
    assert np.array_equal(views[2, 1], one["palette"][0])
    for i in matching:  # none, if it is not among the eight of twelve
        assert np.allclose(arrays["area"][i], one["area"][0], atol=1e-6)
    lab = rgb2lab(without_lines(np.load(view_cache / "colour.npy")[2, 1]))
    present = one["area"][0] > 0
    for colour in one["colours"][0][present]:
        assert np.linalg.norm(lab - colour, axis=2).min() < 15


def test_a_token_sample_is_a_function_of_its_number_and_the_seed(tokens):
    samples = TokenSamples([tokens], 0.5, seed=3)
    assert len(TokenSamples([tokens, tokens], 0.5, seed=3)) == 2 * len(samples)
    same, other = TokenSamples([tokens], 0.5, seed=3), TokenSamples([tokens], 0.5, seed=4)
    drawn = [samples[number] for number in range(24)]
    again = [same[number] for number in range(24)]
    for one, two in zip(drawn, again, strict=True):
        assert all(torch.equal(one[name], two[name]) for name in one)
    assert any(
        not torch.equal(one["is_known"], other[n]["is_known"])
        or not torch.equal(one["features"], other[n]["features"])
        for n, one in enumerate(drawn)
    )
    with_palette = [bool(one["palette_present"]) for one in drawn]
    assert any(with_palette) and not all(with_palette)
    assert any(one["is_known"].any() for one in drawn)
    for one in drawn:
        assert one["features"].shape == (MOST_PARTS, FEATURES)
        assert one["features"].dtype == one["colours"].dtype == torch.float32
        assert not (one["is_known"] & ~one["present"]).any()
        white = one["present"][0] & (one["colours"][0, 0] > 97.0)
        assert one["is_known"][0] or not white
        assert torch.equal(one["present"], one["area"] > 0)
        assert one["palette"].shape == (9, 3) and one["palette"][:, 0].min() >= 0.0  # CIELAB
        assert one["weights"].sum().item() == pytest.approx(1.0, abs=1e-4)
    assert not any(TokenSamples([tokens], 0.0, 3)[n]["palette_present"] for n in range(12))
