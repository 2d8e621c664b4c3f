"""``colorize --layers``, through `main`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from psd_tools import PSDImage

from sketchcolor.cli.main import main


@pytest.fixture
def quick(tiny_parts_pipeline, tmp_path: Path) -> list[str]:
    """Options for a fast and reproducible run of a model that knows parts."""
    folder = tmp_path / "model"
    tiny_parts_pipeline.save_pretrained(str(folder))
    return f"--model {folder} --device cpu --resolution 64 --steps 1 --seed 3".split()


def test_one_picture_has_its_layers_in_the_file_that_is_named(quick, sketch_file, tmp_path, capsys):
    picture, layers = tmp_path / "coloured.png", tmp_path / "coloured.psd"
    arguments = ["colorize", str(sketch_file), "-o", str(picture), "--layers", str(layers)]
    assert main([*arguments, *quick]) == 0
    assert f"{picture}  seed 3" in (said := capsys.readouterr().out) and str(layers) in said
    merged = np.asarray(PSDImage.open(layers).composite(force=True).convert("RGB")).astype(int)
    assert np.abs(merged - np.asarray(Image.open(picture))).max() <= 1
    # Neither file is overwritten unasked.
    picture.unlink()
    assert main([*arguments, *quick]) == 1
    assert f"{layers} exists" in capsys.readouterr().err


@pytest.mark.parametrize("kind, end", [("ora", ".ora"), ("png", "-transparent.png")])
def test_several_pictures_have_files_of_a_kind_beside_them(kind, end, quick, sketch_file, tmp_path):
    out = tmp_path / "out"
    arguments = ["colorize", str(sketch_file), "-o", str(out), "--variants", "2", "--layers", kind]
    assert main([*arguments, *quick]) == 0
    stem = sketch_file.stem
    names = {f"{stem}-{n}{each}" for n in (1, 2) for each in (".png", end)}
    assert {path.name for path in out.iterdir()} == names


@pytest.mark.parametrize(
    "options, sentence",
    [
        (["--layers", "a.xcf"], "written as ora, psd, zip, png, not as 'a.xcf'"),
        (["--layers", "a.ora", "--variants", "2"], "a.ora is one file"),
        (["--layers", "ora", "--lines", "model"], "leave --lines model out"),
        (["--layers", "ora", "--style", "brush"], "leave --layers or --style out"),
    ],
)
def test_what_cannot_be_done_is_refused_in_a_sentence(
    options, sentence, quick, sketch_file, tmp_path, capsys
):
    arguments = ["colorize", str(sketch_file), "-o", str(tmp_path / "out")]
    assert main([*arguments, *options, *quick]) == 2
    assert sentence in capsys.readouterr().err


def test_a_model_without_parts_says_so(tiny_pipeline, sketch_file, tmp_path, capsys):
    tiny_pipeline.save_pretrained(str(tmp_path / "model"))
    arguments = ["colorize", str(sketch_file), "-o", str(tmp_path / "out"), "--layers", "zip"]
    quick = f"--model {tmp_path / 'model'} --device cpu --resolution 64 --steps 1".split()
    assert main([*arguments, *quick]) == 1
    assert "does not know parts" in capsys.readouterr().err


def test_edits_of_a_file_or_a_session_are_made(quick, sketch_file, tmp_path, capsys):
    plain, edits, edited = tmp_path / "plain.png", tmp_path / "edits.json", tmp_path / "edited.png"
    assert main(["colorize", str(sketch_file), "-o", str(plain), *quick]) == 0
    made = [{"edit": "recolour", "at": [1, 1], "color": "#00ff00"}]
    for held in (made, {"edits": made}):
        edits.write_text(json.dumps(held))
        arguments = ["colorize", str(sketch_file), "-o", str(edited), "--edits", str(edits)]
        assert main([*arguments, *quick, "--force"]) == 0
        assert Image.open(plain).getpixel((1, 1)) != Image.open(edited).getpixel((1, 1))
        assert Image.open(edited).getpixel((1, 1)) == (0, 255, 0)
    for text, sentence in (("{", "edits.json is no JSON"), ("{}", "Edits are a JSON list")):
        edits.write_text(text)
        assert main([*arguments, *quick, "--force"]) == 2
        assert sentence in capsys.readouterr().err
