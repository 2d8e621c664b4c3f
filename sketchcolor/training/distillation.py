"""A slim VGG-19 that sees style as the real one does, small enough to come with the package.

    python -m sketchcolor.training.distillation --vgg19 vgg19.safetensors \\
        --data_files 'pictures/*.parquet' --textures paintings/ --output_dir runs/slim-vgg19

It begins as the real network's most active channels, with weights solved for by least squares.
Then it is trained, on pictures, textures and what it paints itself, until what it answers is what
the real one does (Romero et al. 2015), and so is what Gram matrices tell of it.
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
from ..style.transfer import CONTENT_LAYER, STYLE_LAYERS, gram
from .data import Source, load_images
from .on_policy import Easel

__all__ = ["SLIM", "distil", "slimmed"]

SLIM = (32, 80, 144, 192, 192)  # channels; 7 MB in half precision
SAMPLES = 12_000  # places at which a layer's answers are compared
SHOWN = 192  # pictures to begin with
RIDGE = 1e-4  # of the mean square of what a layer sees
LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
TEXTURE_SHARE = 0.4  # of the pictures shown
BLEND_SHARE = 0.4  # of them, mixed with a texture: a style pass looks at such pictures all the time
PAINTED_SHARE = 0.5  # of a batch's size, added to it
LEARNING_RATE = 1e-4
RECORD = "training.json"  # beside the weights
PAINTINGS = 8  # of each built-in manner, from other seeds than the bundled ones


def slimmed(
    teacher: VGG19Features, channels: Sequence[int], pictures: torch.Tensor
) -> VGG19Features:
    """A slim network that answers like the teacher as far as linear algebra can tell it to.

    It keeps the teacher's most active channels. Layer by layer its weights are those that bring
    it nearest to the teacher's answers, given what its own layers before make of the pictures
    (He et al. 2017, section 3.2), and likewise the widening that guesses the channels left out.

    Args:
        teacher: the real network.
        channels: of the five blocks.
        pictures: B×3×H×W in [-1, 1], to learn from.

    Returns:
        A network with the teacher's input convention and pooling, its weights free.
    """
    shared = ("channel_order", "scale", "mean", "std", "pooling")
    config = {key: teacher.config[key] for key in shared}
    widened = {layer: teacher.config["channels"][int(layer[4]) - 1] for layer in LAYERS}
    slim = VGG19Features(channels=channels, widened=widened, **config)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        ours = theirs = teacher.normalise(pictures)
        layers = iter(ALL_LAYERS)
        for to, origin in zip(slim.features, teacher.features, strict=True):
            if not isinstance(origin, nn.Conv2d):
                ours, theirs = to(ours), origin(theirs)
                continue
            before, theirs = ours, origin(theirs)
            energy = theirs.relu().square().mean(dim=(0, 2, 3))
            chosen = energy.topk(to.out_channels).indices.sort().values
            _fit(to, before, theirs[:, chosen], rng)
            ours = to(before)
            layer = next(layers)
            if layer in LAYERS:
                _fit(slim.widen[layer], ours.relu(), theirs.relu(), rng)
    return slim.requires_grad_(True)


def distil(
    network: VGG19Features,
    teacher: VGG19Features,
    batches: Iterator[torch.Tensor],
    steps: int,
    learning_rate: float = LEARNING_RATE,
    easel: Easel | None = None,
) -> list[float]:
    """Train the slim network.

    Args:
        network: slim and widened, trained in place.
        batches: B×3×H×W in [-1, 1], without end.
        steps: updates.
        learning_rate: rises to this over the first twentieth, then falls along a half cosine.
        easel: adds to each batch `PAINTED_SHARE` of its size, painted by the network itself.

    Returns:
        The loss of every step, mean over layers: squared error over the real features' variance,
        and of the Gram matrices over the real ones' square, which is what a style is judged by.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    # A first step in full would undo what least squares, or an earlier run, has found.
    schedule = get_cosine_schedule_with_warmup(optimizer, steps // 20, steps)
    losses: list[float] = []
    bar = tqdm(range(steps), desc="distil")
    for _ in bar:
        shown = next(batches)
        if easel is not None:
            shown = torch.cat([shown, easel.paint(math.ceil(PAINTED_SHARE * len(shown)))])
        loss = _difference(network, teacher, shown)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}")
    return losses


def _difference(
    network: VGG19Features, teacher: VGG19Features, pictures: torch.Tensor
) -> torch.Tensor:
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        wanted = teacher(pictures, LAYERS)
    errors = []
    for layer, guess in network(pictures, LAYERS).items():
        errors.append(F.mse_loss(guess, wanted[layer]) / wanted[layer].var())
        ours, theirs = gram(guess), gram(wanted[layer])
        errors.append(((ours - theirs).square().sum((1, 2)) / theirs.square().sum((1, 2))).mean())
    return torch.stack(errors).sum() / len(LAYERS)


def _fit(
    layer: nn.Conv2d, inputs: torch.Tensor, wanted: torch.Tensor, rng: torch.Generator
) -> None:
    """Set a convolution to the least-squares solution of ``layer(inputs) = wanted``."""
    size = layer.kernel_size[0]
    rows, targets = [], []
    per_picture = 1 + SAMPLES // len(inputs)
    for picture, answer in zip(inputs, wanted, strict=True):
        columns = F.unfold(picture[None], size, padding=layer.padding)[0].T  # (hw, C·size²)
        places = torch.randperm(len(columns), generator=rng)[:per_picture]
        rows.append(columns[places])
        targets.append(answer.flatten(1).T[places])
    left = torch.cat(rows).double()
    left = torch.cat([left, torch.ones(len(left), 1, dtype=left.dtype)], dim=1)
    right = torch.cat(targets).double()
    normal = left.T @ left
    normal.diagonal().add_(RIDGE * normal.diagonal().mean())
    solution = torch.linalg.solve(normal, left.T @ right).float()
    layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
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
        pictures: anything that can be indexed for PIL pictures.
        side: px of the square windows. size: pictures a batch.
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
    manners = (painting.brush, painting.halftone, painting.watercolour, painting.ink_wash)
    return [manner(1000 + number) for manner in manners for number in range(PAINTINGS)]


class _Pictures:
    """The pictures of a dataset, decoded when they are asked for."""

    def __init__(self, data_files: str) -> None:
        self.images = load_images(Source(data_files=data_files))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Image.Image:
        return read_image(self.images[index]["image"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vgg19", help="safetensors file of the real network")
    parser.add_argument("--data_files", required=True, help="parquet files of pictures")
    parser.add_argument("--textures", type=Path, help="folder of paintings to learn from, too")
    parser.add_argument("--init_from", type=Path, help="folder of a slim network to go on with")
    parser.add_argument("--channels", type=int, nargs=5, default=SLIM, help="of the five blocks")
    parser.add_argument("--max_train_steps", type=int, default=4000)
    parser.add_argument("--learning_rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--train_batch_size", type=int, default=4)
    parser.add_argument("--side", type=int, default=128, help="px of the pictures shown")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output_dir", type=Path, required=True)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    teacher = VGG19Features.from_file(args.vgg19, pooling="average")
    textures = _paintings()
    if args.textures:
        textures += [read_image(path) for path in sorted(args.textures.iterdir())]
    pictures = _Pictures(args.data_files)
    batches = crops(pictures, textures, args.side, args.train_batch_size, args.seed)
    if args.init_from:
        network = VGG19Features.from_pretrained(args.init_from).float().requires_grad_(True)
        network.register_to_config(_name_or_path=None)  # not a path of this machine
    else:
        shown = torch.cat([next(batches) for _ in range(SHOWN // args.train_batch_size)])
        network = slimmed(teacher, tuple(args.channels), shown)
    network = network.to(memory_format=torch.channels_last)
    easel = Easel(
        network,
        contents=crops(pictures, [], args.side, 1, args.seed + 1),
        styles=crops(textures, [], args.side, 1, args.seed + 2),
        seed=args.seed,
    )
    started = time.perf_counter()
    losses = distil(network, teacher, batches, args.max_train_steps, args.learning_rate, easel)
    network.half().save_pretrained(args.output_dir)
    record = {
        "teacher": "VGG-19 (Simonyan & Zisserman 2015)",
        "steps": len(losses),
        "images": len(losses) * args.train_batch_size,
        "painted": len(losses) * math.ceil(PAINTED_SHARE * args.train_batch_size),
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
