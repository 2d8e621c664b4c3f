"""Colouring and painting in one call."""

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor import SketchColorPipeline, StyledPipeline, load_pipeline
from sketchcolor.lineart.cleanup import clean_sketch
from sketchcolor.models.vgg19 import VGG19Features
from sketchcolor.session import Session
from sketchcolor.style.blend import StyleBlend, stylize
from sketchcolor.style.settings import Scale, Settings, Style
from sketchcolor.style.styled import style_of
from sketchcolor.style.transfer import StyleTransfer

QUICK = Settings(scales=(Scale(128, 3),), normalised=True)
SMALL = {"resolution": 64, "num_inference_steps": 1, "seed": 3}


@pytest.fixture(scope="module")
def transfer() -> StyleTransfer:
    torch.manual_seed(0)
    return StyleTransfer(VGG19Features(channels=(4, 6, 8, 8, 8), pooling="average"))


@pytest.fixture
def painting(transfer) -> dict:
    """How all of these paint."""
    return {"transfer": transfer, "settings": QUICK, "resolution": 128}


def test_one_call_does_what_two_calls_do(tiny_pipeline, painting, example_sketch):
    styled = StyledPipeline(tiny_pipeline, "brush", **painting)(
        example_sketch, num_variants=2, **SMALL
    )
    coloured = tiny_pipeline(example_sketch, num_variants=2, **SMALL)
    assert styled.seeds == coloured.seeds == [3, 4]
    lines = clean_sketch(example_sketch)
    for before, after, own in zip(coloured.images, styled.images, styled.coloured, strict=True):
        assert np.array_equal(before, own)
        wanted = stylize(before, [style_of("brush")], sketch=lines, **painting)
        assert np.array_equal(wanted, after)
        assert after.size == example_sketch.size
        assert np.asarray(after)[np.asarray(example_sketch) == 0].max() == 0


@pytest.mark.parametrize("several", [False, True])
def test_styles_come_as_names_pictures_and_styles(
    tiny_pipeline, painting, example_sketch, colour_picture, tmp_path, several
):
    file = tmp_path / "painting.png"
    Image.fromarray(colour_picture).save(file)
    given = ["halftone", file, str(file), colour_picture, Style(Image.fromarray(colour_picture))]
    for styles in [given] if several else given:
        pipeline = StyledPipeline(tiny_pipeline, styles, **painting)
        assert len(pipeline.styles) == (len(given) if several else 1)
        assert len(pipeline(example_sketch, **SMALL).images) == 1


def test_the_blend_and_the_models_own_lines(tiny_pipeline, painting, example_sketch):
    def painted(blend: StyleBlend, **colouring: str) -> np.ndarray:
        pipeline = StyledPipeline(tiny_pipeline, "brush", blend=blend, **painting)
        return np.asarray(pipeline(example_sketch, **SMALL, **colouring).images[0])

    plain = tiny_pipeline(example_sketch, **SMALL).images[0]
    assert np.array_equal(painted(StyleBlend(strength=0.0)), plain)
    ink = np.asarray(example_sketch) == 0
    assert painted(StyleBlend(), lines="keep")[ink].max() == 0
    assert painted(StyleBlend(), lines="model")[ink].max() > 0
    assert painted(StyleBlend(keep_lines=False))[ink].max() > 0


def test_a_session_is_painted_too(tiny_pipeline, painting, example_sketch):
    session = Session(example_sketch, 5, resolution=64, clean_paper=False)
    pipeline = StyledPipeline(tiny_pipeline, "brush", **painting)
    assert pipeline(**session.arguments()).seeds == [5]


def test_a_seed_is_that_of_the_noise(tiny_pipeline, transfer, example_sketch):
    noise = Settings(scales=(Scale(128, 1),), start="noise")
    begun: list[np.ndarray] = []
    pipeline = StyledPipeline(
        tiny_pipeline,
        "brush",
        transfer,
        settings=noise,
        resolution=128,
        on_step=lambda progress: begun.append(np.asarray(progress.preview)),
    )
    pipeline(example_sketch, **SMALL, num_variants=2)
    pipeline(example_sketch, **SMALL | {"seed": 4})
    third, fourth, alone = begun
    assert np.array_equal(fourth, alone) and not np.array_equal(third, fourth)


def test_stopping_leaves_the_variants_after_it_out(tiny_pipeline, painting, example_sketch):
    told = []

    def stop_at_fourth(progress) -> bool:
        told.append(progress.iteration)
        return len(told) < 4

    pipeline = StyledPipeline(tiny_pipeline, "brush", on_step=stop_at_fourth, **painting)
    result = pipeline(example_sketch, num_variants=3, **SMALL)
    assert told == [1, 2, 3, 1]
    assert result.seeds == [3, 4] and len(result.images) == len(result.coloured) == 2


def test_parts_and_flats_come_along(bundled_with_parts, painting, example_sketch):
    result = StyledPipeline(bundled_with_parts, "brush", **painting)(example_sketch, resolution=128)
    assert len(result.parts) == len(result.flats) == 1


@pytest.fixture
def bundled_with_parts() -> SketchColorPipeline:
    return load_pipeline(device="cpu")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"styles": []}, "at least one style"),
        ({"styles": Style(Image.new("RGB", (32, 32)), 0.0)}, "weight above zero"),
        ({"styles": "nowhere.png"}, "no file 'nowhere.png'"),
        ({"resolution": 9}, "working resolution"),
    ],
)
def test_what_cannot_be_painted_is_refused_before_anything_is_coloured(
    tiny_pipeline, painting, wrong, sentence
):
    with pytest.raises(ValueError, match=sentence):
        StyledPipeline(tiny_pipeline, **{"styles": "brush"} | painting | wrong)


@pytest.mark.parametrize("form", [{"output_type": "np"}, {"return_dict": False}])
def test_painted_pictures_are_of_pil(tiny_pipeline, painting, example_sketch, form):
    with pytest.raises(ValueError, match="leave output_type and return_dict out"):
        StyledPipeline(tiny_pipeline, "brush", **painting)(example_sketch, **form)
