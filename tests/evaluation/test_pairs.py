"""Measuring on pairs: the sketch is the one that was drawn, not one that is extracted."""

import argparse
import json

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.cli import evaluate as evaluate_command
from sketchcolor.evaluation.evaluate import batches, evaluate
from tests.support.danbooru import SIDE, drawn


def lines(number: int) -> Image.Image:
    """A page with one thick stroke, unlike anything that an extractor finds."""
    page = np.full((SIDE, SIDE), 255, np.uint8)
    page[10 * (number + 1) : 10 * (number + 1) + 6] = 0
    return Image.fromarray(page)


def test_batches_take_the_drawn_sketches():
    images, sketches = [drawn(0), drawn(1)], [lines(0), lines(1)]
    (batch,) = batches(images, side=SIDE, sketches=sketches)
    for number, sketch in enumerate(batch.sketch):
        expected = torch.from_numpy(np.asarray(lines(number)).astype(np.float32) / 127.5 - 1)
        assert torch.equal(sketch[0], expected)
    (extracted,) = batches(images, side=SIDE)
    assert torch.equal(extracted.truth, batch.truth)
    assert not torch.equal(extracted.sketch, batch.sketch)


def test_a_result_says_whether_line_art_was_drawn():
    def grey(sketch, hints=None, seeds=None, num_inference_steps=8):
        return sketch.expand(-1, 3, -1, -1)

    images, settings = [drawn(0), drawn(1)], {"samples": 1, "hint_counts": (), "side": SIDE}
    sketches = [image.convert("L") for image in images]
    with_drawn = evaluate(grey, images, sketches=sketches, **settings)
    extracted = evaluate(grey, images, **settings)
    assert with_drawn["settings"]["line_art"] == "drawn"
    assert extracted["settings"]["line_art"] == "random"
    psnr = [result["protocols"]["automatic"]["psnr"] for result in (with_drawn, extracted)]
    assert psnr[0] != psnr[1]


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate_command.add_arguments(parser)
    return parser.parse_args(arguments)


def write_pairs(folder, layout: str) -> tuple[str, ...]:
    """Two pairs as files; returns the flags that name them."""
    for name in ("src", "sketch", "both"):
        (folder / name).mkdir()
    for number in range(2):
        both = Image.new("RGB", (2 * SIDE, SIDE))
        both.paste(drawn(number), (0, 0))
        both.paste(lines(number).convert("RGB"), (SIDE, 0))
        both.save(folder / "both" / f"{number}.png")
        drawn(number).save(folder / "src" / f"{number}.png")
        lines(number).save(folder / "sketch" / f"{number}.png")
    if layout == "folders":
        folders = ("--colour_dir", str(folder / "src"), "--sketch_dir", str(folder / "sketch"))
        return ("--pair", "folders", *folders)
    files = ("--data_format", "imagefolder", "--data_files", str(folder / "both"))
    return ("--pair", "colour-sketch", *files)


@pytest.mark.parametrize("layout", ["folders", "side by side"])
def test_the_command_measures_on_pairs(tiny_pipeline, tmp_path, layout, monkeypatch):
    given = []
    monkeypatch.setattr(
        "sketchcolor.evaluation.evaluate.draw_lineart", lambda *_: pytest.fail("extracted")
    )
    measure = evaluate_command.evaluate

    def spy(model, images, *more, sketches, **settings):
        given.append(([*images], [*sketches]))
        return measure(model, images, *more, sketches=sketches, **settings)

    tiny_pipeline.save_pretrained(tmp_path / "model")
    flags = parse(
        *write_pairs(tmp_path, layout),
        *("--model", str(tmp_path / "model"), "--samples", "1", "--num_inference_steps", "1"),
        *("--hint_counts", "--side", "64", "--device", "cpu", "-o", str(tmp_path / "a.json")),
    )
    monkeypatch.setattr(evaluate_command, "evaluate", spy)
    assert evaluate_command.run(flags) == 0
    ((images, sketches),) = given
    for number in range(2):
        assert np.array_equal(np.asarray(images[number]), np.asarray(drawn(number)))
        assert np.array_equal(np.asarray(sketches[number].convert("L")), np.asarray(lines(number)))
    (result,) = json.loads((tmp_path / "a.json").read_text())
    assert result["settings"]["images"] == 2 and result["settings"]["line_art"] == "drawn"


def test_bad_pairs_are_refused_in_a_sentence(tmp_path, capsys):
    flags = write_pairs(tmp_path, "folders")
    (tmp_path / "sketch" / "1.png").unlink()
    assert evaluate_command.run(parse(*flags)) == 2
    assert "in one of them only: 1, the first of them '1'" in capsys.readouterr().err
    (tmp_path / "src" / "1.png").write_bytes(b"no picture")
    (tmp_path / "sketch" / "1.png").write_bytes(b"no picture")
    assert evaluate_command.run(parse(*flags, "--samples", "1", "--hint_counts")) == 2
    said = capsys.readouterr().err
    assert "Picture 1 of the data is not a picture: leave it out." in said
