"""Line extraction: published settings, seeded randomness, and how much ink the lines carry."""

import cv2
import numpy as np
import pytest

from sketchcolor.lineart.extract import EXTRACTORS, extract, ink_statistics, random_lineart
from sketchcolor.training.sources import Source, load_images
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


def ink_percentiles(lines: list[np.ndarray]) -> list[dict[str, float]]:
    """10th, 50th and 90th percentile of each ink statistic."""
    found = [ink_statistics(each) for each in lines]
    return [{k: np.percentile([f[k] for f in found], q) for k in found[0]} for q in (10, 50, 90)]


def test_random_lines_of_examples_carry_the_usual_amounts_of_ink():
    """The bounds enclose what the present mix of extractors, pencils and papers gives, so that any
    change of the mix that shows is noticed. How the mix compares with real sketches is the next
    test's subject."""
    pictures = [np.asarray(coloured_example(each, i)) for i, each in enumerate(example_sketches())]
    low, middle, high = ink_percentiles(
        [
            random_lineart(picture, np.random.default_rng([i, seed]))
            for i, picture in enumerate(pictures)
            for seed in range(40)
        ]
    )
    assert 0.018 < low["darkness"] < 0.033
    assert 0.052 < middle["darkness"] < 0.072
    assert 0.12 < high["darkness"] < 0.17
    assert low["half"] < 0.006 and 0.02 < middle["half"] < 0.05 and 0.085 < high["half"] < 0.13
    assert 0.06 < low["touched"] < 0.095
    assert 0.12 < middle["touched"] < 0.175
    assert 0.29 < high["touched"] < 0.46


def test_about_a_third_of_random_lines_have_gaps():
    picture = np.full((200, 200, 3), 255, np.uint8)
    picture[99:101] = 0
    gaps = 0
    for seed in range(200):
        lines = random_lineart(picture, np.random.default_rng(seed)).astype(float)
        ink = lines[:90].mean() - lines[96:104].min(axis=0)  # darkness of the line along it
        gaps += ink.min() < 0.3 * ink.max()
    assert 0.25 < gaps / 200 < 0.45


def test_training_lines_carry_as_much_ink_as_real_ones(real_data):
    """Real sketches: darkness 0.056 (0.026–0.169), darker than half 3.5 % (0.4–10.6 %), touched
    12 % (6.6–36.7 %), as medians and 10th to 90th percentiles. The mix must cover that range
    without leaving its neighbourhood."""
    files = str(real_data("data") / "validation-*.parquet")
    images = load_images(Source(data_files=files, split="validation"))
    low, middle, high = ink_percentiles(
        [
            random_lineart(np.asarray(images[i]["image"].convert("RGB")), np.random.default_rng(i))
            for i in range(0, len(images), 4)
        ]
    )
    assert 0.04 < middle["darkness"] < 0.09
    assert 0.01 < low["darkness"] < 0.04 and 0.13 < high["darkness"] < 0.21
    assert 0.01 < middle["half"] < 0.06
    assert low["half"] < 0.006 and 0.08 < high["half"] < 0.18
    assert 0.09 < middle["touched"] < 0.2
    assert low["touched"] < 0.09 and 0.3 < high["touched"] < 0.5
