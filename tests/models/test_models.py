"""Networks: shapes, parameters and FLOPs, conditions, saving; what the papers specify."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from sketchcolor.models import (
    ColorProposer,
    PatchDiscriminator,
    Pix2PixGenerator,
    SwishGatedRefiner,
)
from sketchcolor.training.recipes import RECIPES
from tests.support.networks import TINY_PROPOSER, tiny_proposer, tiny_refiner


def gigaflops(model, *inputs, **conditions) -> float:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(*inputs, **conditions)
    return counter.get_total_flops() / 1e9


def palette(batch: int = 1):
    weights = torch.full((batch, 9), 1 / 9)
    return {"palette": torch.linspace(-1, 1, batch * 27).reshape(batch, 9, 3), "weights": weights}


def test_proposer_has_few_parameters_and_flops():
    proposer = ColorProposer(**RECIPES["sketchcolor-proposal"].model_config)
    assert proposer.num_parameters() <= 14e6
    inputs = torch.zeros(1, 3, 64, 64), torch.zeros(1), torch.zeros(1, 1, 256, 256)
    assert gigaflops(proposer, *inputs, **palette()) <= 8


def test_refiner_has_few_parameters_and_flops():
    refiner = SwishGatedRefiner(**RECIPES["sketchcolor"].model_config)
    assert refiner.num_parameters() <= 15e6
    proposal = torch.zeros(1, 3, 64, 64)
    assert gigaflops(refiner, torch.zeros(1, 1, 256, 256), proposal=proposal, **palette()) <= 25


@pytest.mark.parametrize("patch", [1, 2, 4])
def test_the_velocity_leads_to_the_predicted_colours_for_any_patch(patch):
    torch.manual_seed(0)
    shape = {"patch": patch, "line_channels": (8,) * patch.bit_length()}
    proposer = ColorProposer(**TINY_PROPOSER | shape).eval()
    torch.nn.init.constant_(proposer.unet.conv_out.bias, 0.3)  # the same colour everywhere
    noisy, sketch = torch.randn(2, 3, 16, 16), torch.ones(2, 1, 64, 64)
    with torch.no_grad():
        velocity = proposer(noisy, torch.full((2,), 500.0), sketch)
    # At time 0.5, a step of 0.5 along the straight path ends at the predicted colour.
    assert torch.allclose(noisy - 0.5 * velocity, torch.full_like(noisy, 0.3), atol=1e-5)
    assert 16 % proposer.multiple == 0


def test_proposer_encodes_lines_once_for_all_steps():
    proposer = tiny_proposer()
    noisy, time = torch.randn(2, 3, 16, 16), torch.full((2,), 500.0)
    sketch = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        encoded = proposer.encode_lines(sketch)
        assert [features.shape[2] for features in encoded] == [16, 8]
        without = proposer(noisy, time, sketch)
        assert torch.equal(proposer(noisy, time, sketch, lines=encoded), without)
        other = proposer(noisy, time, sketch, lines=[features + 1.0 for features in encoded])
    assert not torch.allclose(other, without)


def test_a_wrong_number_of_line_channels_is_refused():
    with pytest.raises(ValueError, match="Patches of 4 need 3 line_channels, not 2"):
        ColorProposer(**TINY_PROPOSER | {"patch": 4})


def test_every_condition_changes_the_proposers_output():
    proposer = tiny_proposer()
    noisy, time, sketch = (
        torch.randn(2, 3, 16, 16),
        torch.full((2,), 500.0),
        torch.ones(2, 1, 64, 64),
    )
    with torch.no_grad():
        plain = proposer(noisy, time, sketch)
        assert plain.shape == noisy.shape
        drawn = sketch.clone()
        drawn[..., 30, :] = -1
        hints = torch.zeros(2, 4, 16, 16)
        hints[:, 0, 3, 3] = hints[:, 3, 3, 3] = 1
        for changed in (
            proposer(noisy, time, drawn),
            proposer(noisy, time, sketch, hints),
            proposer(noisy, time, sketch, **palette(2)),
            proposer(noisy, time / 2, sketch),
        ):
            assert (changed - plain).abs().max() > 1e-4
        absent = proposer(noisy, time, sketch, **palette(2), palette_present=torch.zeros(2).bool())
        assert torch.allclose(absent, plain, atol=1e-5)


def test_palette_order_does_not_matter():
    refiner = tiny_refiner(proposal=False)
    colors = palette()
    reversed_order = {name: value.flip(1) for name, value in colors.items()}
    with torch.no_grad():
        first = refiner(torch.ones(1, 1, 32, 32), **colors).image
        second = refiner(torch.ones(1, 1, 32, 32), **reversed_order).image
    assert torch.allclose(first, second, atol=1e-5)


def test_refiner_is_fully_convolutional_and_starts_from_the_proposal():
    refiner = SwishGatedRefiner(channels=(8, 16)).eval()
    proposal = torch.rand(1, 3, 8, 12) * 2 - 1
    image = refiner(torch.ones(1, 1, 32, 48), proposal=proposal).image
    assert image.shape == (1, 3, 32, 48)
    bilinear = torch.nn.functional.interpolate(proposal, (32, 48), mode="bilinear")
    assert (image - bilinear).abs().mean() < 0.1


def test_refiner_refuses_a_missing_or_superfluous_proposal():
    with pytest.raises(ValueError, match="needs a colour proposal"):
        tiny_refiner()(torch.ones(1, 1, 16, 16))
    with pytest.raises(ValueError, match="does not take a colour proposal"):
        tiny_refiner(proposal=False)(torch.ones(1, 1, 16, 16), proposal=torch.zeros(1, 3, 4, 4))


def test_pix2pix_has_the_published_shape():
    unet = Pix2PixGenerator()
    assert 54.0e6 < unet.num_parameters() < 54.6e6
    features = torch.zeros(1, 1, 256, 256)
    sizes = []
    with torch.no_grad():
        for block in unet.eval().down:
            features = block(features)
            sizes.append((features.shape[1], features.shape[2]))
    assert [width for width, _ in sizes] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [side for _, side in sizes] == [128, 64, 32, 16, 8, 4, 2, 1]
    assert unet(torch.zeros(1, 1, 256, 256)).image.shape == (1, 3, 256, 256)


def test_pix2pix_has_the_decoder_of_liao_et_al():
    with torch.device("meta"):
        unet = Pix2PixGenerator()
    filters = [part for block in unet.up for part in block if hasattr(part, "kernel_size")]
    # Section 3.1.1: CD512-CD1024-CD1024-CD1024-CD512-CD256-CD128-CD3. These widths include the
    # skips concatenated after a block, except for the first, which is given without.
    own = [layer.out_channels for layer in filters]
    assert own == [512, 512, 512, 512, 256, 128, 64, 3]
    assert [2 * width for width in own[:-1]] == [layer.in_channels for layer in filters[1:]]
    assert [2 * width for width in own[1:-1]] == [1024, 1024, 1024, 512, 256, 128]
    kinds = [{type(part) for part in block} for block in unet.up]
    assert [torch.nn.Dropout in kind for kind in kinds] == [True] * 3 + [False] * 5
    assert [torch.nn.BatchNorm2d in kind for kind in kinds] == [True] * 7 + [False]
    assert torch.nn.Tanh in kinds[-1]
    normed = [any(isinstance(p, torch.nn.BatchNorm2d) for p in block) for block in unet.down]
    assert normed == [False] + [True] * 6 + [False]


def test_patch_discriminator_is_table_1_of_w_zhang():
    with torch.device("meta"):
        discriminator = PatchDiscriminator(**RECIPES["pix2pix"].discriminator_config)
        shapes = []
        for layer in discriminator.layers:
            if isinstance(layer, torch.nn.Conv2d):
                layer.register_forward_hook(lambda _, __, out: shapes.append(tuple(out.shape[1:])))
        discriminator(torch.zeros(1, 1, 256, 256), torch.zeros(1, 3, 256, 256))
    assert shapes == [(64, 128, 128), (128, 64, 64), (256, 32, 32), (512, 31, 31), (1, 30, 30)]
    filters = [p for p in discriminator.layers if isinstance(p, torch.nn.Conv2d)]
    norms = [p for p in discriminator.layers if isinstance(p, torch.nn.BatchNorm2d)]
    first, second, third, fourth, last = (sum(w.numel() for w in f.parameters()) for f in filters)
    # Keras also counts running means and variances.
    second_norm, third_norm, fourth_norm = (4 * layer.num_features for layer in norms)
    assert (fourth_norm, last) == (2048, 8193)
    # The other counts in the table are not exactly those of such layers, but close.
    assert second + second_norm == pytest.approx(131_641, rel=1e-3)
    assert third + third_norm == pytest.approx(533_423, rel=0.02)
    assert fourth == pytest.approx(2_123_123, rel=0.02)
    # The paper's sketch has three equal planes, ours one; its first layer has no bias.
    assert (first - 64) // 4 * 6 == pytest.approx(6145, abs=1)


def test_spectral_norm_bounds_the_weights():
    discriminator = PatchDiscriminator(channels=(8, 16), spectral_norm=True)
    for _ in range(30):  # power iterations are made in training mode only
        discriminator(torch.zeros(1, 1, 32, 32), torch.zeros(1, 3, 32, 32))
    for layer in discriminator.layers:
        if isinstance(layer, torch.nn.Conv2d):
            assert abs(torch.linalg.matrix_norm(layer.weight.flatten(1), 2) - 1) < 0.05


@pytest.mark.parametrize("model", [tiny_proposer(), tiny_refiner()])
def test_weights_survive_saving(model, tmp_path):
    model.save_pretrained(str(tmp_path))
    loaded = type(model).from_pretrained(str(tmp_path))
    for (name, saved), found in zip(model.named_parameters(), loaded.parameters(), strict=True):
        assert torch.equal(saved, found), name


def test_a_palette_can_be_given_as_planes():
    proposer = ColorProposer(**TINY_PROPOSER, palette_as="planes").eval()
    torch.nn.init.normal_(proposer.unet.conv_out.weight, std=0.05)
    noisy, time = torch.randn(2, 3, 16, 16), torch.full((2,), 500.0)
    sketch = torch.ones(2, 1, 64, 64)
    with torch.no_grad():
        plain = proposer(noisy, time, sketch)
        with_palette = proposer(noisy, time, sketch, **palette(2))
        absent = proposer(noisy, time, sketch, **palette(2), palette_present=torch.zeros(2).bool())
    assert (with_palette - plain).abs().max() > 1e-4
    assert torch.allclose(absent, plain, atol=1e-5)
