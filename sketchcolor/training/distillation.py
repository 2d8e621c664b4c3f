"""Distils VGG-19 into a slim network for style transfer, small enough to ship with the package.

    python -m sketchcolor.training.distillation --vgg19 vgg19.safetensors \\
        --data_files 'pictures/*.parquet' --textures paintings/ --output_dir runs/slim-vgg19

The student starts from the teacher's most active channels, with weights solved for by least squares
(He et al. 2017). Then it is trained on pictures, textures and its own style transfers to match the
teacher's features (Romero et al. 2015) and their Gram matrices.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.optimization import get_cosine_schedule_with_warmup
from PIL import Image
from torch import nn
from tqdm import tqdm

from ..images import read_image
from ..models.vgg19 import LAYERS as ALL_LAYERS
from ..models.vgg19 import VGG19Features
from ..style.pictures import painting
from ..style.settings import CONTENT_LAYER
from ..style.transfer import STYLE_LAYERS, gram
from .on_policy import OnPolicySamples
from .sources import Pictures, Source, load_images

__all__ = ["MATCHED_LAYERS", "SLIM_CHANNELS", "distil", "prune"]

SLIM_CHANNELS = (32, 80, 144, 192, 192)  # per block; 7 MB in half precision
MATCHED_LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
PRUNING_PICTURES = 192  # for the least squares
PRUNING_ROWS = 12_000  # positions in them that enter a layer's least squares
RIDGE = 1e-4  # ridge penalty, in units of the mean square of a layer's inputs
TEXTURE_SHARE = 0.4  # of the training pictures
BLEND_SHARE = 0.4  # of them, blended with a texture, as pictures during a style transfer look
ON_POLICY_SHARE = 0.5  # size of the on-policy part, in sizes of the batch that it is added to
LEARNING_RATE = 1e-4
RECORD = "training.json"  # beside the weights
PAINTINGS_PER_STYLE = 8  # of each painted style, from other seeds than the bundled ones


def prune(teacher: VGG19Features, channels: Sequence[int], pictures: torch.Tensor) -> VGG19Features:
    """Prunes the teacher's channels and fits the remaining weights by least squares.

    The most active channels of each layer remain. Layer by layer, the weights minimise the squared
    difference to the teacher's activations, given the activations of the pruned layers before (He
    et al. 2017, section 3.2). The 1×1 convolutions that predict the removed channels are fitted in
    the same way.

    Args:
        teacher: the full VGG-19.
        channels: of the five blocks.
        pictures: B×3×H×W in [-1, 1], to fit on.

    Returns:
        A network with the teacher's input convention and pooling; its weights require gradients.
    """
    shared = ("channel_order", "scale", "mean", "std", "pooling")
    config = {key: teacher.config[key] for key in shared}
    widened = {layer: teacher.config["channels"][int(layer[4]) - 1] for layer in MATCHED_LAYERS}
    slim = VGG19Features(channels=channels, widened=widened, **config)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        pruned = full = teacher.normalise(pictures)
        layers = iter(ALL_LAYERS)
        for target, source in zip(slim.features, teacher.features, strict=True):
            if not isinstance(source, nn.Conv2d):
                pruned, full = target(pruned), source(full)
                continue
            inputs, full = pruned, source(full)
            energy = full.relu().square().mean(dim=(0, 2, 3))
            chosen = energy.topk(target.out_channels).indices.sort().values
            _fit(target, inputs, full[:, chosen], rng)
            pruned = target(inputs)
            layer = next(layers)
            if layer in MATCHED_LAYERS:
                _fit(slim.widen[layer], pruned.relu(), full.relu(), rng)
    return slim.requires_grad_(True)


def distil(
    network: VGG19Features,
    teacher: VGG19Features,
    batches: Iterator[torch.Tensor],
    steps: int,
    learning_rate: float = LEARNING_RATE,
    on_policy: OnPolicySamples | None = None,
) -> list[float]:
    """Train the slim network.

    Args:
        network: from :func:`prune`, trained in place.
        teacher: the full VGG-19.
        batches: B×3×H×W in [-1, 1], without end.
        steps: updates.
        learning_rate: the peak: linear warm-up over the first twentieth, then a half cosine.
        on_policy: adds `ON_POLICY_SHARE` of its size to each batch.

    Returns:
        The loss of every step, the mean over the layers of two terms: squared error of the features
        over the teacher's variance, and squared error of their Gram matrices, which represent
        style, over the squared norm of the teacher's.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    # Without the warm-up, the first steps undo the solution of least squares or of an earlier run.
    schedule = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    losses: list[float] = []
    bar = tqdm(range(steps), desc="distil")
    for _ in bar:
        batch = next(batches)
        if on_policy is not None:
            batch = torch.cat([batch, on_policy.draw(math.ceil(ON_POLICY_SHARE * len(batch)))])
        loss = _distillation_loss(network, teacher, batch)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}")
    return losses


def _distillation_loss(
    network: VGG19Features, teacher: VGG19Features, pictures: torch.Tensor
) -> torch.Tensor:
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        targets = teacher(pictures, MATCHED_LAYERS)
    errors = []
    for layer, features in network(pictures, MATCHED_LAYERS).items():
        errors.append(F.mse_loss(features, targets[layer]) / targets[layer].var())
        grams, target = gram(features), gram(targets[layer])
        errors.append(((grams - target).square().sum((1, 2)) / target.square().sum((1, 2))).mean())
    return torch.stack(errors).sum() / len(MATCHED_LAYERS)


def _fit(
    layer: nn.Conv2d, inputs: torch.Tensor, outputs: torch.Tensor, rng: torch.Generator
) -> None:
    """Set a convolution to the least-squares solution of ``layer(inputs) = outputs``."""
    size = layer.kernel_size[0]
    rows, targets = [], []
    per_picture = 1 + PRUNING_ROWS // len(inputs)
    for picture, target in zip(inputs, outputs, strict=True):
        columns = F.unfold(picture[None], size, padding=size // 2)[0].T  # (hw, C·size²)
        positions = torch.randperm(len(columns), generator=rng)[:per_picture]
        rows.append(columns[positions])
        targets.append(target.flatten(1).T[positions])
    left = torch.cat(rows).double()
    left = torch.cat([left, torch.ones(len(left), 1, dtype=left.dtype)], dim=1)
    right = torch.cat(targets).double()
    normal = left.T @ left
    normal.diagonal().add_(RIDGE * normal.diagonal().mean())
    solution = torch.linalg.solve(normal, left.T @ right).float()
    layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
    if layer.bias is not None:
        layer.bias.copy_(solution[-1])


def crops(
    pictures: Sequence[Image.Image],
    textures: Sequence[Image.Image],
    side: int,
    size: int,
    seed: int,
) -> Iterator[torch.Tensor]:
    """Batches of random windows at random scales, of pictures and of textures, without end.

    Args:
        pictures: a sequence of PIL pictures, possibly decoded on access.
        textures: PIL pictures, in :data:`TEXTURE_SHARE` of the windows; may be empty.
        side: of the square windows, px. size: windows per batch.
        seed: of the choice.
    """
    rng = np.random.default_rng(seed)

    def window(among: Sequence[Image.Image]) -> np.ndarray:
        image = among[int(rng.integers(len(among)))]
        scale = side / min(image.size) * np.exp(rng.uniform(0.0, np.log(3.0)))
        width, height = (max(side, round(length * scale)) for length in image.size)
        large = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
        x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
        return np.asarray(large.crop((x, y, x + side, y + side)), np.float32)

    while True:
        batch = []
        for _ in range(size):
            from_textures = len(textures) and rng.random() < TEXTURE_SHARE
            pixels = window(textures if from_textures else pictures)
            if len(textures) and rng.random() < BLEND_SHARE:
                pixels = pixels + np.float32(rng.random()) * (window(textures) - pixels)
            batch.append(torch.from_numpy(pixels / 127.5 - 1.0).permute(2, 0, 1))
        yield torch.stack(batch)


def _paintings() -> list[Image.Image]:
    styles = (painting.brush, painting.halftone, painting.watercolour, painting.ink_wash)
    return [style(1000 + number) for style in styles for number in range(PAINTINGS_PER_STYLE)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vgg19", help="safetensors file of the teacher")
    parser.add_argument("--data_files", required=True, help="parquet files of pictures")
    parser.add_argument("--textures", type=Path, help="folder of paintings to train on, too")
    parser.add_argument("--init_from", type=Path, help="folder of a slim network to continue from")
    parser.add_argument(
        "--channels", type=int, nargs=5, default=SLIM_CHANNELS, help="of the five blocks"
    )
    parser.add_argument("--max_train_steps", type=int, default=4000)
    parser.add_argument("--learning_rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--train_batch_size", type=int, default=4)
    parser.add_argument("--side", type=int, default=128, help="px of the training pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=Path, required=True)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    teacher = VGG19Features.from_file(args.vgg19, pooling="average")
    textures = _paintings()
    if args.textures:
        textures += [read_image(path) for path in sorted(args.textures.iterdir())]
    source = Source(data_files=args.data_files)
    pictures = Pictures(load_images(source), source)
    batches = crops(pictures, textures, args.side, args.train_batch_size, args.seed)
    if args.init_from:
        network = VGG19Features.from_pretrained(args.init_from).float().requires_grad_(True)
        network.register_to_config(_name_or_path=None)  # no local path in published files
    else:
        count = PRUNING_PICTURES // args.train_batch_size
        network = prune(
            teacher, tuple(args.channels), torch.cat([next(batches) for _ in range(count)])
        )
    network = network.to(memory_format=torch.channels_last)
    on_policy = OnPolicySamples(
        network,
        contents=crops(pictures, [], args.side, 1, args.seed + 1),
        styles=crops(textures, [], args.side, 1, args.seed + 2),
        seed=args.seed,
    )
    started = time.perf_counter()
    losses = distil(network, teacher, batches, args.max_train_steps, args.learning_rate, on_policy)
    network.half().save_pretrained(args.output_dir)
    record = {
        "teacher": "VGG-19 (Simonyan & Zisserman 2015)",
        "steps": len(losses),
        "images": len(losses) * args.train_batch_size,
        "painted": len(losses) * math.ceil(ON_POLICY_SHARE * args.train_batch_size),
        "seconds": round(time.perf_counter() - started),
        "loss_first": float(np.mean(losses[:50])),
        "loss_last": float(np.mean(losses[-50:])),
        "seed": args.seed,
    }
    earlier = args.init_from and args.init_from / RECORD
    if earlier and earlier.exists():
        record["started_from"] = json.loads(earlier.read_text())
    (args.output_dir / RECORD).write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
