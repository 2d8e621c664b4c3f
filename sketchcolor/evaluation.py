"""Evaluation on a fixed split: line art extracted from colour images, coloured, compared with them.

Protocols: *automatic* (no hints) and *N hints* (N simulated strokes of the true colours). Every
image keeps its extracted line art, hints and noise whatever the model, the batch size or the number
of images, because each is drawn from a generator seeded by the image's index.

Sampling gives up PSNR and SSIM for colour: the average of all plausible colourings has the best
PSNR and looks worst. For models that sample, the automatic protocol therefore also reports the mean
picture of several samples and, for each measure, the best of them.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from . import metrics
from .conditions import hints
from .images import Fit, to_pil, to_tensor
from .lineart import random_lineart
from .models.vgg19 import WEIGHTS_VARIABLE, VGG19Features
from .plots import similarity_sheet
from .published import PublishedMetrics
from .sampling import DEFAULT_STEPS
from .scores import Scores

# sketch B×1×H×W, hints=None, generator=None, num_inference_steps → colour B×3×H×W in [-1, 1]
ColourFunction = Callable[..., Tensor]

# The table's columns and their decimal places; one that nothing has is left out.
COLUMNS = {
    "psnr": 2,
    "ssim": 3,
    "mse": 0,
    "lpips": 3,
    "pixel_difference": 1,
    "colour_emd": 3,
    "sift_similarity": 3,
    "colourfulness": 1,
    "fid": 1,
    "vgg19_fid": 2,
    "vgg19_kid": 3,
    "hint_delta_e": 1,
}
# The settings that the command line offers, each a parameter of `evaluate`.
SETTINGS = {
    "samples": "automatic colourings of each image",
    "hint_counts": "a protocol for each number of simulated hints",
    "num_inference_steps": "sampling steps of the colour proposal",
    "side": "px, square that the pictures are letterboxed to",
    "batch_size": "pictures coloured at once",
    "seed": "of line art, hints and noise",
}
NOTE = (
    "Letterboxed pictures; all but the set distances inside the picture, on 8-bit values with the "
    "model's own lines. PSNR in dB; `pixel_difference` is the mean Euclidean distance of colours "
    "in % of black to white, `colour_emd` the earth mover's distance of the channels' histograms "
    "(0 to 1), `sift_similarity` the share of the truth's keypoints found again. `fid` and "
    "`lpips`, where given, are torchmetrics' own. `vgg19_fid` and `vgg19_kid` are Fréchet and "
    f"kernel distances on spatially averaged VGG-19 {metrics.FEATURE_LAYER} features, not "
    "Inception-v3 values: compare them within this table only; on few images trust KID more. "
    "`hint_delta_e` is the median CIEDE2000 difference at painted pixels."
)


@dataclass(frozen=True)
class Batch:
    """Line art and truth of several images, letterboxed to one square."""

    indices: list[int]
    sketch: Tensor  # B×1×S×S
    truth: Tensor  # B×3×S×S
    fits: list[Fit]

    def pictures(self, colour: Tensor) -> list[np.ndarray]:
        """The unpadded pictures of a B×3×S×S tensor in [-1, 1], as uint8 h×w×3."""
        return [
            np.asarray(to_pil(fit.crop(each[None]))[0])
            for fit, each in zip(self.fits, colour, strict=True)
        ]

    def hint_map(self, count: int, seed: int = 0) -> Tensor:
        """B×4×S×S hint maps of ``count`` simulated hints each, inside the pictures only."""
        maps = torch.zeros(len(self.indices), 4, *self.sketch.shape[-2:])
        pictures = self.pictures(self.truth)
        for index, fit, picture, padded in zip(
            self.indices, self.fits, pictures, maps, strict=True
        ):
            rng = np.random.default_rng([seed, index, count])
            fit.crop(padded[None]).copy_(hints.to_tensor(hints.simulate(picture, rng, count)))
        return maps

    def repad(self, colour: Tensor) -> Tensor:
        """The same tensor with a pure white padding, so that only pictures are compared."""
        clean = torch.ones_like(colour)
        for fit, source, target in zip(self.fits, colour, clean, strict=True):
            fit.crop(target[None]).copy_(fit.crop(source[None]).clamp(-1, 1))
        return clean


def batches(
    images: Iterable[Image.Image], side: int = 256, batch_size: int = 8, seed: int = 0
) -> Iterator[Batch]:
    """Letterboxes colour images to side×side (white, right or below) with their line art.

    The whole picture is kept rather than a centre crop, because visitors bring whole figures. Line
    art is extracted at the picture's own size and then shrunk, as real drawings are.
    """
    waiting: list[tuple[int, Tensor, Tensor, Fit]] = []
    for index, image in enumerate(images):
        colour = image.convert("RGB")
        line_art = random_lineart(np.asarray(colour), np.random.default_rng([seed, index]))
        scale = side / max(colour.size)
        scaled = tuple(max(1, round(length * scale)) for length in colour.size)
        fit = Fit(colour.size, scaled, (side, side))
        sketch = to_tensor(fit.apply(Image.fromarray(line_art)))
        waiting.append((index, sketch, to_tensor(fit.apply(colour)), fit))
        if len(waiting) == batch_size:
            yield _stack(waiting)
            waiting = []
    if waiting:
        yield _stack(waiting)


def evaluate(
    model: ColourFunction | Any,
    images: Sequence[Image.Image],
    vgg: VGG19Features | None = None,
    published: PublishedMetrics | None = None,
    *,
    samples: int = 8,
    hint_counts: Sequence[int] = (5, 20),
    num_inference_steps: int = DEFAULT_STEPS,
    side: int = 256,
    batch_size: int = 8,
    seed: int = 0,
) -> dict[str, Any]:
    """Measure a model on colour images under all protocols.

    Args:
        model: a pipeline (its ``colour_tensor`` is used) or a function of the same signature,
            ``(sketch, hints=, generator=, num_inference_steps=) → colour``.
        images: PIL colour images in a fixed order; an image's place in it seeds its randomness.
        vgg: network for the set distances; None leaves them out.
        published: networks of FID and LPIPS; None leaves them out.
        samples: colourings of each image in the automatic protocol; a pipeline without a proposer
            always gives the same one and is asked once.
        hint_counts: one protocol for each number of simulated hints; none for a pipeline that
            takes no hints.
        num_inference_steps: of the proposer.
        side: square size in px that the pictures are letterboxed to.
        batch_size: pictures at once; it changes time and memory only.
        seed: of line art, hints and noise.

    Returns:
        ``settings``, ``truth`` (the measures of the images themselves) and ``protocols``, a mapping
        of "automatic", "hints_5", … to measures by name; means over the images, except for
        ``per_image``, a mapping of some of the measures to the values of all images.

    Raises:
        ValueError: there are no images.
    """
    if not len(images):
        raise ValueError("There are no images to evaluate on.")
    colour = getattr(model, "colour_tensor", model)
    device = getattr(model, "device", "cpu")
    if getattr(model, "proposer", ...) is None:
        samples = 1
    if "hints" not in getattr(model, "conditions", ("hints",)):
        hint_counts = ()

    @torch.inference_mode()
    def draw(batch: Batch, sample: int = 0, hint_map: Tensor | None = None) -> Tensor:
        output = colour(
            batch.sketch.to(device),
            hints=None if hint_map is None else hint_map.to(device),
            generator=[_noise(seed, index, sample) for index in batch.indices],
            num_inference_steps=num_inference_steps,
        )
        return batch.repad(output.float().cpu())

    truth_scores, automatic = Scores(), Scores()
    hinted = {count: Scores() for count in hint_counts}
    rounds = -(-len(images) // batch_size)
    for batch in tqdm(batches(images, side, batch_size, seed), "evaluate", rounds):
        truths = batch.pictures(batch.truth)
        truth_scores.add_pictures(truths)
        truth_scores.add_features(vgg, batch.truth)
        truth_scores.add_published(published, batch.truth)

        drawn = torch.stack([draw(batch, sample) for sample in range(samples)])  # (N, B, 3, S, S)
        automatic.add_pictures(batch.pictures(drawn[0]), truths)
        automatic.add_features(vgg, drawn[0])
        automatic.add_published(published, drawn[0], batch.truth)
        if samples > 1:
            automatic.add_best([batch.pictures(each) for each in drawn], truths)
            automatic.add_pictures(batch.pictures(drawn.mean(0)), truths, suffix="_of_mean")

        for count, scores in hinted.items():
            hint_map = batch.hint_map(count, seed)
            output = draw(batch, hint_map=hint_map)
            scores.add_pictures(batch.pictures(output), truths)
            scores.add_hints(output, hint_map)
            scores.add_features(vgg, output)
            scores.add_published(published, output, batch.truth)

    protocols = {"automatic": automatic} | {f"hints_{n}": s for n, s in hinted.items()}
    return {
        "settings": {
            "images": len(images),
            "side": side,
            "seed": seed,
            "samples": samples,
            "num_inference_steps": num_inference_steps,
            "vgg19_layer": metrics.FEATURE_LAYER if vgg else None,
        },
        "truth": truth_scores.summary(),
        "protocols": {name: each.summary(truth_scores) for name, each in protocols.items()},
    }


def markdown_table(results: Sequence[dict[str, Any]]) -> str:
    """One row for each model and protocol; all results must come from the same settings."""
    measured = [results[0]["truth"], *(v for r in results for v in r["protocols"].values())]
    columns = [name for name in COLUMNS if any(name in values for values in measured)]
    rows = [("model", "protocol", *columns)]
    for result in results:
        for protocol, values in result["protocols"].items():
            rows.append((result["model"], protocol, *(_cell(values, name) for name in columns)))
            for kind, label in (("_of_mean", "mean of {}"), ("_best", "best of {}")):
                if f"psnr{kind}" in values:
                    shown = {k.removesuffix(kind): v for k, v in values.items() if k.endswith(kind)}
                    label = f"{protocol}, {label.format(result['settings']['samples'])}"
                    rows.append((result["model"], label, *(_cell(shown, n) for n in columns)))
    truth = results[0]["truth"]
    rows.append(("truth", "", *(_cell(truth, name) for name in columns)))
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    rule = "|" + "---|" * 2 + "---:|" * len(columns)
    settings = results[0]["settings"]
    caption = f"{settings['images']} images at {settings['side']} px, seed {settings['seed']}. "
    return "\n".join([header, rule, *body, "", caption + NOTE]) + "\n"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of ``python -m sketchcolor evaluate``; the defaults are those of `evaluate`."""
    settings = inspect.signature(evaluate).parameters
    add = parser.add_argument
    add("--model", nargs="+", default=[None], help="folders or Hub ids (default: the bundled one)")
    add("--device", help="cpu, cuda, … (default: cuda where there is one)")
    add("--data_files", nargs="+", help="parquet files with the images; wildcards allowed")
    add("--dataset_name", help="Hub dataset, instead of --data_files")
    add("--split", default="validation", help="split of --dataset_name (default: %(default)s)")
    add("--image_column", default="image", help="default: %(default)s")
    add("--max_images", type=int, help="only the first N images")
    add("--vgg19", help=f"VGG-19 weights for its FID and KID (default: ${WEIGHTS_VARIABLE})")
    add(
        "--published",
        action="store_true",
        help="also FID (Inception-v3) and LPIPS, whose weights torchmetrics downloads",
    )
    add("--plots", action="store_true", help="also draw histograms beside the output")
    add("-o", "--output", type=Path, default=Path("evaluation.json"), help="default: %(default)s")
    for name, meaning in SETTINGS.items():
        default = settings[name].default
        many = "*" if isinstance(default, tuple) else None
        meaning += " (default: %(default)s)"
        add(f"--{name}", type=int, nargs=many, default=default, help=meaning)


def run(args: argparse.Namespace) -> int:
    """Evaluate the models named on the command line; write JSON and, beside it, a Markdown table.

    Returns:
        Exit status: 0, or 2 when something asked for cannot be loaded.
    """
    # Loading models pulls in every component; the functions above do without.
    from .hub import ModelLoadError, load_pipeline

    try:
        images = _load_images(args)
        vgg = None
        if args.vgg19 or os.environ.get(WEIGHTS_VARIABLE):
            vgg = VGG19Features.from_file(args.vgg19)
        else:
            print(
                "vgg19_fid and vgg19_kid are left out: "
                f"give --vgg19 or set {WEIGHTS_VARIABLE}."
            )
        published = _published_metrics() if args.published else None
        settings = {name: getattr(args, name) for name in SETTINGS}
        results = []
        for name in args.model:
            pipeline = load_pipeline(name, device=args.device)
            identity = {"model": pipeline.model_id, "revision": pipeline.revision}
            results.append(identity | evaluate(pipeline, images, vgg, published, **settings))
    except (ModelLoadError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    table = markdown_table(results)
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(results, indent=2) + "\n")
    args.output.with_suffix(".md").write_text(table)
    if args.plots:
        _write_plots(results, args.output)
    print(table)
    return 0


def _published_metrics() -> PublishedMetrics | None:
    """FID's and LPIPS's networks; says why if they cannot be had, and the rest is measured."""
    try:
        return PublishedMetrics()
    except ValueError as error:
        print(f"fid and lpips are left out: {error}", file=sys.stderr)
        return None


def _write_plots(results: Sequence[dict[str, Any]], output: Path) -> None:
    """``OUTPUT-MODEL-PROTOCOL.png`` for every row of the table."""
    for result in results:
        model = re.sub(r"[^\w.]+", "-", result["model"]).strip("-")
        for protocol, measures in result["protocols"].items():
            plot = output.with_name(f"{output.stem}-{model}-{protocol}.png")
            similarity_sheet(measures).save(plot)


def _load_images(args: argparse.Namespace) -> Sequence[Image.Image]:
    """The split's image column, decoded one by one as it is read."""
    import datasets  # takes a second, which the command line's other commands should not pay

    if args.dataset_name:
        dataset = datasets.load_dataset(args.dataset_name, split=args.split)
    elif args.data_files:
        files = {args.split: args.data_files}
        dataset = datasets.load_dataset("parquet", data_files=files, split=args.split)
    else:
        raise ValueError("No images are named; use --data_files or --dataset_name.")
    if args.image_column not in dataset.column_names:
        raise ValueError(
            f"There is no column {args.image_column!r}; --image_column can be one of "
            f"{', '.join(dataset.column_names)}."
        )
    if args.max_images is not None:
        dataset = dataset.select(range(min(args.max_images, len(dataset))))
    return dataset[args.image_column]


def _noise(seed: int, index: int, sample: int) -> torch.Generator:
    """The noise of one sample of one image, independent of batches."""
    (state,) = np.random.SeedSequence([seed, index, sample]).generate_state(1)
    return torch.Generator().manual_seed(int(state))


def _stack(waiting: Sequence[tuple[int, Tensor, Tensor, Fit]]) -> Batch:
    indices, sketches, truths, fits = zip(*waiting, strict=True)
    return Batch(list(indices), torch.cat(sketches), torch.cat(truths), list(fits))


def _cell(values: dict[str, float], name: str) -> str:
    if name not in values:
        return ""
    cell = f"{values[name]:.{COLUMNS[name]}f}"
    return f"{cell} ± {values[f'{name}_std']:.3f}" if f"{name}_std" in values else cell
