"""Whether a model has memorised its training pictures.

``python -m benchmarks.memorising --data pictures -o benchmarks/memorising.json``

Line art of training and of validation pictures is coloured automatically. A model that memorises
reproduces training pictures more closely than validation pictures. What it makes of line art that
it has never seen also resembles some training picture: its colourings are nearer to one than the
true validation pictures are.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from benchmarks.pictures import read_arguments, spread_rows
from sketchcolor import load_pipeline
from sketchcolor.colour_space import rgb_to_lab
from sketchcolor.evaluation.evaluate import batches
from sketchcolor.evaluation.metrics import psnr
from sketchcolor.pipeline import SketchColorPipeline

SIDE = 256  # px, at which line art is coloured
THUMBNAIL = 16  # px, side of the thumbnails that are compared: so small that lines vanish


def thumbnails(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """H×W×3 uint8 each → N×T²×3 float32 CIELAB."""
    small = [
        cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        for picture in pictures
    ]
    lab = [rgb_to_lab(s.astype(np.float32) / 255.0) for s in small]
    return np.stack(lab).reshape(len(lab), -1, 3)


def distances(queries: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Mean ΔE of each query from each known picture or its mirror image, whichever is less: Q×K."""
    shape = (-1, THUMBNAIL, THUMBNAIL, 3)
    mirrored = known.reshape(shape)[:, :, ::-1].reshape(known.shape)

    def from_all(query: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        return np.linalg.norm(pictures - query, axis=2).mean(axis=1)

    found = [
        np.minimum(from_all(query, known), from_all(query, mirrored))
        for query in tqdm(queries, desc="compare")
    ]
    return np.stack(found)


@torch.inference_mode()
def colour(
    pipeline: SketchColorPipeline, images: list[Image.Image]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Automatic colourings, and the true pictures at the same size."""
    coloured, truths = [], []
    for batch in tqdm(batches(images, SIDE), "colour", -(-len(images) // 8)):
        coloured += batch.pictures(pipeline.colour_tensor(batch.sketch, seeds=batch.indices))
        truths += batch.pictures(batch.truth)
    return coloured, truths


def compare(pipeline: SketchColorPipeline, data: Path, count: int) -> dict:
    """Measures both splits.

    Args:
        pipeline: the model.
        data: folder of the parquet files that it was trained and validated on.
        count: how many pictures of each split are coloured.

    Returns:
        For the colourings of each split, ``psnr`` and ``own_picture_is_nearest``: the share that is
        nearer to its own true picture than to any other training picture. For the colourings and
        the true pictures of the validation split, ``nearest_training_picture``: median and least
        distance, as mean ΔE of thumbnails.
    """
    training = spread_rows(data, 2**31, split="train")
    known = thumbnails(
        np.asarray(row["image"].convert("RGB")) for row in tqdm(training, desc="training pictures")
    )
    chosen = np.linspace(0, len(training) - 1, min(count, len(training))).astype(int)
    images = {
        "train": [row["image"].convert("RGB") for row in training.select(chosen.tolist())],
        "validation": [row["image"].convert("RGB") for row in spread_rows(data, count)],
    }
    report: dict = {"images": count, "psnr": {}, "own_picture_is_nearest": {}}
    for split, pictures in images.items():
        coloured, truths = colour(pipeline, pictures)
        pairs = zip(coloured, truths, strict=True)
        report["psnr"][split] = float(np.mean([psnr(*pair) for pair in pairs]))
        drawn, true = thumbnails(coloured), thumbnails(truths)
        found, from_own = distances(drawn, known), np.linalg.norm(drawn - true, axis=2).mean(1)
        if split == "train":
            found[np.arange(len(chosen)), chosen] = np.inf
        nearest = found.min(axis=1)
        report["own_picture_is_nearest"][split] = float((from_own < nearest).mean())
    report["nearest_training_picture"] = {
        name: {"median": float(np.median(least)), "least": float(least.min())}
        for name, least in (
            ("colourings", nearest),
            ("true_pictures", distances(true, known).min(axis=1)),
        )
    }
    return report


def main() -> None:
    args = read_arguments(__doc__)
    pipeline = load_pipeline(args.model)
    report = {"model": pipeline.model_id} | compare(pipeline, args.data, args.count)
    args.output.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
