"""The pipeline's contract: size, lines, seeds, conditions, saving and loading."""

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.conditions import Conditions, Palette, Stroke, from_image, from_strokes
from sketchcolor.evaluation.metrics import palette_distance
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.sampling import proposal as sampling
from sketchcolor.sampling.flow import adams_bashforth2
from sketchcolor.sampling.noise import starting_noise
from sketchcolor.sampling.proposal import draw_proposal
from tests.support.networks import tiny_refiner

FAST = {"resolution": 64, "num_inference_steps": 2}


def pixels(image):
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("size", [(300, 360), (64, 64), (33, 257), (800, 101), (1, 8), (1201, 700)])
def test_output_has_the_sketchs_size(tiny_pipeline, size):
    if min(size) < 16:
        with pytest.raises(ValueError, match="px"):
            tiny_pipeline(Image.new("L", size, 255), seed=0, **FAST)
        return
    out = tiny_pipeline(Image.new("L", size, 255), seed=0, **FAST)
    assert out.images[0].size == size and out.images[0].mode == "RGB"


@pytest.mark.parametrize("size", [(300, 360), (1500, 1100)])
def test_black_lines_stay_black(tiny_pipeline, example_sketch, size):
    sketch = example_sketch.resize(size, Image.Resampling.NEAREST)
    out = tiny_pipeline(sketch, seed=3, **FAST).images[0]
    black = np.asarray(sketch) == 0
    assert black.any() and (pixels(out)[black] == 0).all()


def test_no_network_sees_paper_where_the_page_cuts_a_leg_off(tiny_pipeline, monkeypatch):
    seen = []
    for network in (tiny_pipeline.proposer, tiny_pipeline.generator):
        forward = network.forward

        def watched(*args, forward=forward, **kwargs):
            seen.append(kwargs["sketch"] if "sketch" in kwargs else args[2])
            return forward(*args, **kwargs)

        monkeypatch.setattr(network, "forward", watched)
    legs = Image.new("L", (110, 150), 255)
    for left in (20, 60):
        legs.paste(0, (left, 60, left + 20, 150))
    tiny_pipeline.register_to_config(guidance_scale=1.0)
    tiny_pipeline(legs, seed=0, **FAST)
    assert len(seen) == 3  # two steps and the refiner
    for sketch in seen:
        assert sketch[:, 0, -1].amin(dim=1).max() < 0.0


def test_model_lines_are_not_composited(tiny_pipeline, example_sketch):
    out = tiny_pipeline(example_sketch, seed=3, lines="model", **FAST).images[0]
    assert out.size == example_sketch.size
    assert pixels(out)[np.asarray(example_sketch) == 0].max() > 0


def test_seed_decides_the_picture(tiny_pipeline, example_sketch):
    first = tiny_pipeline(example_sketch, seed=5, **FAST)
    again = tiny_pipeline(example_sketch, seed=5, **FAST)
    other = tiny_pipeline(example_sketch, seed=6, **FAST)
    assert first.seeds == [5]
    assert (pixels(first.images[0]) == pixels(again.images[0])).all()
    assert (pixels(first.images[0]) != pixels(other.images[0])).any()


def test_variants_are_the_single_pictures_of_their_seeds(tiny_pipeline, example_sketch):
    batch = tiny_pipeline(example_sketch, seed=5, num_variants=3, **FAST)
    assert batch.seeds == [5, 6, 7]
    single = tiny_pipeline(example_sketch, seed=6, **FAST).images[0]
    assert np.abs(pixels(batch.images[1]) - pixels(single)).max() <= 2
    white = np.asarray(example_sketch) == 255
    assert (pixels(batch.images[0])[white] != pixels(batch.images[2])[white]).any()


def test_only_the_generator_is_rounded_to_what_is_fast(tiny_pipeline, example_sketch, monkeypatch):
    monkeypatch.setattr("sketchcolor.colouring.fastest_dtype", lambda device: torch.bfloat16)
    rounded = {}
    for name in ("proposer", "generator"):
        getattr(tiny_pipeline, name).register_forward_pre_hook(
            lambda *_, name=name: rounded.update({name: torch.is_autocast_enabled("cpu")})
        )
    tiny_pipeline(example_sketch, **FAST)
    assert rounded == {"proposer": False, "generator": True}


def test_strokes_and_their_layer_are_the_same_hint(tiny_pipeline, example_sketch):
    stroke = {"color": "#ff0000", "width": 20, "points": [[150, 100], [190, 100]]}
    layer = Image.fromarray(from_strokes([stroke], example_sketch.size))
    plain = pixels(tiny_pipeline(example_sketch, seed=1, **FAST).images[0])
    drawn = pixels(tiny_pipeline(example_sketch, hints=[stroke], seed=1, **FAST).images[0])
    layered = pixels(tiny_pipeline(example_sketch, hints=layer, seed=1, **FAST).images[0])
    assert (drawn == layered).all()
    assert np.abs(drawn - plain).mean() > 0.05


def test_palette_and_reference_agree(tiny_pipeline, example_sketch, colour_picture):
    reference = Image.fromarray(colour_picture)
    by_palette = tiny_pipeline(example_sketch, palette=from_image(reference), seed=1, **FAST)
    by_reference = tiny_pipeline(example_sketch, reference=reference, seed=1, **FAST)
    plain = tiny_pipeline(example_sketch, seed=1, **FAST)
    assert (pixels(by_palette.images[0]) == pixels(by_reference.images[0])).all()
    assert (pixels(by_palette.images[0]) != pixels(plain.images[0])).any()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"num_variants": 0}, "variants"),
        ({"num_variants": 99}, "variants"),
        ({"seed": -1}, "seed"),
        ({"resolution": 8}, "resolution"),
        ({"lines": "none"}, "lines"),
        ({"num_inference_steps": 0}, "steps"),
        ({"output_type": "gif"}, "output_type"),
        ({"hints": [{"color": "red"}]}, "stroke needs"),
        ({"hints": Image.new("RGBA", (5, 5))}, "hint layer"),
    ],
)
def test_bad_arguments_get_one_sentence(tiny_pipeline, example_sketch, arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny_pipeline(example_sketch, **(FAST | arguments))


def test_a_condition_that_the_model_does_not_take_is_refused(example_sketch):
    from sketchcolor.models import Pix2PixGenerator

    plain = SketchColorPipeline(Pix2PixGenerator(channels=(4, 8, 8)))
    stroke = {"color": "#ff0000", "width": 9, "points": [[50, 50]]}
    with pytest.raises(ValueError, match="does not take hints"):
        plain(example_sketch, hints=[stroke], resolution=64)
    with pytest.raises(ValueError, match="does not take palette"):
        plain(example_sketch, reference=Image.new("RGB", (40, 40), "red"), resolution=64)
    assert plain(example_sketch, resolution=64, seed=0).images[0].size == example_sketch.size


def test_single_stage_form(example_sketch):
    pipe = SketchColorPipeline(tiny_refiner(proposal=False))
    assert pipe(example_sketch, seed=0, resolution=64).images[0].size == example_sketch.size


def test_save_and_load_gives_the_same_picture(tiny_pipeline, example_sketch, tmp_path):
    tiny_pipeline.save_pretrained(str(tmp_path))
    loaded = SketchColorPipeline.from_pretrained(str(tmp_path))
    a = tiny_pipeline(example_sketch, seed=2, **FAST).images[0]
    b = loaded(example_sketch, seed=2, **FAST).images[0]
    # One level: the convolutions of loaded weights may add up in another order.
    assert np.abs(pixels(a) - pixels(b)).max() <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_loaded_in_half_precision_it_colours_alike(tiny_pipeline, example_sketch, tmp_path, dtype):
    tiny_pipeline.save_pretrained(str(tmp_path))
    loaded = SketchColorPipeline.from_pretrained(str(tmp_path), torch_dtype=dtype)
    assert loaded.proposer.dtype == loaded.generator.dtype == dtype
    whole, half = (p(example_sketch, seed=2, **FAST).images[0] for p in (tiny_pipeline, loaded))
    assert np.abs(pixels(whole) - pixels(half)).mean() < 6


def test_single_stage_survives_saving(example_sketch, tmp_path):
    SketchColorPipeline(tiny_refiner(proposal=False)).save_pretrained(str(tmp_path))
    loaded = SketchColorPipeline.from_pretrained(str(tmp_path))
    assert loaded.proposer is None
    assert loaded(example_sketch, seed=0, resolution=64).images[0].size == example_sketch.size


def test_output_types_and_callback(tiny_pipeline, example_sketch):
    seen = []
    array = tiny_pipeline(
        example_sketch, seed=0, output_type="np", callback=lambda *p: seen.append(p), **FAST
    ).images
    assert array.shape == (1, 360, 300, 3) and 0 <= array.min() and array.max() <= 1
    assert seen == [(i, 4) for i in range(1, 5)]
    tensor = tiny_pipeline(example_sketch, seed=0, output_type="pt", **FAST).images
    assert tensor.shape == (1, 3, 360, 300)
    assert torch.allclose(tensor.permute(0, 2, 3, 1), torch.from_numpy(array))


def test_colour_tensor_for_evaluation(tiny_pipeline):
    sketch = torch.ones(2, 1, 64, 96)
    out = tiny_pipeline.colour_tensor(sketch, seeds=[0, 1], num_inference_steps=2)
    assert out.shape == (2, 3, 64, 96) and out.abs().max() <= 1


def test_hints_and_palette_hold_whatever_the_networks_do(tiny_pipeline, example_sketch):
    page = Image.new("L", (128, 128), 255)
    hint = Stroke("#c02020", 8, [[64, 64]])
    hinted = pixels(tiny_pipeline(page, hints=[hint], seed=1, **FAST).images[0])
    # The network's own texture stays; the stroke's mean is what was asked for.
    assert np.abs(hinted[60:69, 60:69].mean(axis=(0, 1)) - (0xC0, 0x20, 0x20)).max() <= 40
    wanted = Palette(np.array([[200, 40, 40], [30, 30, 160]], np.uint8), np.ones(2) / 2)
    arguments = {"palette": wanted, "seed": 1, "lines": "model"} | FAST
    held = tiny_pipeline(example_sketch, **arguments).images[0]
    tiny_pipeline.register_to_config(hold=False)
    free = tiny_pipeline(example_sketch, **arguments).images[0]

    def error(picture) -> float:
        return palette_distance(from_image(picture, size=2).colors, wanted.colors)

    assert error(held) < error(free)


def test_guidance_goes_further_from_the_unknown_sketch(tiny_pipeline, monkeypatch):
    proposer, scheduler = tiny_pipeline.proposer, tiny_pipeline.scheduler
    sketch = torch.ones(1, 1, 64, 64)
    sketch[..., 20:24, :] = -1.0
    noise = starting_noise(sketch, proposer.config.sketch_scale)
    monkeypatch.setattr(sampling, "starting_noise", lambda *_: noise)  # the unknown sketch's, too

    def draw(lines, scale):
        return draw_proposal(
            proposer, scheduler, Conditions(lines), num_inference_steps=1, guidance_scale=scale
        ).colors

    with torch.no_grad():
        known, blind = draw(sketch, 1.0), draw(torch.zeros_like(sketch), 1.0)
        guided = draw(sketch, 1.5)
    expected = (blind + 1.5 * (known - blind)).clamp(-1.0, 1.0)
    inside = (known.abs() < 1.0) & (blind.abs() < 1.0)
    assert inside.any() and not torch.allclose(guided, known)
    assert torch.allclose(guided[inside], expected[inside], atol=1e-4)


def test_a_step_goes_with_the_velocity_of_its_middle():
    times = torch.tensor([0.9, 0.75, 0.5])
    velocity = 3.0 * times - 1.0  # one that changes evenly is foretold exactly
    middle = 3.0 * times[1:].mean() - 1.0
    assert torch.allclose(adams_bashforth2(velocity[1], velocity[0], times), middle)
    first = adams_bashforth2(velocity[1], None, times[1:])
    last = adams_bashforth2(velocity[1], velocity[0], times * torch.tensor([1.0, 1.0, 0.0]))
    assert first == last == velocity[1]


@pytest.mark.parametrize(
    ("scale", "hinted", "batches"),
    [(1.0, False, [1, 1, 1, 1]), (1.5, False, [2, 2, 1, 1]), (1.5, True, [2, 2, 1, 1, 1, 1, 1])],
)
def test_only_the_first_half_is_guided_and_hints_take_a_step_less(
    tiny_pipeline, monkeypatch, scale, hinted, batches
):
    proposer, seen = tiny_pipeline.proposer, []
    answer = proposer.forward

    def watched(noisy, *rest, **named):
        seen.append(len(noisy))
        return answer(noisy, *rest, **named)

    monkeypatch.setattr(proposer, "forward", watched)
    hints = torch.zeros(1, 4, 16, 16)
    hints[:, :, 4:8, 1:6] = float(hinted)
    with torch.no_grad():
        draw_proposal(
            proposer,
            tiny_pipeline.scheduler,
            Conditions(torch.ones(1, 1, 64, 64), hints),
            num_inference_steps=4,
            guidance_scale=scale,
        )
    assert seen == batches


def test_a_hint_changes_nothing_beyond_its_reach(tiny_pipeline):
    tiny_pipeline.register_to_config(hold=False)
    sketch = torch.ones(1, 1, 64, 64)
    sketch[..., 30:34] = -1.0
    hints = torch.zeros(1, 4, 16, 16)
    hints[:, :, 4:8, 1:6] = torch.tensor([1.0, -1.0, -1.0, 1.0])[:, None, None]
    free, asked = (
        draw_proposal(
            tiny_pipeline.proposer,
            tiny_pipeline.scheduler,
            Conditions(sketch, given),
            generator=torch.Generator().manual_seed(0),
        )
        for given in (None, hints)
    )
    assert torch.allclose(free.colors[..., 8:], asked.colors[..., 8:], atol=1e-4)
    assert (free.colors[..., 1:6] - asked.colors[..., 1:6]).abs().max() > 1e-3
    assert torch.equal(free.unhinted, free.colors)
    assert torch.allclose(asked.unhinted, free.colors, atol=1e-4)


def test_once_hints_reach_most_of_a_page_the_rest_follows(tiny_pipeline):
    red = torch.tensor([1.0, -1.0, -1.0, 1.0])[:, None, None]

    def draw(columns):
        hints = torch.zeros(1, 4, 16, 16)
        hints[..., :columns] = red
        noise = torch.Generator().manual_seed(0)
        with torch.no_grad():
            drawn = draw_proposal(
                tiny_pipeline.proposer,
                tiny_pipeline.scheduler,
                Conditions(torch.ones(1, 1, 64, 64), hints),
                generator=noise,
            )
        return (drawn.colors - drawn.unhinted)[..., 15:].abs().max()

    assert draw(10) == 0.0  # of 16 columns: less than 65 %
    assert draw(15) > 1e-3


def test_strokes_over_one_sketch_draw_it_freely_once(tiny_pipeline, example_sketch, monkeypatch):
    calls = []
    original = tiny_pipeline.proposer.forward
    monkeypatch.setattr(
        tiny_pipeline.proposer, "forward", lambda *a, **k: calls.append(1) or original(*a, **k)
    )
    stroke = {"color": "#c03040", "width": 20, "points": [(150, 150)]}
    wishes = {"seed": 3, "resolution": 64, "num_inference_steps": 2}

    def drawn(**more) -> tuple[np.ndarray, int]:
        calls.clear()
        steps = []
        image = tiny_pipeline(
            example_sketch, **wishes | more, callback=lambda *step: steps.append(step)
        ).images[0]
        assert steps[-1] == (4, 4) and steps == sorted(steps)
        return np.asarray(image), len(calls)

    first, cost = drawn()
    again, none = drawn()
    assert (cost, none) == (2, 0) and np.array_equal(first, again)
    hinted, only_asked = drawn(hints=[stroke])
    assert only_asked == 1  # hints take a step less
    tiny_pipeline.clear_caches()
    anew, both = drawn(hints=[stroke])
    assert both == 3 and np.array_equal(hinted, anew)
    assert drawn(seed=4)[1] == 2 and drawn(num_inference_steps=2, seed=4)[1] == 0
    with torch.no_grad():
        next(tiny_pipeline.proposer.parameters()).add_(0.1)
    assert drawn(seed=4)[1] == 2  # another network, another colouring
