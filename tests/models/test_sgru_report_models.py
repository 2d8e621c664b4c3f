"""Auto-painter, SGRU and style-guided networks: published shapes, conditions, guides, saving."""

import pytest
import torch

from sketchcolor.models.auto_painter import AutoPainterGenerator
from sketchcolor.models.pix2pix import Pix2PixGenerator
from sketchcolor.models.sgru import SwishGatedGenerator
from sketchcolor.models.style_guided import AuxiliaryDiscriminator, StyleGuidedGenerator

STYLE = 12
TINY_STYLE_GUIDED = {
    "channels": (8, 16),
    "middle": 32,
    "exit_channels": 16,
    "style_features": STYLE,
}


def tiny_auto_painter() -> AutoPainterGenerator:
    torch.manual_seed(0)
    return AutoPainterGenerator(channels=(8, 16, 16)).eval()


def tiny_sgru_hint() -> SwishGatedGenerator:
    torch.manual_seed(0)
    return SwishGatedGenerator(channels=(4, 8, 8, 8), hints=True).eval()


def tiny_style_guided() -> StyleGuidedGenerator:
    torch.manual_seed(0)
    return StyleGuidedGenerator(**TINY_STYLE_GUIDED).eval()


def tiny_discriminator() -> AuxiliaryDiscriminator:
    torch.manual_seed(0)
    return AuxiliaryDiscriminator(channels=(8, 16), style_features=STYLE).eval()


def drawing(height: int = 16, width: int = 24) -> torch.Tensor:
    sketch = torch.ones(2, 1, height, width)
    sketch[..., height // 2, :] = -1
    return sketch


def output_shape(module: torch.nn.Module) -> list[tuple[int, ...]]:
    """A list to which the module's output shapes will be appended, without the batch."""
    shapes: list[tuple[int, ...]] = []
    module.register_forward_hook(lambda _, __, result: shapes.append(tuple(result.shape[1:])))
    return shapes


def test_auto_painter_is_pix2pix_with_four_more_planes():
    with torch.device("meta"):  # shapes without arithmetic
        model, pix2pix = AutoPainterGenerator().eval(), Pix2PixGenerator()
        bottleneck = output_shape(model.down[-1])
        image = model(torch.ones(1, 1, 256, 256)).image
    assert model.num_parameters() - pix2pix.num_parameters() == 4 * 64 * 4 * 4
    assert bottleneck == [(512, 1, 1)]
    assert image.shape == (1, 3, 256, 256)


def test_sketch_colour_and_mask_change_the_output_of_auto_painter():
    model, sketch = tiny_auto_painter(), drawing()
    coloured = torch.zeros(2, 4, 16, 24)
    coloured[:, 3, 4:8, 4:8] = 1
    grey = coloured.clone()  # RGB 0 is a colour where the mask is 1
    coloured[:, 0, 4:8, 4:8] = 1
    with torch.no_grad():
        plain = model(sketch).image
        assert plain.shape == (2, 3, 16, 24) and plain.abs().max() <= 1
        absent = model(sketch, torch.zeros(2, 4, 16, 24)).image
        assert torch.equal(absent, plain)
        assert (model(-sketch).image - plain).abs().max() > 1e-4
        assert (model(sketch, grey).image - plain).abs().max() > 1e-4
        assert (model(sketch, coloured).image - model(sketch, grey).image).abs().max() > 1e-4
    assert model.conditions == ("hints",) and model.multiple == 8


def test_swish_gated_has_the_published_widths_and_small_hints():
    with torch.device("meta"):
        unet, hinted = SwishGatedGenerator(), SwishGatedGenerator(hints=True)
        levels = [output_shape(block.body) for block in (*unet.down, *unet.up)]
        image = unet(torch.ones(1, 1, 256, 256)).image
    down = [(96, 256), (192, 128), (288, 64), (384, 32), (480, 16)]
    up = [(512, 8), (480, 16), (384, 32), (288, 64), (192, 128)]
    assert sum(levels, []) == [(width, side, side) for width, side in down + up]
    # Blocks concatenate their convolutions with the swish shortcut; on the way up also with a skip.
    assert unet.down[1].inlet[0].in_channels == 96 + 1  # the first shortcut is the sketch's
    assert unet.down[2].inlet[0].in_channels == 2 * 192
    assert unet.up[1].inlet[0].in_channels == 2 * 512 + 480
    assert image.shape == (1, 3, 256, 256)
    # Ye et al.: w/4 × w/4 × 4, concatenated with the features of that size.
    assert hinted.num_parameters() - unet.num_parameters() == 4 * 288
    assert hinted.down[2].inlet[0].in_channels == 2 * 192 + 4
    with pytest.raises(ValueError, match="Hints need 4 resolutions, not 3"):
        SwishGatedGenerator(channels=(8, 8, 8), hints=True)


@torch.no_grad()
def test_sketch_colour_and_mask_change_the_output_of_swish_gated():
    unet, sketch = tiny_sgru_hint(), drawing()
    plain = unet(sketch).image
    assert plain.shape == (2, 3, 16, 24) and plain.abs().max() <= 1
    grey = torch.zeros(2, 4, 16, 24)
    assert torch.equal(unet(sketch, grey).image, plain)
    grey[:, 3, 4:8, 4:8] = 1  # RGB 0 is a colour where the mask is 1
    coloured = grey.clone()
    coloured[:, 0, 4:8, 4:8] = 1
    assert (unet(-sketch).image - plain).abs().max() > 1e-4
    assert (unet(sketch, grey).image - plain).abs().max() > 1e-4
    assert (unet(sketch, coloured).image - unet(sketch, grey).image).abs().max() > 1e-4
    assert unet.conditions == ("hints",) and unet.multiple == 8
    without_hints = SwishGatedGenerator(channels=(4, 8)).eval()
    assert without_hints.conditions == ()
    with pytest.raises(ValueError, match="does not take hints"):
        without_hints(sketch, grey)


def test_style_guided_has_the_published_shapes():
    with torch.device("meta"):
        unet = StyleGuidedGenerator(style_features=4096)
        levels = [output_shape(block) for block in unet.down]
        middle, left = output_shape(unet.to_middle), output_shape(unet.from_middle)
        up = [output_shape(block) for block in reversed(unet.up)]
        coloured = unet(torch.ones(1, 1, 256, 256), torch.ones(1, 4096))
    assert sum(levels, []) == [
        (16, 256, 256),
        (32, 128, 128),
        (64, 64, 64),
        (128, 32, 32),
        (256, 16, 16),
    ]
    assert middle == [(2048, 8, 8)] and left == [(512, 16, 16)]
    assert sum(up, [])[:4] == [(128, 32, 32), (64, 64, 64), (32, 128, 128), (16, 256, 256)]
    assert unet.style.weight.shape == (2048, 4096)
    assert coloured.image.shape == coloured.colour_guide.shape == (1, 3, 256, 256)
    assert coloured.grey_guide.shape == (1, 1, 256, 256)


def test_sketch_and_style_change_the_output_of_style_guided():
    unet, sketch = tiny_style_guided(), drawing()
    with torch.no_grad():
        plain = unet(sketch)
        assert plain.image.shape == (2, 3, 16, 24) and plain.image.abs().max() <= 1
        assert plain.grey_guide is None and plain.colour_guide is None
        assert torch.equal(unet(sketch, torch.zeros(2, STYLE)).image, plain.image)
        assert (unet(-sketch).image - plain.image).abs().max() > 1e-4
        assert (unet(sketch, torch.ones(2, STYLE)).image - plain.image).abs().max() > 1e-4
    assert unet.conditions == ("style",) and unet.multiple == 4


def test_guides_give_gradients_to_the_middle():
    unet = tiny_style_guided().train()
    coloured = unet(drawing(), torch.ones(2, STYLE))
    assert coloured.grey_guide.shape == (2, 1, 16, 24)
    assert coloured.colour_guide.shape == (2, 3, 16, 24)

    coloured.grey_guide.abs().mean().backward(retain_graph=True)
    assert unet.inlet.weight.grad.abs().sum() > 0
    assert all(weight.grad.abs().sum() > 0 for weight in unet.grey_guide.parameters())
    assert unet.style.weight.grad is None  # the style is added after this guide

    coloured.colour_guide.abs().mean().backward()
    assert all(weight.grad.abs().sum() > 0 for weight in unet.colour_guide.parameters())
    assert unet.style.weight.grad.abs().sum() > 0
    assert unet.outlet[2].weight.grad is None


def test_discriminator_predicts_a_style_of_pictures_of_any_size():
    with torch.device("meta"):
        published = AuxiliaryDiscriminator(style_features=4096)
        scores = published(torch.ones(1, 1, 256, 256), torch.ones(1, 3, 256, 256))
    assert scores.shape == (1, 4096)
    discriminator, sketch = tiny_discriminator(), drawing()
    colour = torch.zeros(2, 3, 16, 24, requires_grad=True)
    scores = discriminator(sketch, colour)
    assert scores.shape == discriminator(sketch[..., :8], colour[..., :8]).shape == (2, STYLE)
    scores.sum().backward()
    assert colour.grad.abs().sum() > 0
    with torch.no_grad():
        assert (discriminator(-sketch, colour) - scores).abs().max() > 1e-4


@pytest.mark.parametrize(
    "build", [tiny_auto_painter, tiny_sgru_hint, tiny_style_guided, tiny_discriminator]
)
def test_weights_survive_saving(build, tmp_path):
    model = build()
    model.save_pretrained(str(tmp_path))
    loaded = type(model).from_pretrained(str(tmp_path))
    saved, found = model.state_dict(), loaded.state_dict()
    assert saved.keys() == found.keys()
    assert all(torch.equal(saved[name], found[name]) for name in saved)
