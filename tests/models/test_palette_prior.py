"""The palette prior: collected from cached views, drawn by layout and seed, used by pipelines."""

import numpy as np
import pytest
import torch

from sketchcolor.conditions import Palette
from sketchcolor.models import PalettePrior, Pix2PixGenerator
from sketchcolor.pipeline import SketchColorPipeline
from sketchcolor.training.palette_prior import collect
from tests.support.training import COLORS, SKIN, views

BLUE, GREY = (-0.6, -0.4, 0.8), (0.1, 0.1, 0.1)


@pytest.fixture
def prior(tmp_path) -> PalettePrior:
    """Ten blue figures on large white backgrounds and ten red pictures without any white."""
    blues = [(0.6, (-0.6, -0.4, 0.5 + 0.04 * i)) for i in range(10)]
    reds = [(0.0, (0.5 + 0.04 * i, -0.5, -0.4)) for i in range(10)]
    views(tmp_path, blues + reds)
    prior = collect(tmp_path)
    prior.register_to_config(nearest=5)
    return prior


def sketch_with_white(share: float) -> torch.Tensor:
    sketch = torch.ones(1, 1, 96, 96)
    edge = round(share * 96)
    sketch[..., edge : edge + 3] = -1.0  # an outline; the area inside is the figure
    sketch[..., :3, edge:] = sketch[..., -3:, edge:] = sketch[..., -3:] = -1.0
    return sketch


def test_a_sketch_gets_palettes_of_pictures_with_a_similar_layout(prior):
    for share, channel in ((0.6, 2), (0.0, 0)):
        colors, weights = prior.draw(sketch_with_white(share), list(range(12)))
        assert colors.shape == (12, COLORS, 3) and weights.shape == (12, COLORS)
        assert torch.allclose(weights.sum(1), torch.ones(12), atol=2e-3)
        assert (colors[:, 0].argmax(dim=1) == channel).all()
        assert len(colors[:, 0].unique(dim=0)) > 2  # palettes depend on the seed


def test_the_same_seed_draws_the_same_palette(prior):
    sketch = sketch_with_white(0.5)
    one, again = (prior.draw(sketch, [7])[0] for _ in range(2))
    assert torch.equal(one, again)
    together = prior.draw(sketch, [3, 7])[0]
    assert torch.equal(together[1:], one)


def test_all_views_of_a_picture_are_used(tmp_path):
    views(tmp_path, [(0.6, BLUE), (0.0, BLUE)])
    for name in ("colour", "lines", "palette", "shares", "ready"):
        rows = np.load(tmp_path / f"{name}.npy")
        np.save(tmp_path / f"{name}.npy", rows.reshape(1, 2, *rows.shape[2:]))
    prior = collect(tmp_path)
    assert len(prior.palettes) == 2 and not torch.equal(*prior.layouts)


def test_pictures_without_skin_or_any_other_colour_are_left_out(tmp_path):
    views(tmp_path, [(0.2, BLUE), (0.2, GREY), (0.2, GREY)])
    palette = np.load(tmp_path / "palette.npy")
    palette[1, 0] = GREY
    palette[2, 0] = SKIN
    np.save(tmp_path / "palette.npy", palette)
    assert len(collect(tmp_path).palettes) == 1
    palette[0, 0, 1] = BLUE
    np.save(tmp_path / "palette.npy", palette)
    with pytest.raises(ValueError, match="both colours and skin"):
        collect(tmp_path)


def test_a_pipeline_saves_the_prior_and_colours_with_it(
    prior, tiny_pipeline, example_sketch, tmp_path
):
    with_prior = SketchColorPipeline(
        tiny_pipeline.generator, tiny_pipeline.proposer, tiny_pipeline.scheduler, prior
    )
    plain = np.asarray(tiny_pipeline(example_sketch, seed=3, resolution=96).images[0])
    output = with_prior(example_sketch, seed=3, resolution=96, num_variants=2)
    assert not np.array_equal(np.asarray(output.images[0]), plain)
    second = with_prior(example_sketch, seed=4, resolution=96).images[0]
    difference = np.abs(np.asarray(second, int) - np.asarray(output.images[1], int))
    assert difference.mean() < 1.0  # a variant equals the picture of its seed alone

    with_prior.save_pretrained(tmp_path / "saved")
    loaded = SketchColorPipeline.from_pretrained(str(tmp_path / "saved"))
    again = np.asarray(loaded(example_sketch, seed=3, resolution=96).images[0])
    assert np.abs(again.astype(int) - np.asarray(output.images[0], int)).mean() < 1.0


def test_a_prior_needs_a_generator_that_takes_a_palette(prior):
    with pytest.raises(ValueError, match="takes no palette"):
        SketchColorPipeline(Pix2PixGenerator(channels=(4, 4)), palette_prior=prior)


def test_a_given_palette_is_used_instead_of_the_prior(prior, tiny_pipeline, example_sketch):
    palette = Palette(np.array([[200, 30, 40], [250, 220, 200]], np.uint8), np.array([0.5, 0.5]))
    with_prior = SketchColorPipeline(
        tiny_pipeline.generator, tiny_pipeline.proposer, tiny_pipeline.scheduler, prior
    )
    pictures = [
        np.asarray(pipeline(example_sketch, palette=palette, seed=3, resolution=96).images[0])
        for pipeline in (tiny_pipeline, with_prior)
    ]
    assert np.array_equal(*pictures)
