"""The command line, through `main` and as a real process."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sketchcolor import SketchColorOutput, SketchColorPipeline
from sketchcolor import loading as hub
from sketchcolor.cli.main import main


@pytest.fixture
def model(tiny_pipeline: SketchColorPipeline, tmp_path: Path) -> Path:
    """A folder with the tiny pipeline."""
    folder = tmp_path / "model"
    tiny_pipeline.save_pretrained(str(folder))
    return folder


@pytest.fixture
def quick(model: Path) -> list[str]:
    """Options for a fast and reproducible run."""
    return f"--model {model} --device cpu --resolution 64 --steps 1 --seed 3".split()


@pytest.fixture
def sketches(example_sketch: Image.Image, tmp_path: Path) -> Path:
    """A folder with two sketches, a broken picture file and a text."""
    folder = tmp_path / "sketches"
    folder.mkdir()
    for name in ("first.png", "second.jpg"):
        example_sketch.save(folder / name)
    (folder / "broken.png").write_bytes(b"not a picture")
    (folder / "notes.txt").write_text("draw more")
    return folder


def colorize(*arguments: object) -> int:
    return main(["colorize", *map(str, arguments)])


def test_the_process_colours_a_sketch(
    sketches: Path, example_sketch: Image.Image, quick: list[str], tmp_path: Path
) -> None:
    output = tmp_path / "new" / "colored.png"
    command = [sys.executable, "-m", "sketchcolor", "colorize", sketches / "first.png"]
    process = subprocess.run([*command, "-o", output, *quick], capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    assert process.stdout == f"{output}  seed 3\n"
    assert "1/1" in process.stderr  # the progress bar
    assert Image.open(output).size == example_sketch.size


def test_the_picture_is_that_of_the_pipeline(
    tiny_pipeline: SketchColorPipeline, sketches: Path, quick: list[str], tmp_path: Path
) -> None:
    sketch, output = sketches / "first.png", tmp_path / "colored.png"
    assert colorize(sketch, "-o", output, *quick) == 0
    (expected,) = tiny_pipeline(sketch, seed=3, resolution=64, num_inference_steps=1).images
    # One level of difference: convolutions of loaded weights may be summed in another order.
    found = np.asarray(Image.open(output)).astype(int)
    np.testing.assert_allclose(found, np.asarray(expected), atol=1)


def test_a_bad_file_is_reported_and_the_others_are_coloured(
    sketches: Path, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "colored"
    missing = tmp_path / "missing.png"
    assert colorize(missing, sketches, "-o", output, *quick) == 1
    assert sorted(path.name for path in output.iterdir()) == ["first.png", "second.png"]
    stdout, stderr = capsys.readouterr()
    assert stdout == f"{output / 'first.png'}  seed 3\n{output / 'second.png'}  seed 3\n"
    reports = [line for line in stderr.splitlines() if str(tmp_path) in line]
    assert [line.partition(": ")[0] for line in reports] == [
        str(missing),
        str(sketches / "broken.png"),
    ]
    assert "Traceback" not in stderr


def test_variants_are_numbered_and_have_following_seeds(
    sketches: Path, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "colored.png"
    assert colorize(sketches / "first.png", "-o", output, *quick, "--variants", 2) == 0
    first, second = tmp_path / "colored-1.png", tmp_path / "colored-2.png"
    assert capsys.readouterr().out == f"{first}  seed 3\n{second}  seed 4\n"
    assert first.read_bytes() != second.read_bytes()
    assert not output.exists()


def test_existing_pictures_are_overwritten_only_by_force(
    sketches: Path, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    existing = tmp_path / "first.png"
    existing.write_bytes(b"precious")
    command = (sketches / "first.png", sketches / "second.jpg", "-o", tmp_path, *quick)
    assert colorize(*command) == 1
    assert existing.read_bytes() == b"precious"
    assert f"{existing} exists; give --force" in capsys.readouterr().err
    assert (tmp_path / "second.png").exists()
    assert colorize(*command, "--force") == 0
    assert Image.open(existing).format == "PNG"


def test_force_never_overwrites_a_sketch(
    sketches: Path, quick: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    drawn = (sketches / "first.png").read_bytes()
    assert colorize(sketches / "first.png", "-o", sketches, *quick, "--force") == 1
    assert (sketches / "first.png").read_bytes() == drawn
    assert "is a sketch itself" in capsys.readouterr().err


def test_two_sketches_never_share_an_output(
    sketches: Path, quick: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twin = tmp_path / "first.jpg"
    Image.open(sketches / "first.png").save(twin)
    output = tmp_path / "colored"
    assert colorize(sketches / "first.png", twin, "-o", output, *quick, "--force") == 1
    assert [path.name for path in output.iterdir()] == ["first.png"]
    assert capsys.readouterr().err.startswith(f"{twin}: ")


def test_options_that_are_not_given_are_not_passed_on(
    sketches: Path,
    tiny_pipeline: SketchColorPipeline,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def answer(sketch: Path, **settings: object) -> SketchColorOutput:
        calls.append(settings)
        return tiny_pipeline(sketch, resolution=64, num_inference_steps=1)

    def load(*source: object) -> Callable[..., SketchColorOutput]:
        calls.append(source)
        return answer

    monkeypatch.setattr(hub, "load_pipeline", load)
    assert colorize(sketches / "first.png", "-o", tmp_path / "plain.png") == 0
    options = "--model owner/name --revision v1 --device cpu --seed 0 --resolution 96 --steps 2"
    output = tmp_path / "full.png"
    options += " --lines model --background painted"
    assert colorize(sketches / "first.png", "-o", output, *options.split()) == 0
    assert calls == [
        (None, None, None),
        {"num_variants": 1},
        ("owner/name", "v1", "cpu"),
        {
            "num_variants": 1,
            "seed": 0,
            "resolution": 96,
            "num_inference_steps": 2,
            "lines": "model",
            "background": "painted",
        },
    ]


def test_a_refusal_is_status_2_and_one_sentence(
    sketches: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sketch, empty, text = sketches / "first.png", tmp_path / "empty", sketches / "notes.txt"
    empty.mkdir()
    cases = {
        (empty, "-o", tmp_path / "out"): "No pictures",
        (sketches, "-o", tmp_path / "out.png"): "name a folder for several sketches",
        (sketch, sketch, "-o", tmp_path / "out.png"): "name a folder for several sketches",
        (sketch, "-o", text): "notes.txt is no picture",
        (sketch, "-o", tmp_path / "out", "--model", "nowhere"): "There is no folder 'nowhere'",
    }
    for arguments, sentence in cases.items():
        assert colorize(*arguments) == 2, arguments
        stdout, stderr = capsys.readouterr()
        assert not stdout
        assert sentence in stderr
        assert stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        *([], ["paint"], ["colorize"], ["colorize", "x.png"]),
        "colorize x -o y --variants 0".split(),
        "colorize x -o y --background sky".split(),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert "usage: sketchcolor" in capsys.readouterr().err


def test_evaluate_is_a_command(capsys):
    with pytest.raises(SystemExit) as exit_:
        main(["evaluate", "--help"])
    assert exit_.value.code == 0
    assert "--data_files" in capsys.readouterr().out
