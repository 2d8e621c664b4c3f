"""The evaluation harness, with colour functions whose scores are known."""

import argparse
import json
import sys

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import save_file

from sketchcolor.cli import evaluate as evaluate_command
from sketchcolor.evaluation import fid_lpips
from sketchcolor.evaluation.evaluate import batches, evaluate
from sketchcolor.evaluation.fid_lpips import PublishedMetrics
from sketchcolor.evaluation.metrics import frechet_distance
from sketchcolor.evaluation.report import markdown_table
from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.sampling.seeds import seeded_generators

SIDE = 64


def picture(index: int) -> Image.Image:
    """A coloured disc with a dark outline; sizes differ, so letterboxes do."""
    rng = np.random.default_rng(index)
    size = (80, 60) if index % 2 else (50, 90)
    image = Image.new("RGB", size, tuple(rng.integers(120, 256, 3).tolist()))
    disc = tuple(rng.integers(0, 200, 3).tolist())
    ImageDraw.Draw(image).ellipse((10, 10, 40, 45), fill=disc, outline="black", width=2)
    return image


@pytest.fixture
def images() -> list[Image.Image]:
    return [picture(index) for index in range(5)]


@pytest.fixture
def vgg() -> VGG19Features:
    torch.manual_seed(0)
    return VGG19Features(channels=(4, 4, 8, 4, 4))


def grey(sketch, hints=None, seeds=None, num_inference_steps=8):
    """A colourless model that gives its sketch back."""
    return sketch.expand(-1, 3, -1, -1)


def dice(sketch, hints=None, seeds=None, num_inference_steps=8):
    """A sampling model: one flat random colour for each picture."""
    colours = [torch.rand(3, 1, 1, generator=each) * 2 - 1 for each in seeded_generators(seeds)]
    return torch.stack(colours).expand(-1, -1, *sketch.shape[-2:])


def test_batches_letterbox_the_whole_picture(images):
    first, second = batches(images, SIDE, batch_size=3)
    assert first.sketch.shape == (3, 1, SIDE, SIDE) and second.truth.shape == (2, 3, SIDE, SIDE)
    assert second.indices == [3, 4]
    assert [fit.scaled_size for fit in first.fits] == [(36, 64), (64, 48), (36, 64)]
    assert (first.truth[0, :, :, 36:] == 1).all() and (first.sketch[1, :, 48:] == 1).all()
    assert first.pictures(first.truth)[0].shape == (64, 36, 3)
    assert first.sketch.amin() < 0  # lines were drawn


def test_line_art_and_hints_belong_to_the_image_not_to_the_batch(images):
    together = next(batches(images, SIDE, batch_size=5))
    *_, last = batches(images, SIDE, batch_size=2)
    torch.testing.assert_close(together.sketch[4:], last.sketch)
    torch.testing.assert_close(together.hint_map(3)[4:], last.hint_map(3))
    other_seed = next(batches(images, SIDE, batch_size=5, seed=1))
    assert not torch.equal(together.sketch, other_seed.sketch)


def test_hints_carry_true_colours_inside_the_picture(images):
    batch = next(batches(images, SIDE, batch_size=5))
    hints = batch.hint_map(20)
    assert hints.shape == (5, 4, SIDE, SIDE)
    for fit, hint_map, truth in zip(batch.fits, hints, batch.truth, strict=True):
        width, height = fit.scaled_size
        assert hint_map[3, :height, :width].sum() >= 10
        assert hint_map[:, height:].abs().sum() == 0 and hint_map[:, :, width:].abs().sum() == 0
        painted = hint_map[3] > 0
        error = (hint_map[:3] - truth)[:, painted].abs().amax(0)
        assert error.median() < 0.1


def test_the_truth_itself_scores_perfectly(images, vgg):
    truths = {b.sketch[0].numpy().tobytes(): b.truth for b in batches(images, SIDE, batch_size=1)}

    def oracle(sketch, hints=None, seeds=None, num_inference_steps=8):
        return torch.cat([truths[each.numpy().tobytes()] for each in sketch])

    result = evaluate(oracle, images, vgg, samples=1, hint_counts=[5], side=SIDE, batch_size=2)
    automatic = result["protocols"]["automatic"]
    assert automatic["psnr"] == float("inf") and automatic["ssim"] == pytest.approx(1)
    assert automatic["colourfulness"] == pytest.approx(result["truth"]["colourfulness"])
    assert automatic["vgg19_fid"] == pytest.approx(0, abs=1e-6)
    assert result["protocols"]["hints_5"]["hint_delta_e"] < 5
    assert result["settings"]["images"] == 5


def test_a_grey_model_is_seen_as_grey(images, vgg):
    result = evaluate(grey, images, vgg, samples=1, hint_counts=[5], side=SIDE)
    automatic, hinted = result["protocols"]["automatic"], result["protocols"]["hints_5"]
    assert automatic["colourfulness"] == 0 and result["truth"]["colourfulness"] > 20
    assert automatic["vgg19_fid"] > 1e-3 and automatic["ssim"] < 1
    assert hinted["hint_delta_e"] > 10 and hinted["hint_delta_e_mean"] > 10
    assert {"vgg19_kid", "vgg19_kid_std"} <= set(automatic)
    assert "psnr_best" not in automatic and "hint_delta_e" not in automatic


def test_seed_measures_of_pictures_with_full_red(images):
    truths = {b.sketch[0].numpy().tobytes(): b.truth for b in batches(images, SIDE, batch_size=1)}

    def redder(sketch, hints=None, seeds=None, num_inference_steps=8):
        colour = torch.cat([truths[each.numpy().tobytes()] for each in sketch]).clone()
        colour[:, 0] = 1
        return colour

    result = evaluate(redder, images, samples=1, hint_counts=[], side=SIDE)
    found = result["protocols"]["automatic"]
    reds = [b.pictures(b.truth)[0][..., 0].astype(float) for b in batches(images, SIDE, 1)]
    moved = [255 - red for red in reds]
    assert found["mse"] == pytest.approx(np.mean([(m**2).mean() / 3 for m in moved]))
    shares = [100 * m.mean() / (255 * 3**0.5) for m in moved]
    assert found["pixel_difference"] == pytest.approx(np.mean(shares))
    assert found["per_image"]["pixel_difference"] == pytest.approx(shares, abs=1e-4)
    # All of red's histogram ends at one level, so its mass moves as far as the pixels do.
    costs = [m.mean() / 255 / 3 for m in moved]
    assert found["colour_emd"] == pytest.approx(np.mean(costs))
    assert found["pixel_similarity"] == pytest.approx(1 - np.mean(costs))


class MeanColours:
    """Two networks small enough to compute by hand: mean colours, and their absolute error."""

    def inception_features(self, colour):
        return colour.mean((2, 3)).double()

    def lpips(self, output, truth):
        return (output - truth).abs().mean((1, 2, 3)).tolist()


def test_published_metrics_are_taken_over_whole_sets(images):
    result = evaluate(grey, images, published=MeanColours(), samples=1, hint_counts=[], side=SIDE)
    whole = next(batches(images, SIDE, batch_size=5))
    outputs = whole.repad(whole.sketch.expand(-1, 3, -1, -1))
    expected = frechet_distance(outputs.mean((2, 3)), whole.truth.mean((2, 3)))
    found = result["protocols"]["automatic"]
    assert found["fid"] == pytest.approx(expected, rel=1e-4) and expected > 0
    assert found["lpips"] == pytest.approx(float((outputs - whole.truth).abs().mean()), rel=1e-5)
    assert "fid" in markdown_table([{"model": "grey"} | result]).splitlines()[0]


def test_without_their_library_published_metrics_name_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)  # as if it were not installed
    with pytest.raises(ValueError, match=r"pip install 'sketchcolor\[metrics\]'"):
        PublishedMetrics()


def test_samples_differ_and_the_best_and_mean_are_reported(images):
    result = evaluate(dice, images, samples=6, hint_counts=[], side=SIDE)
    automatic = result["protocols"]["automatic"]
    assert list(result["protocols"]) == ["automatic"]
    assert automatic["psnr_best"] > automatic["psnr"]
    assert automatic["psnr_of_mean"] > automatic["psnr"]
    assert automatic["ssim_best"] >= automatic["ssim"]
    assert automatic["colourfulness_of_mean"] < automatic["colourfulness"]
    assert "vgg19_fid" not in automatic


def test_results_do_not_depend_on_the_batch_size(images):
    one, many = (
        evaluate(dice, images, samples=2, hint_counts=[2], side=SIDE, batch_size=size)
        for size in (1, 4)
    )
    assert one == many
    assert one != evaluate(dice, images, samples=2, hint_counts=[2], side=SIDE, seed=1)


def test_padding_does_not_count(images, vgg):
    def stained(sketch, hints=None, seeds=None, num_inference_steps=8):
        colour = grey(sketch).clone()
        colour[:, 0, 48:] = -1  # cyan
        return colour

    wide = [image for image in images if image.width > image.height]  # 80×60 becomes 64×48
    clean, stain = (
        evaluate(model, wide, vgg, samples=1, hint_counts=[], side=SIDE)
        for model in (grey, stained)
    )
    assert clean == stain


def test_a_single_stage_model_without_hints_is_asked_once(images):
    class Plain:
        conditions, proposer, device = (), None, "cpu"
        asked = 0

        def colour_tensor(self, sketch, hints=None, seeds=None, num_inference_steps=8):
            assert hints is None
            self.asked += len(sketch)
            return grey(sketch)

    plain = Plain()
    result = evaluate(plain, images, side=SIDE)
    assert plain.asked == len(images) and result["settings"]["samples"] == 1
    assert list(result["protocols"]) == ["automatic"]


def test_no_images_is_an_error():
    with pytest.raises(ValueError, match="no images"):
        evaluate(grey, [])


def test_table_has_a_row_for_each_model_and_protocol(images):
    first, second = (
        {"model": name} | evaluate(model, images, samples=n, hint_counts=[5], side=SIDE)
        for name, model, n in (("dice", dice, 3), ("grey", grey, 1))
    )
    lines = markdown_table([first, second]).splitlines()
    starts = [tuple(cell.strip() for cell in line.split("|")[1:3]) for line in lines[2:10]]
    assert starts == [
        ("dice", "automatic"),
        ("dice", "automatic, mean of 3"),
        ("dice", "automatic, best of 3"),
        ("dice", "hints_5"),
        ("dice", "stroke"),
        ("grey", "automatic"),
        ("grey", "hints_5"),
        ("grey", "stroke"),
    ]
    assert len({line.count("|") for line in lines[:11]}) == 1
    assert f"{first['protocols']['hints_5']['psnr']:.2f}" in lines[5]


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    evaluate_command.add_arguments(parser)
    return parser.parse_args(arguments)


def test_command_measures_a_saved_pipeline_on_a_split(
    tiny_pipeline, coloured_examples, tmp_path, vgg, capsys, monkeypatch
):
    monkeypatch.setitem(sys.modules, "torchmetrics", None)  # as if it were not installed
    tiny_pipeline.save_pretrained(tmp_path / "model")
    save_file(vgg.state_dict(), tmp_path / "vgg.safetensors")
    status = evaluate_command.run(
        parse(
            *("--model", str(tmp_path / "model")),
            *("--data_files", str(coloured_examples / "validation-*.parquet")),
            *("--vgg19", str(tmp_path / "vgg.safetensors")),
            *("--max_images", "3", "--samples", "2", "--num_inference_steps", "1"),
            *("--hint_counts", "5", "--side", "64", "--device", "cpu", "--published", "--plots"),
            *("--output", str(tmp_path / "out" / "scores.json")),
        )
    )
    assert status == 0
    (result,) = json.loads((tmp_path / "out" / "scores.json").read_text())
    assert result["model"] == str(tmp_path / "model") and result["settings"]["images"] == 3
    protocols = ["automatic", "hints_5", "stroke", "own_reference", "other_reference"]
    assert list(result["protocols"]) == protocols
    automatic = result["protocols"]["automatic"]
    assert automatic["vgg19_kid_std"] >= 0 and 0 <= automatic["sift_similarity"] <= 1
    assert len(automatic["per_image"]["ssim"]) == 3
    table = (tmp_path / "out" / "scores.md").read_text()
    said = capsys.readouterr()
    assert table in said.out and "3 images at 64 px" in table
    assert "fid and lpips are left out" in said.err and "| fid |" not in table
    plots = sorted((tmp_path / "out").glob("*.png"))
    plotted = [plot.stem.rpartition("-")[2] for plot in plots]
    assert plotted == ["automatic", "hints_5", "own_reference"]
    assert len(np.unique(np.asarray(Image.open(plots[0])))) > 4


def test_published_weights_that_were_downloaded_before_are_used_unasked(
    tiny_pipeline, coloured_examples, tmp_path, capsys, monkeypatch
):
    """Damaged files, so that the attempt to read them shows."""
    monkeypatch.setattr(fid_lpips, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setitem(sys.modules, "torchmetrics", None)
    tiny_pipeline.save_pretrained(tmp_path / "model")
    arguments = parse(
        *("--model", str(tmp_path / "model"), "--max_images", "1", "--samples", "1"),
        *("--data_files", str(coloured_examples / "validation-*.parquet"), "--hint_counts"),
        *("--side", "64", "--num_inference_steps", "1", "--device", "cpu"),
        *("--output", str(tmp_path / "scores.json")),
    )
    assert evaluate_command.run(arguments) == 0
    assert "fid and lpips are left out" not in capsys.readouterr().err
    for name in fid_lpips.WEIGHTS:
        file = tmp_path / "hub" / "checkpoints" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"not weights")
    assert evaluate_command.run(arguments) == 0
    assert "fid and lpips are left out" in capsys.readouterr().err


def test_command_says_what_is_missing(coloured_examples, tmp_path, capsys):
    assert evaluate_command.run(parse()) == 2
    assert "--data_files" in capsys.readouterr().err
    files = str(coloured_examples / "validation-*.parquet")
    assert evaluate_command.run(parse("--data_files", files, "--image_column", "picture")) == 2
    assert "from image, " in capsys.readouterr().err
    absent = str(tmp_path / "absent.safetensors")
    assert evaluate_command.run(parse("--data_files", files, "--vgg19", absent)) == 2
    assert "absent.safetensors" in capsys.readouterr().err


def test_defaults_of_the_command_are_those_of_the_function():
    args = parse()
    assert (args.samples, args.hint_counts, args.side) == (8, (5, 20), 256)
    assert parse("--hint_counts").hint_counts == []


class Obedient:
    """Paints the whole page in the one colour that it is told, or else white."""

    device = "cpu"

    def __init__(self, *conditions: str) -> None:
        self.conditions = conditions

    def colour_tensor(
        self, sketch, hints=None, palette=None, style=None, seeds=None, num_inference_steps=8
    ):
        page = torch.ones(len(sketch), 3, *sketch.shape[-2:])
        if hints is not None:
            for each, hint_map in zip(page, hints, strict=True):
                painted = hint_map[3] > 0
                if painted.any():
                    each[:] = hint_map[:3, painted][:, :1, None]
        if palette is not None:
            page[:] = palette[0][:, 0, :, None, None]
        if style is not None:
            page[:] = style[:, :3, None, None] * 2 - 1
        return page


def test_a_palette_that_is_obeyed_is_near_and_another_is_far(images):
    result = evaluate(Obedient("palette"), images, side=SIDE)
    assert list(result["protocols"]) == ["automatic", "own_reference", "other_reference"]
    for protocol in ("own_reference", "other_reference"):
        measures = result["protocols"][protocol]
        # The page is the heaviest colour of the palette; k-means and 8 bits move it a little.
        assert measures["palette_distance"] < 2 < measures["other_palette"]
    assert "psnr" in result["protocols"]["own_reference"]
    assert "psnr" not in result["protocols"]["other_reference"]
    assert "palette_distance" in markdown_table([{"model": "obedient"} | result])


def test_references_are_styles_for_a_model_that_reads_them(images, vgg):
    seen = []

    class Reader(Obedient):
        def colour_tensor(self, sketch, style=None, **more):
            seen.append(style)
            return super().colour_tensor(sketch, style=style, **more)

    result = evaluate(Reader("style"), images, vgg, samples=1, side=SIDE, batch_size=5)
    assert list(result["protocols"]) == ["automatic", "own_reference", "other_reference"]
    automatic, own, other = seen
    assert automatic is None and own.shape == (5, 4)
    torch.testing.assert_close(other, own.roll(-1, 0))  # a third of five pictures away
    without = evaluate(Reader("style"), images, side=SIDE)
    assert list(without["protocols"]) == ["automatic"]


def house(index: int) -> Image.Image:
    """Two closed rooms side by side on a page of its own size."""
    page = Image.new("RGB", (160, 120 + 4 * index), "white")
    pen = ImageDraw.Draw(page)
    for left, colour in ((20, "#e0b0a0"), (84, "#a0b0e0")):
        pen.rectangle((left, 30, left + 52, 90), colour, "black", 3)
    return page


def test_leak_is_what_changes_outside_of_the_strokes_region():
    flood = evaluate(Obedient("hints"), [house(i) for i in range(8)], side=160, hint_counts=[1])
    stroke = flood["protocols"]["stroke"]
    assert stroke["strokes"] > 0
    # A model that paints everything in the hint's colour leaks as much as it obeys.
    assert stroke["leak"] == pytest.approx(stroke["stroke_change"], rel=1e-3)
    assert stroke["leak"] > 20 and stroke["leak_90th"] >= stroke["leak"]
    deaf = evaluate(grey, [house(i) for i in range(8)], side=160, hint_counts=[1])
    assert deaf["protocols"]["stroke"]["leak"] == deaf["protocols"]["stroke"]["stroke_change"] == 0
