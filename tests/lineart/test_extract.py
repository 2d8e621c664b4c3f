"""Line extraction: published settings, seeded randomness, and real ink statistics."""

import cv2
import numpy as np
import pytest

from sketchcolor.lineart.extract import EXTRACTORS, extract, ink_statistics, random_lineart
from sketchcolor.training.data import Source, load_images
from tests.support.pictures import coloured_example, example_sketches


@pytest.mark.parametrize("extractor", EXTRACTORS)
def test_every_extractor_draws_the_outline_and_leaves_paper(colour_picture, extractor):
    lines = extract(colour_picture, extractor)
    assert lines.shape == colour_picture.shape[:2] and lines.dtype == np.uint8
    outline = (colour_picture == 0).all(axis=2)
    near = cv2.dilate(outline.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    assert lines[near].mean() < 220
    assert (
        lines[~cv2.dilate(near.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)].min()
        > 240
    )


def test_adaptive_threshold_is_opencvs_at_the_papers_settings(colour_picture):
    grey = cv2.cvtColor(colour_picture, cv2.COLOR_RGB2GRAY)
    expected = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, 2)
    assert (extract(colour_picture, "adaptive-mean") == expected).all()


def test_xdog_of_a_step_is_one_on_the_bright_side():
    step = np.full((40, 40, 3), 250, np.uint8)
    step[:, :20] = 30
    lines = extract(step, "xdog")
    assert lines[:, 25:].min() == 255
    assert lines[20, 18:20].max() < 60  # ink on the dark side of the border


def test_unknown_extractor_is_refused(colour_picture):
    with pytest.raises(ValueError, match="choose one of adaptive-mean"):
        extract(colour_picture, "magic")


def test_random_lineart_is_a_function_of_its_generator(colour_picture):
    def draw(seed):
        return random_lineart(colour_picture, np.random.default_rng(seed))

    assert (draw(1) == draw(1)).all()
    assert len({draw(seed).tobytes() for seed in range(12)}) == 12


def test_lines_of_every_hand_carry_ink_within_bounds():
    """No hand blots an example or leaves its lines out, and hands differ."""
    found = [
        ink_statistics(
            random_lineart(np.asarray(coloured_example(sketch, i)), np.random.default_rng(seed))
        )
        for i, sketch in enumerate(example_sketches())
        for seed in range(6)
    ]
    darkness = [one["darkness"] for one in found]
    assert 0.02 < np.median(darkness) < 0.12
    assert 0.004 < min(darkness) and max(darkness) < 0.4
    assert 3.0 * np.percentile(darkness, 10) < np.percentile(darkness, 90)


def test_training_lines_carry_as_much_ink_as_real_ones(shared):
    """Real sketches: darkness 0.056 (0.026–0.169), darker than half 3.5 % (0.4–10.6 %), touched
    12 % (6.6–36.7 %), as medians and 10th to 90th percentiles. The mix must cover that range
    without leaving its neighbourhood."""
    source = Source(data_files=str(shared / "data/validation-*.parquet"), split="validation")
    images = load_images(source)
    found = []
    for i in range(0, len(images), 4):
        colour = np.asarray(images[i]["image"].convert("RGB"))
        found.append(ink_statistics(random_lineart(colour, np.random.default_rng(i))))
    low, middle, high = (
        {k: np.percentile([f[k] for f in found], q) for k in found[0]} for q in (10, 50, 90)
    )
    assert 0.04 < middle["darkness"] < 0.09
    assert 0.01 < low["darkness"] < 0.04 and 0.13 < high["darkness"] < 0.21
    assert 0.01 < middle["half"] < 0.06
    assert low["half"] < 0.006 and 0.08 < high["half"] < 0.18
    assert 0.09 < middle["touched"] < 0.2
    assert low["touched"] < 0.09 and 0.3 < high["touched"] < 0.5
