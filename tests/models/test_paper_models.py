"""Networks of tlwh1179 and of Grover & Banker: published shapes, conditions, noise, saving."""

import pytest
import torch
from torch import nn

from sketchcolor.models.palette_attention import (
    AttentionGate,
    DecodingBlock,
    NoiseInjection,
    PaletteAttentionGenerator,
    StandardisedConv,
)
from sketchcolor.models.whiteout_hint import WhiteOutDiscriminator, WhiteOutGenerator
from sketchcolor.pipeline import SketchColorPipeline


def tiny_attention(noise: float = 0.5) -> PaletteAttentionGenerator:
    torch.manual_seed(0)
    model = PaletteAttentionGenerator(channels=(32, 32, 48))
    for part in parts(model, NoiseInjection):
        nn.init.constant_(part.scale, noise)
    return model.eval()


def tiny_white_out() -> WhiteOutGenerator:
    torch.manual_seed(0)
    return WhiteOutGenerator(channels=(8, 16, 16)).eval()


def tiny_discriminator() -> WhiteOutDiscriminator:
    torch.manual_seed(0)
    return WhiteOutDiscriminator(channels=(8, 16)).eval()


def parts(model: nn.Module, kind: type) -> list:
    return [part for part in model.modules() if isinstance(part, kind)]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn_sketch(batch: int = 1) -> torch.Tensor:
    sketch = torch.ones(batch, 1, 64, 64)
    sketch[..., 20:44, 30] = -1
    return sketch


def palette(batch: int = 1) -> dict[str, torch.Tensor]:
    colors = torch.linspace(-1, 1, batch * 27).reshape(batch, 9, 3)
    return {"palette": colors, "weights": torch.full((batch, 9), 1 / 9)}


def red_hint(batch: int = 1) -> torch.Tensor:
    hints = torch.zeros(batch, 4, 64, 64)
    hints[:, [0, 3], 10:20, 10:20] = 1
    return hints


def encoder_sizes(model: nn.Module, planes: int, side: int) -> list[tuple[int, ...]]:
    features, sizes = torch.empty(1, planes, side, side, device="meta"), []
    for block in model.down:
        features = block(features)
        sizes.append(tuple(features.shape[1:3]))
    return sizes


@torch.no_grad()
def difference(first: torch.Tensor, second: torch.Tensor) -> float:
    return (first - second).abs().max().item()


def test_palette_attention_has_the_published_shape():
    with torch.device("meta"):
        model = PaletteAttentionGenerator()
    assert model.down[0].body[0].in_channels == 30  # section 1.4
    widths = [64, 128, 256, 512, 512, 512, 512]
    sides = [128, 64, 32, 16, 8, 4, 2]
    assert encoder_sizes(model, 30, 256) == list(zip(widths, sides, strict=True))
    assert model(torch.empty(1, 1, 256, 256, device="meta")).image.shape == (1, 3, 256, 256)
    # Section 1: standardised weights everywhere, group norm only, a gate in every decoding block.
    assert all(isinstance(conv, StandardisedConv) for conv in parts(model, nn.Conv2d))
    assert not parts(model, nn.BatchNorm2d)
    assert len(parts(model, AttentionGate)) == len(parts(model, DecodingBlock)) == 6
    assert all(isinstance(block.noise, NoiseInjection) for block in model.up)
    assert model.num_parameters() == 61_925_289


def test_standardised_weights_ignore_scale_and_offset():
    conv = StandardisedConv(4, 6, 3)
    features = torch.randn(1, 4, 8, 8)
    with torch.no_grad():
        before = conv(features)
        conv.weight.mul_(3).add_(7)
        assert difference(conv(features), before) < 1e-3


@torch.no_grad()
def test_sketch_and_palette_change_the_output_of_palette_attention():
    model = tiny_attention(noise=0.0)
    sketch = drawn_sketch(2)
    plain = model(sketch).image
    assert plain.shape == (2, 3, 64, 64) and plain.abs().max() <= 1
    assert difference(model(torch.ones_like(sketch)).image, plain) > 1e-2
    with_palette = model(sketch, **palette(2)).image
    assert difference(with_palette, plain) > 1e-2
    assert difference(with_palette[0], with_palette[1]) > 1e-2
    present = torch.tensor([True, False])
    mixed = model(sketch, **palette(2), palette_present=present).image
    assert difference(mixed, torch.stack([with_palette[0], plain[1]])) < 1e-5
    with pytest.raises(ValueError, match="does not take hints"):
        model(sketch, hints=red_hint(2))


@torch.no_grad()
def test_palette_attention_is_fully_convolutional():
    model = tiny_attention()
    assert model.multiple == 8
    assert model(torch.ones(1, 1, 40, 64)).image.shape == (1, 3, 40, 64)


@torch.no_grad()
def test_the_noise_of_a_picture_comes_from_its_generator():
    model, sketch = tiny_attention(), drawn_sketch(2)
    first = model(sketch, generator=seeded(1)).image
    assert torch.equal(model(sketch, generator=seeded(1)).image, first)
    assert difference(model(sketch, generator=seeded(2)).image, first) > 0.1
    assert difference(model(sketch).image, model(sketch).image) > 0.1
    both = model(sketch, generator=[seeded(1), seeded(2)]).image
    alone = model(sketch[:1], generator=[seeded(2)]).image
    # Independent of the batch, except for rounding in the group norm of constant planes.
    assert difference(both[1:], alone) < 1e-2


@torch.no_grad()
def test_a_new_network_is_deterministic():
    model, sketch = PaletteAttentionGenerator(channels=(16, 16)).eval(), drawn_sketch()
    noises = [model(sketch, generator=seeded(seed)).image for seed in (1, 2)]
    assert torch.equal(*noises)


def test_the_pipeline_seeds_the_noise_of_the_model(in_float32, example_sketch):
    pipeline = SketchColorPipeline(tiny_attention())
    settings = {"resolution": 64, "lines": "model", "output_type": "pt", "clean_paper": False}
    pair = pipeline(example_sketch, seed=5, num_variants=2, **settings).images
    again = pipeline(example_sketch, seed=6, **settings).images
    assert difference(pair[0], pair[1]) > 0.1
    assert difference(pair[1:], again) < 1e-2  # the second variant is the next seed's first


def test_white_out_has_the_published_shape():
    with torch.device("meta"):
        model = WhiteOutGenerator()
        image = model(torch.empty(1, 1, 64, 64)).image
    # Section 4.2.1: 5×5, stride 2, doubling from 64; section 3: 64×64 pictures.
    assert encoder_sizes(model, 5, 64) == [(64, 32), (128, 16), (256, 8), (512, 4)]
    filters = [layer.body[0] for layer in (*model.down, *model.up)] + [model.outlet]
    assert all(f.kernel_size == (5, 5) and f.stride == (2, 2) for f in filters)
    assert [f.out_channels for f in filters[4:]] == [256, 128, 64, 3]
    assert image.shape == (1, 3, 64, 64)
    assert model.num_parameters() == 10_034_197


def test_white_out_discriminator_ends_fully_connected():
    with torch.device("meta"):
        model = WhiteOutDiscriminator()
        scores = model(torch.empty(2, 1, 64, 64), torch.empty(2, 3, 64, 64))
    filters = parts(model, nn.Conv2d)
    assert [f.out_channels for f in filters] == [64, 128, 256, 512]
    assert all(f.kernel_size == (5, 5) and f.stride == (2, 2) for f in filters)
    assert (model.head.in_features, model.head.out_features) == (512 * 4 * 4, 1)
    assert scores.shape == (2, 1)
    assert model.num_parameters() == 4_324_545 - 64 * 25  # one plane less: no sketch


@torch.no_grad()
def test_sketch_and_hints_change_the_output_of_white_out():
    model, sketch = tiny_white_out(), drawn_sketch()
    plain = model(sketch).image
    assert plain.shape == (1, 3, 64, 64) and plain.abs().max() <= 1
    assert difference(model(torch.ones_like(sketch)).image, plain) > 1e-2
    assert difference(model(sketch, hints=red_hint()).image, plain) > 1e-2
    assert torch.equal(model(sketch, hints=torch.zeros(1, 4, 64, 64)).image, plain)
    assert model.multiple == 8
    assert model(torch.ones(1, 1, 40, 64)).image.shape == (1, 3, 40, 64)


@torch.no_grad()
def test_lines_bypass_the_layers_of_white_out():
    model, sketch = tiny_white_out(), drawn_sketch()
    nn.init.zeros_(model.outlet.weight)
    line = difference(model(sketch).image, model(torch.ones_like(sketch)).image)
    assert line > 1e-2


@torch.no_grad()
def test_picture_and_hints_change_the_scores_of_the_white_out_discriminator():
    """D(x, z_hint): the sketch is not among its inputs."""
    model, sketch, colour = tiny_discriminator(), drawn_sketch(), torch.zeros(1, 3, 64, 64)
    plain = model(sketch, colour)
    for changed in (model(sketch, colour + 0.5), model(sketch, colour, red_hint())):
        assert difference(changed, plain) > 1e-4
    assert difference(model(torch.ones_like(sketch), colour), plain) == 0
    with pytest.raises(ValueError, match="64×64 pictures, not 32×32"):
        model(torch.ones(1, 1, 32, 32), torch.ones(1, 3, 32, 32))


@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (tiny_attention(noise=0.0), (drawn_sketch(),)),
        (tiny_white_out(), (drawn_sketch(), red_hint())),
        (tiny_discriminator(), (drawn_sketch(), torch.zeros(1, 3, 64, 64))),
    ],
)
@torch.no_grad()
def test_outputs_survive_saving(model, inputs, tmp_path):
    model.train()(*inputs)  # running statistics are also saved
    model.eval().save_pretrained(str(tmp_path))
    loaded = type(model).from_pretrained(str(tmp_path))
    before, after = model(*inputs), loaded(*inputs)
    if not isinstance(before, torch.Tensor):
        before, after = before.image, after.image
    assert torch.equal(before, after)
