"""Style transfer: the paper's equations, both optimisers, both modes, stopping."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.optimize import lsq_linear

from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.style.optimisation import Clock, _is_flat, optimise
from sketchcolor.style.settings import (
    CONTENT_LAYERS,
    FAITHFUL,
    FAST,
    OPTIMIZERS,
    STARTS,
    Scale,
    Settings,
    Style,
)
from sketchcolor.style.transfer import (
    NORMALISED_SHARES,
    SHARES,
    STYLE_LAYERS,
    StyleLoss,
    StyleTransfer,
    _enlarged,
    _tensor,
    gram,
)

SMALL = Settings(scales=(Scale(48, 12),))


@pytest.fixture(scope="module")
def transfer() -> StyleTransfer:
    torch.manual_seed(0)
    return StyleTransfer(VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average"))


@pytest.fixture
def content() -> Image.Image:
    y, x = np.mgrid[:60, :80]
    pixels = np.stack([x * 3, y * 4, 255 - x * 3], axis=2)
    return Image.fromarray(pixels.astype(np.uint8))


@pytest.fixture
def style() -> Image.Image:
    stripes = (np.arange(64) // 4 % 2)[:, None, None] * np.array([255, 180, 40])
    return Image.fromarray(np.broadcast_to(stripes, (64, 64, 3)).astype(np.uint8))


def losses_of(transfer, content, styles, settings) -> list[float]:
    seen = []
    transfer(content, styles, settings, on_step=lambda step: seen.append(step.loss))
    return seen


def test_gram_is_equation_3_per_position():
    features = torch.tensor([[[[1.0, 2.0]], [[3.0, 5.0]]]])  # two channels, two positions
    expected = torch.tensor([[[5.0, 13.0], [13.0, 34.0]]]) / 2
    assert torch.allclose(gram(features), expected)


@pytest.mark.parametrize("layer", CONTENT_LAYERS)
def test_the_loss_is_equation_7_by_hand(transfer, content, style, layer):
    page, other = _tensor(content, (48, 36)), _tensor(style, (48, 36))
    weights = {"alpha": 0.3, "beta": 0.7, "content_layer": layer}
    settings = Settings(scales=(Scale(48, 1),), squeeze=True, **weights)
    wanted = transfer._targets_of([Style(style)], 1.0, (48, 36), settings)
    loss = StyleLoss(transfer.network, page, wanted, settings)
    layers = [*STYLE_LAYERS, layer]
    ours, theirs = transfer.network(other, layers), transfer.network(page, layers)
    content_error = 0.5 * (ours[layer] - theirs[layer]).square().sum()
    assert torch.allclose(loss(other), 0.3 * content_error, rtol=1e-4)  # its style is exact
    style_error = 0.0
    for name in STYLE_LAYERS:
        _, channels, height, width = theirs[name].shape
        rows = [found[name][0].flatten(1) for found in (theirs, ours)]
        difference = rows[0] @ rows[0].T - rows[1] @ rows[1].T
        error = difference.square().sum() / (4 * channels**2 * (height * width) ** 2)
        style_error += error / len(STYLE_LAYERS)
    assert torch.allclose(loss(page), 0.7 * style_error, rtol=1e-3)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("start", STARTS)
def test_the_loss_falls(transfer, content, style, optimizer, normalised, start):
    settings = Settings(
        scales=(Scale(48, 25),), optimizer=optimizer, normalised=normalised, start=start
    )
    losses = losses_of(transfer, content, [Style(style)], settings)
    assert len(losses) == 25
    assert losses[-1] < 0.9 * losses[0]


def first_picture(transfer, content, styles, seed=0, **settings) -> np.ndarray:
    """What the optimiser begins with, as in figure 11 of Grover & Banker."""
    seen = []
    wanted = Settings(scales=(Scale(80, 1),), **settings)
    transfer(content, styles, wanted, seed, on_step=lambda step: seen.append(step.preview))
    return np.asarray(seen[0]).astype(int)


def test_painting_begins_with_what_is_asked_for(transfer, content, style):
    plain = Image.new("RGB", (64, 64), (30, 60, 200))
    given = [Style(plain, 1.0), Style(style, 2.0)]
    assert np.array_equal(first_picture(transfer, content, given, start="content"), content)
    heaviest = first_picture(transfer, content, given, start="style")
    stretched = np.asarray(style.resize((80, 60), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(heaviest - stretched).max() <= 1
    first, same, other = (
        first_picture(transfer, content, given, seed, start="noise") for seed in (1, 1, 2)
    )
    assert np.array_equal(first, same) and not np.array_equal(first, other)
    assert abs(first.mean() - 127.5) < 3 and first.std() > 70  # even over all levels


def test_without_alpha_the_content_is_ignored_and_without_beta_the_style(transfer, content, style):
    settings = Settings(scales=(Scale(48, 12),), start="noise", normalised=True)
    turned = content.transpose(Image.Transpose.ROTATE_180)
    plain = Image.new("RGB", (64, 64), (30, 60, 200))

    def painted(page: Image.Image, look: Image.Image, **weights: float) -> np.ndarray:
        return np.asarray(transfer(page, [Style(look)], replace(settings, **weights)))

    for weights, change in (
        ({"alpha": 0.0}, (turned, style)),
        ({"beta": 0.0}, (content, plain)),
    ):
        assert np.array_equal(painted(content, style, **weights), painted(*change, **weights)), (
            weights
        )
        assert not np.array_equal(painted(content, style), painted(*change))
    heavy, light = (
        transfer(content, [Style(style)], replace(settings, alpha=alpha)) for alpha in (10.0, 1e-6)
    )
    content_alone = replace(settings, beta=0.0)
    distance = [
        transfer.loss(each, content, [Style(style)], content_alone) for each in (heavy, light)
    ]
    assert distance[0] < distance[1]


def test_every_content_layer_paints_another_picture(transfer, content, style):
    even = replace(SMALL, normalised=True)  # so that no layer is drowned by the style
    found = [
        np.asarray(transfer(content, [Style(style)], replace(even, content_layer=layer)))
        for layer in CONTENT_LAYERS
    ]
    for i, first in enumerate(found):
        assert not any(np.array_equal(first, other) for other in found[:i])


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"content_layer": "relu4_1"}, "no content layer of a style: use relu1_2, relu2_2"),
        ({"start": "photo"}, "no start of a style: use content, style, noise"),
        ({"optimizer": "sgd"}, "no optimiser of a style: use lbfgs, adam"),
        ({"alpha": -1.0}, "alpha is the weight of a loss: give 0 or more, not -1.0"),
        ({"beta": float("nan")}, "beta is the weight of a loss"),
        ({"alpha": 0.0, "beta": 0.0}, "both 0 nothing is painted"),
        ({"scales": ()}, "at least 1"),
        ({"scales": (Scale(48, 0),)}, "at least 1"),
    ],
)
def test_a_wrong_setting_gets_a_sentence(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(SMALL, **wrong)


def test_modes_are_what_the_seed_says_and_what_a_visitor_waits_for():
    assert (FAITHFUL.alpha, FAITHFUL.beta) == (1e-3, 1e-3)
    assert FAITHFUL.scales == (Scale(512, 1000),) and FAITHFUL.learning_rate == 1.0
    work = sum(scale.iterations * scale.side**2 for scale in FAST.scales) / 512**2
    assert work < 50  # of 500 faithful iterations a tenth
    assert [scale.side for scale in FAST.at(256).scales] == [64, 128, 256]


def test_the_faithful_mode_begins_with_white_noise():
    assert FAITHFUL.start == "noise" and FAST.start == "content"


def test_lbfgs_finds_the_lowest_loss_within_the_bounds():
    """Also where most pixels end at a bound: clamped after its steps, it stalled there."""
    random = torch.Generator().manual_seed(0)
    mixing = torch.randn(192, 192, generator=random) / 14 + torch.eye(192)
    wanted = torch.randn(192, generator=random) * 2.0

    def loss(page: torch.Tensor) -> torch.Tensor:
        assert float(page.detach().abs().max()) <= 1.0
        seen.append(page.detach())
        return (mixing @ page.flatten() - wanted).square().sum()

    seen: list[torch.Tensor] = []
    scale = Scale(8, 200)
    settings = Settings(scales=(scale,))
    best, go_on = optimise(
        torch.zeros(1, 3, 8, 8), loss, scale, settings, Clock(settings, on_step=None)
    )
    exact = lsq_linear(mixing.double().numpy(), wanted.double().numpy(), (-1.0, 1.0))
    assert go_on and 0.3 < (np.abs(exact.x) > 0.999).mean() < 0.9
    assert np.abs(best.flatten().numpy() - exact.x).max() < 0.01
    assert float(loss(best)) == pytest.approx(2.0 * exact.cost, rel=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_where_nothing_lowers_the_loss_the_picture_stays(optimizer):
    settings = Settings(scales=(Scale(8, 30), Scale(8, 30)), optimizer=optimizer)
    clock = Clock(settings, on_step=None)
    page = torch.zeros(1, 3, 8, 8)
    for done, scale in enumerate(settings.scales, start=1):
        best, go_on = optimise(page, lambda page: page.sum() * 0.0, scale, settings, clock)
        assert go_on and torch.allclose(best, page, atol=1e-6)
        assert clock.iteration == 30 * done


def test_an_optimiser_that_went_astray_begins_again():
    def loss(page: torch.Tensor) -> torch.Tensor:
        seen.append(float((page.detach() - 0.1).abs().max()))
        return (page - 0.1).square().mean()

    seen: list[float] = []
    scale = Scale(8, 80)
    # A rate whose steps throw the picture from one end of its range to the other.
    settings = Settings(scales=(scale,), optimizer="adam", learning_rate=2000.0)
    clock = Clock(settings, on_step=None)
    best, go_on = optimise(torch.zeros(1, 3, 8, 8), loss, scale, settings, clock)
    assert go_on and max(seen) > 0.8  # it did go astray
    assert float((best - 0.1).abs().max()) == pytest.approx(min(seen), abs=1e-5)
    assert min(seen) < 0.05


def test_a_finer_scale_takes_what_helps_of_the_coarse_change():
    page, wanted = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.1)

    def loss(picture: torch.Tensor) -> torch.Tensor:
        return (picture - wanted).square().mean()

    for change, kept in ((0.1, 0.1), (0.2, 0.1), (-0.5, 0.0)):
        found = _enlarged(torch.full((1, 3, 4, 4), change), page, loss, SHARES)
        assert torch.allclose(found, torch.full_like(page, kept), atol=1e-6)
    found = _enlarged(torch.full((1, 3, 4, 4), -0.5), page, loss, NORMALISED_SHARES)
    assert torch.allclose(found, torch.full_like(page, -0.25), atol=1e-6)


def test_coarse_to_fine_ends_at_the_last_scale(transfer, content, style):
    steps = []
    settings = Settings(scales=(Scale(32, 3), Scale(48, 2), Scale(64, 2)))
    picture = transfer(content, [Style(style)], settings, on_step=steps.append)
    assert picture.size == (64, 48)
    assert [step.side for step in steps] == [32] * 3 + [48] * 2 + [64] * 2
    assert [step.iteration for step in steps] == list(range(1, 8))
    assert steps[-1].seconds_left == 0.0 and steps[0].seconds_left > 0.0
    assert steps[-1].preview.size == (64, 48)


def test_a_jump_of_the_loss_ends_no_scale():
    falling = [1.0 * 0.9**i for i in range(20)]
    assert not _is_flat([*falling, 5.0], 0.01)
    assert _is_flat([*falling, *[falling[-1]] * 12], 0.01)


def test_a_flat_loss_ends_a_scale(transfer, content, style):
    settings = Settings(scales=(Scale(32, 200), Scale(48, 2)), plateau=0.5)
    steps = []
    transfer(content, [Style(style)], settings, on_step=steps.append)
    assert 10 < len(steps) < 200
    assert steps[-1].iteration == steps[-1].iterations == 202


def test_stopping_keeps_the_last_picture(transfer, content, style):
    steps = []

    def stop_at_third(step) -> bool:
        steps.append(step)
        return step.iteration < 3

    picture = transfer(content, [Style(style)], SMALL, on_step=stop_at_third)
    assert len(steps) == 3
    assert np.array_equal(np.asarray(picture), np.asarray(steps[-1].preview))
    assert len(losses_of(transfer, content, [Style(style)], SMALL)) == 12  # and at once again


def test_the_same_seed_gives_the_same_picture(transfer, content, style):
    settings = Settings(scales=(Scale(48, 4),), start="noise")
    first, second, other = (
        np.asarray(transfer(content, [Style(style)], settings, seed=seed)) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_styles_mix_by_weight(transfer, content, style):
    plain = Image.new("RGB", (64, 64), (30, 60, 200))
    only = transfer._targets_of([Style(style, 3.0)], 3.0, (48, 36), SMALL)
    both = transfer._targets_of([Style(style, 3.0), Style(plain, 1.0)], 4.0, (48, 36), SMALL)
    other = transfer._targets_of([Style(plain, 1.0)], 1.0, (48, 36), SMALL)
    for layer in STYLE_LAYERS:
        assert torch.allclose(both[layer], 0.75 * only[layer] + 0.25 * other[layer], rtol=1e-4)


def test_statistics_of_a_style_are_taken_once(transfer, content, style, monkeypatch):
    transfer(content, [Style(style)], SMALL)
    calls = []
    forward = transfer.network.forward
    monkeypatch.setattr(transfer.network, "forward", lambda *a: calls.append(a[1]) or forward(*a))
    transfer(content, [Style(style.copy())], SMALL)
    assert STYLE_LAYERS not in calls


@pytest.mark.parametrize("weights", [(), (0.0,), (1.0, -1.0)])
def test_styles_without_weight_get_a_sentence(transfer, content, style, weights):
    with pytest.raises(ValueError, match="at least one style"):
        transfer(content, [Style(style, weight) for weight in weights], SMALL)


@pytest.mark.parametrize("size", [(1, 1), (3, 400), (400, 3)])
def test_odd_shapes_come_through(transfer, content, style, size):
    settings = Settings(scales=(Scale(48, 2),))
    assert transfer(content, [Style(style.resize(size))], settings).size == (48, 36)
    assert max(transfer(content.resize(size), [Style(style)], settings).size) == 48
