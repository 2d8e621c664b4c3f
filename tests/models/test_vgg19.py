"""VGG-19 features: indices, input conventions, loading, freezing."""

import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from sketchcolor.models.vgg19 import CAFFE, LAYERS, TORCH, WEIGHTS_VARIABLE, VGG19Features
from sketchcolor.style.network import load_style_network

WIDTHS = (4, 5, 6, 7, 8)
CONVOLUTION_INDICES = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]


@pytest.fixture
def tiny() -> VGG19Features:
    torch.manual_seed(0)
    return VGG19Features(channels=WIDTHS)


def test_parameters_have_the_usual_indices(tiny):
    keys = {f"features.{n}.{kind}" for n in CONVOLUTION_INDICES for kind in ("weight", "bias")}
    assert set(tiny.state_dict()) == keys
    assert LAYERS[0] == "relu1_1" and LAYERS[-1] == "relu5_4" and len(LAYERS) == 16


def test_shapes_and_order_of_requested_layers(tiny):
    found = tiny(torch.zeros(2, 3, 32, 48), ["relu5_4", "relu1_1", "relu3_2"])
    assert list(found) == ["relu5_4", "relu1_1", "relu3_2"]
    assert found["relu1_1"].shape == (2, 4, 32, 48)
    assert found["relu3_2"].shape == (2, 6, 8, 12)
    assert found["relu5_4"].shape == (2, 8, 2, 3)
    assert all((x >= 0).all() for x in found.values())


def test_shallow_activations_are_not_overwritten_by_deeper_layers(tiny):
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    alone = tiny(image, ["relu1_1"])["relu1_1"]
    together = tiny(image, ["relu1_1", "relu5_4"])["relu1_1"]
    torch.testing.assert_close(alone, together)


def test_stops_after_the_deepest_layer(tiny):
    def fail(*_):
        raise AssertionError("a layer deeper than requested was computed")

    tiny.features[10].register_forward_hook(fail)
    tiny(torch.zeros(1, 3, 16, 16), ["relu2_2"])


def test_caffe_convention_by_hand(tiny):
    image = torch.rand(1, 3, 8, 8) * 2 - 1
    pixels = (image[:, [2, 1, 0]] + 1) * 127.5 - torch.tensor([103.939, 116.779, 123.68]).view(
        1, 3, 1, 1
    )
    first = tiny.features[0]
    by_hand = F.relu(F.conv2d(pixels, first.weight, first.bias, padding=1))
    torch.testing.assert_close(tiny(image, ["relu1_1"])["relu1_1"], by_hand, rtol=1e-4, atol=1e-3)


def test_torch_convention_by_hand():
    model = VGG19Features(channels=WIDTHS, **TORCH)
    grey = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 8, 8) * 2 - 1
    first = model.features[0]
    expected = (
        F.relu(first.bias).view(1, -1, 1, 1).expand(1, 4, 8, 8)
    )  # the mean image is normalised to 0
    torch.testing.assert_close(model(grey, ["relu1_1"])["relu1_1"], expected, atol=1e-5, rtol=1e-4)


def test_average_pooling(tiny):
    average = VGG19Features(channels=WIDTHS, pooling="average")
    average.load_state_dict(tiny.state_dict())
    image = torch.rand(1, 3, 8, 8) * 2 - 1
    shallow = average(image, ["relu1_2"])["relu1_2"]
    second = average.features[5]
    by_hand = F.relu(second(F.avg_pool2d(shallow, 2)))
    torch.testing.assert_close(average(image, ["relu2_1"])["relu2_1"], by_hand)
    assert not torch.equal(by_hand, tiny(image, ["relu2_1"])["relu2_1"])


def test_frozen_but_transparent_to_gradients(tiny):
    assert not any(p.requires_grad for p in tiny.parameters())
    assert not tiny.train().training
    image = torch.zeros(1, 3, 32, 32, requires_grad=True)
    sum(x.mean() for x in tiny(image, ["relu1_2", "relu3_1"]).values()).backward()
    assert image.grad.abs().sum() > 0


def test_unknown_layer_is_named(tiny):
    with pytest.raises(ValueError, match="conv4_2"):
        tiny(torch.zeros(1, 3, 16, 16), ["conv4_2"])
    with pytest.raises(ValueError, match="relu1_1"):
        tiny(torch.zeros(1, 3, 16, 16), [])


def test_half_precision_file_with_a_classifier_loads_as_float32(tiny, tmp_path, monkeypatch):
    path = tmp_path / "vgg.safetensors"
    state = {key: value.half() for key, value in tiny.state_dict().items()}
    save_file(state | {"head.fc.weight": torch.zeros(3, 3)}, path)
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(path))
    loaded = VGG19Features.from_file()
    assert loaded.dtype == torch.float32
    assert tuple(loaded.config.channels) == WIDTHS
    assert loaded.config.channel_order == CAFFE["channel_order"]
    rounded = tiny.features[34].weight.half().float()
    torch.testing.assert_close(loaded.features[34].weight, rounded, rtol=0, atol=0)
    assert VGG19Features.from_file(path, convention="torch").config.channel_order == "rgb"


def test_config_survives_save_pretrained(tmp_path):
    model = VGG19Features(channels=WIDTHS, pooling="average", **TORCH)
    model.save_pretrained(tmp_path)
    again = VGG19Features.from_pretrained(tmp_path)
    assert again.config.pooling == "average"
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    torch.testing.assert_close(
        model(image, ["relu5_1"])["relu5_1"], again(image, ["relu5_1"])["relu5_1"]
    )


def test_missing_and_foreign_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    with pytest.raises(FileNotFoundError, match=WEIGHTS_VARIABLE):
        VGG19Features.from_file()
    with pytest.raises(FileNotFoundError, match="absent.safetensors"):
        VGG19Features.from_file(tmp_path / "absent.safetensors")
    text = tmp_path / "text.safetensors"
    text.write_text("no weights here, only words")
    with pytest.raises(ValueError, match="not a readable safetensors file"):
        VGG19Features.from_file(text)
    other = tmp_path / "other.safetensors"
    save_file({"features.0.bias": torch.zeros(2)}, other)
    with pytest.raises(ValueError, match="not a VGG-19"):
        VGG19Features.from_file(other)


def test_published_weights_distinguish_edges_from_flat_colour(real_data):
    vgg = VGG19Features.from_file(real_data("weights/vgg19_imagenet_caffe_fp16.safetensors"))
    assert tuple(vgg.config.channels) == (64, 128, 256, 512, 512)
    assert_edges_count(vgg)


def test_bundled_weights_distinguish_edges_from_flat_colour():
    assert_edges_count(load_style_network())


def assert_edges_count(vgg: VGG19Features) -> None:
    """An edge excites a deep layer much more than flat colour does."""
    flat = torch.zeros(1, 3, 64, 64)
    edge = flat.clone()
    edge[..., 32:] = 1
    with torch.no_grad():
        mean = [vgg(x, ["relu3_4"])["relu3_4"].mean() for x in (flat, edge)]
    assert mean[1] > 1.5 * mean[0]
