"""The style pass on the command line, and the network that it sees with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sketchcolor import ModelLoadError
from sketchcolor.cli.main import main
from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style.network import load_style_network
from tests.support.hub_server import running_hub

TINY = (4, 6, 8, 8, 8)
QUICK = ["--resolution", "128", "--iterations", "2"]


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    """A tiny VGG-19 as a file of the names that converted weights have."""
    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("vgg") / "vgg19.safetensors"
    save_file(VGG19Features(channels=TINY).state_dict(), file)
    return file


@pytest.fixture
def picture(tmp_path) -> Path:
    rng = np.random.default_rng(0)
    file = tmp_path / "girl.png"
    small = rng.integers(60, 255, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(small).resize((140, 100)).save(file)
    return file


def stylize(*arguments: object) -> int:
    return main(["stylize", *map(str, arguments)])


def test_styles_are_mixed_into_a_picture_of_the_same_size(network, picture, tmp_path, capsys):
    output = tmp_path / "styled.png"
    styles = ["--style", "brush", picture, "--weights", 3, 1]
    assert stylize(picture, *styles, "-o", output, "--vgg19", network, *QUICK) == 0
    assert capsys.readouterr().out == f"{output}\n"
    before, after = (np.asarray(Image.open(f)).astype(int) for f in (picture, output))
    assert before.shape == after.shape and np.abs(before - after).mean() > 1


def test_lines_and_regions_come_from_the_sketch(network, picture, tmp_path):
    page = np.full((100, 140), 255, np.uint8)
    page[20:80, 40], page[20:80, 100], page[20, 40:100], page[79, 40:101] = 0, 0, 0, 0
    sketch, output = tmp_path / "sketch.png", tmp_path / "styled.png"
    Image.fromarray(page).save(sketch)
    options = ["--sketch", sketch, "--region", "figure", "--vgg19", network, *QUICK]
    assert stylize(picture, "--style", "halftone", "-o", output, *options) == 0
    before, after = (np.asarray(Image.open(f)).astype(int) for f in (picture, output))
    assert (after[page == 0] == 0).all()
    assert np.array_equal(before[:10], after[:10])
    assert np.abs(before - after)[30:70, 50:90].mean() > 1


def bad_style(kind: str, folder: Path) -> Path:
    file = folder / "style.png"
    if kind == "corrupt":
        file.write_bytes(b"\x89PNG not really")
    elif kind == "1×1":
        Image.new("RGB", (1, 1), "red").save(file)
    elif kind == "missing":
        return folder / "nothing.png"
    return file


@pytest.mark.parametrize("kind", ["corrupt", "1×1", "missing"])
def test_a_bad_style_gets_a_sentence(kind, network, picture, tmp_path, capsys):
    options = ["--style", bad_style(kind, tmp_path), "--vgg19", network]
    assert stylize(picture, *options, "-o", tmp_path / "out.png") == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "Traceback" not in told
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize(
    "options, told",
    [
        (["--strength", "2"], "between 0 and 1"),
        (["--region", "figure"], "its sketch"),
        (["--weights", "1", "2"], "one weight for each"),
        (["--weights", "0"], "above zero"),
        (["--iterations", "0"], "at least 1"),
        (["--resolution", "9"], "working resolution"),
        (["--alpha", "-1"], "alpha is the weight of a loss"),
        (["--alpha", "0", "--beta", "0"], "nothing is painted"),
        (["--vgg19", "nowhere.safetensors"], "not found"),
    ],
)
def test_what_cannot_be_done_is_said(options, told, network, picture, tmp_path, capsys):
    arguments = [picture, "--style", "brush", "--vgg19", network, *options]
    assert stylize(*arguments, "-o", tmp_path / "out.png") == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [["--content-layer", "relu4_1"], ["--start", "photo"], ["--alpha", "much"]], ids=str
)
def test_a_choice_that_is_not_there_is_wrong_usage(options, picture, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        stylize(picture, "--style", "brush", "-o", tmp_path / "out.png", *options)
    assert f"argument {options[0]}: invalid" in capsys.readouterr().err


def test_start_layer_and_weights_change_what_the_bundled_network_paints(
    picture, tmp_path, monkeypatch
):
    monkeypatch.delenv("SKETCHCOLOR_VGG19", raising=False)
    # One size takes less time than several, and Adam's first steps are long. Of two equal options
    # the last one counts.
    quick = "--faithful --start content --optimizer adam --resolution 128 --iterations 6".split()
    ways = {
        "plain": [],
        "from noise": ["--start", "noise"],
        "from other noise": ["--start", "noise", "--seed", "1"],
        "from the style": ["--start", "style"],
        "detail": ["--content-layer", "relu2_2"],
        "shape": ["--content-layer", "relu5_2"],
        "content": ["--alpha", "10", "--beta", "0.0001"],
        "style alone": ["--alpha", "0"],
    }
    found: dict[str, bytes] = {}
    for name, options in ways.items():
        output = tmp_path / f"{name}.png"
        arguments = [picture, "--style", "brush", "-o", output, *quick]
        assert stylize(*arguments, *options) == 0, name
        found[name] = np.asarray(Image.open(output)).tobytes()
    assert len(set(found.values())) == len(ways)
    before = np.asarray(Image.open(picture)).astype(int)
    distance = {
        name: np.abs(np.frombuffer(pixels, np.uint8).reshape(before.shape) - before).mean()
        for name, pixels in found.items()
    }
    assert distance["content"] < distance["plain"] < distance["style alone"]


def test_the_paper_of_a_photographed_sketch_does_not_darken_the_picture(network, picture, tmp_path):
    sketch, output = tmp_path / "photo.png", tmp_path / "styled.png"
    page = np.tile(np.linspace(170, 215, 140).astype(np.uint8), (100, 1))
    page[40:44, 20:120] = 20
    Image.fromarray(page).save(sketch)
    options = ["--sketch", sketch, "--vgg19", network, *QUICK, "--strength", "0"]
    assert stylize(picture, "--style", "brush", "-o", output, *options) == 0
    before, after = (np.asarray(Image.open(f)).astype(int) for f in (picture, output))
    assert np.abs(before - after)[60:].mean() < 2
    assert after[42, 30:110].mean() < 80


def test_a_far_from_square_picture_and_a_transparent_style(network, tmp_path):
    long, style = tmp_path / "long.png", tmp_path / "style.png"
    Image.new("RGB", (600, 90), (200, 90, 40)).save(long)
    Image.new("RGBA", (64, 64), (0, 120, 250, 90)).save(style)
    output = tmp_path / "out.png"
    assert stylize(long, "--style", style, "--vgg19", network, *QUICK, "-o", output) == 0
    assert Image.open(output).size == (600, 90)


@pytest.mark.parametrize("side, code", [(2650, 0), (3300, 2)])
def test_a_style_of_20_mb_is_taken_and_one_over_the_limit_is_not(
    side, code, network, picture, tmp_path, capsys
):
    heavy = tmp_path / "heavy.png"
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(heavy, compress_level=0)
    assert heavy.stat().st_size > (20 if code == 0 else 30) * 2**20
    options = ["--style", heavy, "--vgg19", network, *QUICK]
    assert stylize(picture, *options, "-o", tmp_path / "out.png") == code
    assert code == 0 or "larger than 30 MB" in capsys.readouterr().err


def test_an_output_is_not_overwritten_without_force(network, picture, capsys):
    arguments = [picture, "--style", "brush", "--vgg19", network, *QUICK, "-o", picture]
    before = picture.read_bytes()
    assert stylize(*arguments) == 2 and "--force" in capsys.readouterr().err
    assert picture.read_bytes() == before
    assert stylize(*arguments, "--force") == 0 and picture.read_bytes() != before


def test_an_interrupt_keeps_what_is_painted(network, picture, tmp_path):
    output = tmp_path / "out.png"
    command = [sys.executable, "-m", "sketchcolor", "stylize", picture, "--style", "brush"]
    command += ["--faithful", "--resolution", "128", "--iterations", "100000"]
    process = subprocess.Popen(
        [*map(str, command), "--vgg19", str(network), "-o", str(output)],
        stderr=subprocess.PIPE,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    seen = b""
    while b"loss=" not in seen:
        seen += os.read(process.stderr.fileno(), 4096)
        assert process.poll() is None, seen
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    assert Image.open(output).size == Image.open(picture).size


def test_the_bundled_network_is_the_default(monkeypatch):
    monkeypatch.delenv("SKETCHCOLOR_VGG19", raising=False)
    network = load_style_network()
    assert network.config["pooling"] == "average"
    assert 1e6 < network.num_parameters() < 4e6


def test_a_variable_names_another(network, monkeypatch):
    monkeypatch.setenv("SKETCHCOLOR_VGG19", str(network))
    assert tuple(load_style_network().config["channels"]) == TINY


def test_a_network_comes_from_the_hub(network, tmp_path, monkeypatch):
    script = (
        "import sys; from sketchcolor.style.network import load_style_network\n"
        "print(*load_style_network('artist/vgg19').config['channels'])"
    )
    push = (
        "import sys; from huggingface_hub import HfApi\n"
        "HfApi().create_repo('artist/vgg19')\n"
        "HfApi().upload_file(repo_id='artist/vgg19', path_or_fileobj=sys.argv[1], "
        "path_in_repo='model.safetensors')"
    )
    with running_hub() as server:
        environment = os.environ | server.environment(tmp_path)
        for code in (push, script):
            done = subprocess.run(
                [sys.executable, "-c", code, str(network)],
                env=environment,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(width) for width in TINY]


def test_a_file_that_is_no_network_gets_a_sentence(tmp_path):
    file = tmp_path / "vgg19.safetensors"
    file.write_bytes(b"nothing")
    with pytest.raises(ModelLoadError, match="safetensors"):
        load_style_network(file)
