"""Styles: one vector, made alike in training and for a visitor's reference."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor import load_pipeline
from sketchcolor.images import to_tensor
from sketchcolor.models import StyleGuidedGenerator
from sketchcolor.models import style_vector as style
from sketchcolor.models.vgg19 import WEIGHTS_VARIABLE
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.training.bundle import bundle
from tests.support.training import train

FAST = {"seed": 0, "resolution": 64, "lines": "model", "clean_paper": False}


def references() -> list[Image.Image]:
    """Two pictures of different shapes and colours."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    return [Image.new("RGB", (40, 60), "red"), Image.fromarray(noise)]


def test_a_vector_is_the_pooled_last_layer_scaled_to_one(tiny_vgg):
    picture = torch.rand(2, 3, style.SIDE, style.SIDE) * 2 - 1
    pooled = tiny_vgg(picture, ["relu5_4"])["relu5_4"].mean((2, 3))
    vectors = style.from_pictures(tiny_vgg, picture)
    assert vectors.shape == (2, 12)
    assert torch.allclose(vectors, pooled / pooled.max(1, keepdim=True).values)
    assert vectors.min() >= 0 and vectors.max() == 1


def test_training_and_a_visitor_get_the_same_vector(tiny_vgg, vgg_file, monkeypatch):
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(vgg_file))
    red, noise = (style.from_image(picture) for picture in references())
    for picture, vector in zip(references(), (red, noise), strict=True):
        assert torch.allclose(vector, style.from_pictures(tiny_vgg, to_tensor(picture)), atol=1e-5)
    assert (red - noise).abs().max() > 1e-3


def test_a_trained_model_takes_a_reference_through_the_pipeline(
    pictures, vgg_file, tmp_path, example_sketch, monkeypatch
):
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(vgg_file))
    settings = {"max_train_steps": 2, "vgg19": vgg_file, "validation_files": pictures}
    run = train("style-guided", pictures, tmp_path / "run", validation_steps=2, **settings)
    assert (run / "sheets" / "step-000002.png").is_file()
    resolved = json.loads((run / "recipe.json").read_text())["recipe"]
    assert resolved["style_rate"] == 0.8 and resolved["guide_weights"] == [0.3, 0.9]
    bundle(run, tmp_path / "pipe")
    loaded = load_pipeline(tmp_path / "pipe", device="cpu")
    assert loaded.conditions == ("style",)
    loaded.generator.style.weight.data.mul_(100)  # after two steps a style is hardly seen
    plain = np.asarray(loaded(example_sketch, **FAST).images[0])
    assert plain.shape == (360, 300, 3)
    told = [loaded(example_sketch, reference=each, **FAST).images[0] for each in references()]
    assert np.any(np.asarray(told[0]) != plain)
    assert np.any(np.asarray(told[0]) != np.asarray(told[1]))


def test_without_vgg_there_is_one_clear_sentence(example_sketch, tmp_path, monkeypatch):
    model = StyleGuidedGenerator(channels=(4, 8), middle=16, exit_channels=8)
    pipeline = SketchColorPipeline(model)
    red = references()[0]
    monkeypatch.delenv(WEIGHTS_VARIABLE, raising=False)
    with pytest.raises(ValueError, match=f"are not here: set {WEIGHTS_VARIABLE} to"):
        pipeline(example_sketch, reference=red, **FAST)
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(tmp_path / "absent.safetensors"))
    with pytest.raises(ValueError, match="whose weights are not here"):
        pipeline(example_sketch, reference=red, **FAST)


def test_a_style_of_another_network_is_refused(example_sketch, vgg_file, monkeypatch):
    model = StyleGuidedGenerator(channels=(4, 8), middle=16, exit_channels=8)
    monkeypatch.setenv(WEIGHTS_VARIABLE, str(vgg_file))
    with pytest.raises(ValueError, match="takes 512 style features, not 12"):
        SketchColorPipeline(model)(example_sketch, reference=references()[0], **FAST)
