"""Systems measured on the kinds of line art and hints that they were trained with."""

import numpy as np
import pytest
import torch
from PIL import Image

from sketchcolor.evaluation.evaluate import batches, evaluate
from sketchcolor.geometry import Fit
from sketchcolor.images import to_tensor
from sketchcolor.lineart.extract import extract

SIDE = 64


@pytest.fixture
def images(coloured_examples) -> list[Image.Image]:
    import datasets

    files = {"validation": str(coloured_examples / "validation-*.parquet")}
    loaded = datasets.load_dataset("parquet", data_files=files, split="validation")
    return [image.convert("RGB") for image in loaded["image"][:3]]


class FollowsHints:
    """Paints every picture in the mean colour of its hints."""

    conditions = ("hints",)
    proposer = None
    device = "cpu"

    def __init__(self) -> None:
        self.painted: list[float] = []
        self.sketches: list[torch.Tensor] = []

    def colour_tensor(self, sketch, hints=None, seeds=None, num_inference_steps=1):
        self.sketches.append(sketch)
        colour = torch.zeros(len(sketch), 3, *sketch.shape[2:])
        if hints is not None:
            mask = hints[:, 3:]
            self.painted.append(float(mask.mean()))
            mean = (hints[:, :3] * mask).sum((2, 3)) / mask.sum((2, 3)).clamp(min=1)
            colour = mean[:, :, None, None].expand_as(colour)
        return colour


def test_own_hints_are_of_the_kind_that_is_named(images):
    model = FollowsHints()
    found = evaluate(model, images, hint_counts=(), side=SIDE, hint_kind="white-out")
    assert list(found["protocols"]) == ["automatic", "own_hints"]
    assert found["settings"]["hint_kind"] == "white-out"
    assert min(model.painted) > 0.15  # dense hints
    assert "hint_delta_e" in found["protocols"]["own_hints"]
    without = evaluate(FollowsHints(), images, hint_counts=(), side=SIDE)
    assert list(without["protocols"]) == ["automatic"]


def test_line_art_is_that_of_the_extractor_that_is_named(images):
    model = FollowsHints()
    evaluate(model, images[:1], hint_counts=(), side=SIDE, lineart="adaptive-mean")
    (batch,) = batches(images[:1], SIDE, lineart="adaptive-mean")
    assert torch.equal(model.sketches[0], batch.sketch)
    drawn = Image.fromarray(extract(np.asarray(images[0]), "adaptive-mean"))
    fit: Fit = batch.fits[0]
    assert torch.equal(batch.sketch, to_tensor(fit.apply(drawn)))
    with pytest.raises(ValueError, match="Unknown extractor 'pencil'"):
        evaluate(model, images[:1], side=SIDE, lineart="pencil")
