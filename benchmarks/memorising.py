"""Has a model learned its training pictures by heart, or colouring?

``python -m benchmarks.memorising --data ../shared/data -o benchmarks/memorising.json``

Drawings of training and of validation pictures are coloured without any wish. A model that copies
colours training pictures more truly than others, and gives drawings that it never saw the looks of
some training picture: its colourings lie nearer to one than other people's pictures do.
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

SIDE = 256  # pixels, at which drawings are coloured
THUMBNAIL = 16  # pixels a side: composition and colours, no lines


def thumbnails(pictures: Iterable[np.ndarray]) -> np.ndarray:
    """H×W×3 uint8 each → N×T²×3 float32 CIELAB."""
    small = [
        cv2.resize(picture, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
        for picture in pictures
    ]
    lab = [rgb_to_lab(s.astype(np.float32) / 255.0) for s in small]
    return np.stack(lab).reshape(len(lab), -1, 3)


def distances(queries: np.ndarray, shelf: np.ndarray) -> np.ndarray:
    """Mean ΔE of each query from each picture of a shelf or its mirror image, Q×S."""
    shape = (-1, THUMBNAIL, THUMBNAIL, 3)
    mirrored = shelf.reshape(shape)[:, :, ::-1].reshape(shelf.shape)

    def from_all(query: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        return np.linalg.norm(pictures - query, axis=2).mean(axis=1)

    found = [
        np.minimum(from_all(query, shelf), from_all(query, mirrored))
        for query in tqdm(queries, desc="compare")
    ]
    return np.stack(found)


@torch.inference_mode()
def colour(
    pipeline: SketchColorPipeline, images: list[Image.Image]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Automatic colourings, and the true pictures at their size."""
    coloured, truths = [], []
    for batch in tqdm(batches(images, SIDE), "colour", -(-len(images) // 8)):
        coloured += batch.pictures(pipeline.colour_tensor(batch.sketch, seeds=batch.indices))
        truths += batch.pictures(batch.truth)
    return coloured, truths


def compare(pipeline: SketchColorPipeline, data: Path, count: int) -> dict:
    """Measure both splits.

    Args:
        pipeline: the model.
        data: folder of the parquet files that it was trained and validated on.
        count: pictures of each split that are coloured.

    Returns:
        ``psnr`` and ``own_picture_is_nearest`` (a share) of the colourings of each split, and
        ``nearest_training_picture`` (mean ΔE of thumbnails) of validation's colourings and true
        pictures: the median and the least.
    """
    training = spread_rows(data, 2**31, split="train")
    shelf = thumbnails(
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
        found, from_own = distances(drawn, shelf), np.linalg.norm(drawn - true, axis=2).mean(1)
        if split == "train":
            found[np.arange(len(chosen)), chosen] = np.inf
        nearest = found.min(axis=1)
        report["own_picture_is_nearest"][split] = float((from_own < nearest).mean())
    report["nearest_training_picture"] = {
        name: {"median": float(np.median(least)), "least": float(least.min())}
        for name, least in (
            ("colourings", nearest),
            ("true_pictures", distances(true, shelf).min(axis=1)),
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
