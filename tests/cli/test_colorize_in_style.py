"""``colorize --style``: colouring and painting in one command."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sketchcolor.cli.main import main
from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style import network as style_network


@pytest.fixture
def model(tiny_pipeline, tmp_path) -> Path:
    """A folder with the tiny pipeline."""
    folder = tmp_path / "model"
    tiny_pipeline.save_pretrained(str(folder))
    return folder


@pytest.fixture
def network(tmp_path) -> Path:
    """A tiny VGG-19 as a file of the names that converted weights have."""
    torch.manual_seed(0)
    file = tmp_path / "vgg19.safetensors"
    save_file(VGG19Features(channels=(4, 6, 8, 8, 8)).state_dict(), file)
    return file


@pytest.fixture
def quick(model: Path) -> list[str]:
    """Options for a fast and reproducible colouring."""
    return f"--model {model} --device cpu --resolution 64 --steps 1 --seed 3".split()


@pytest.fixture
def style(network: Path) -> list[str]:
    """Options for a fast painting."""
    words = f"--style brush --style-resolution 128 --style-iterations 2 --vgg19 {network}"
    return words.split()


@pytest.fixture
def sketches(example_sketch, tmp_path) -> Path:
    """A folder with two sketches and a broken picture file."""
    folder = tmp_path / "sketches"
    folder.mkdir()
    for name in ("first.png", "second.jpg"):
        example_sketch.save(folder / name)
    (folder / "broken.png").write_bytes(b"not a picture")
    return folder


def colorize(*arguments: object) -> int:
    return main(["colorize", *map(str, arguments)])


def pixels(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file)).astype(int)


def test_one_command_does_what_two_do(sketches, quick, style, network, tmp_path, capsys):
    sketch, both = sketches / "first.png", tmp_path / "both.png"
    assert colorize(sketch, "-o", both, *quick, *style) == 0
    assert capsys.readouterr().out == f"{both}  seed 3\n"
    coloured, painted = tmp_path / "coloured.png", tmp_path / "painted.png"
    assert colorize(sketch, "-o", coloured, *quick) == 0
    painting = "--style brush --resolution 128 --iterations 2".split()
    command = ["stylize", coloured, "--sketch", sketch, "-o", painted, "--vgg19", network]
    assert main([*map(str, command), *painting]) == 0
    assert np.array_equal(pixels(both), pixels(painted))
    assert np.abs(pixels(both) - pixels(coloured)).mean() > 1
    assert pixels(both)[pixels(sketch) == 0].max() == 0


def test_folders_and_variants_with_one_network(sketches, quick, style, tmp_path, monkeypatch):
    loaded = []
    load = style_network.load_style_network
    monkeypatch.setattr(
        style_network, "load_style_network", lambda *named: loaded.append(named) or load(*named)
    )
    output = tmp_path / "made"
    assert colorize(sketches, "-o", output, *quick, *style, "--variants", 2) == 1  # one is broken
    names = [f"{name}-{number}.png" for name in ("first", "second") for number in (1, 2)]
    assert sorted(path.name for path in output.iterdir()) == names
    assert not np.array_equal(pixels(output / names[0]), pixels(output / names[1]))
    assert len(loaded) == 1


def test_strength_and_weights_arrive(sketches, quick, style, tmp_path):
    sketch = sketches / "first.png"
    ways = {
        "none": ["--style-strength", "0"],
        "half": ["--style-strength", "0.5"],
        "full": [],
        "own colours": ["--style-keep-colours"],
        "figure": ["--style-region", "figure"],
        "noise": ["--style-start", "noise"],
        "layer": ["--style-content-layer", "relu2_2"],
        "content": ["--style-alpha", "10", "--style-beta", "0.1"],
    }
    found = {}
    for name, options in ways.items():
        output = tmp_path / f"{name}.png"
        assert colorize(sketch, "-o", output, *quick, *style, *options) == 0, name
        found[name] = pixels(output)
    assert len({picture.tobytes() for picture in found.values()}) == len(ways)
    assert colorize(sketch, "-o", tmp_path / "plain.png", *quick) == 0
    assert np.array_equal(found["none"], pixels(tmp_path / "plain.png"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--style", "mosaic"], "no file 'mosaic'"),
        (["--style", "brush", "--style-strength", "2"], "between 0 and 1"),
        (["--style", "brush", "--style-weights", "1", "2"], "one weight for each"),
        (["--style", "brush", "--style-weights", "0"], "above zero"),
        (["--style", "brush", "--style-resolution", "9"], "working resolution"),
        (["--style", "brush", "--style-alpha", "-1"], "alpha is the weight of a loss"),
        (["--style", "brush", "--vgg19", "nowhere.safetensors"], "not found"),
        (["--style-strength", "0.5"], "--style-strength needs a style: give --style, too."),
        (["--style-keep-colours"], "--style-keep-colours needs a style"),
        (["--vgg19", "file.safetensors"], "--vgg19 needs a style"),
    ],
)
def test_what_cannot_be_painted_is_refused_before_anything_is_coloured(
    options, told, sketches, quick, tmp_path, capsys
):
    output = tmp_path / "out.png"
    assert colorize(sketches / "first.png", "-o", output, *quick, *options) == 2
    stdout, stderr = capsys.readouterr()
    assert told in stderr and stderr.count("\n") == 1 and not stdout
    assert not output.exists()


def test_an_interrupt_keeps_what_is_painted_and_ends_the_work(sketches, quick, style, tmp_path):
    (sketches / "broken.png").unlink()
    output = tmp_path / "made"
    command = [sys.executable, "-m", "sketchcolor", "colorize", sketches, "-o", output, *quick]
    command += [*style, "--style-faithful", "--style-iterations", "100000", "--variants", "2"]
    process = subprocess.Popen(
        [*map(str, command)], stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    seen = b""
    while b"9/100000" not in seen:  # painting has begun
        seen += os.read(process.stderr.fileno(), 4096)
        assert process.poll() is None, seen
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 1
    assert [path.name for path in output.iterdir()] == ["first-1.png"]
