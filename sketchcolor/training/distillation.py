"""A slim VGG-19 that sees style as the real one does, small enough to come with the package.

    python -m sketchcolor.training.distillation --vgg19 vgg19.safetensors \\
        --data_files 'pictures/*.parquet' --textures paintings/ --output_dir runs/slim-vgg19

It begins as the real network's most active channels. Then, on pictures and textures, its features
are trained until one linear map per layer turns them into the real ones (Romero et al. 2015); the
maps are thrown away. What Gram matrices tell of one network they then tell of the other.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from tqdm import tqdm

from ..images import read_image
from ..models.vgg19 import LAYERS as ALL_LAYERS
from ..models.vgg19 import VGG19Features
from ..style_transfer import CONTENT_LAYER, STYLE_LAYERS
from ..styles import painting
from .data import Source, load_images

__all__ = ["SLIM", "Apprentice", "distil", "slimmed"]

SLIM = (32, 64, 128, 192, 192)  # channels; 6 MB in half precision
LAYERS = (*STYLE_LAYERS, CONTENT_LAYER)
TEXTURE_SHARE = 0.4  # of the pictures shown
PAINTINGS = 8  # of each built-in manner, from other seeds than the bundled ones


class Apprentice(nn.Module):
    """The slim network and its maps to the real one's features.

    Args:
        network: slim, its weights free.
        teacher: gives the number of channels to map to.
    """

    def __init__(self, network: VGG19Features, teacher: VGG19Features) -> None:
        super().__init__()
        self.network = network
        widths, wanted = _widths(network), _widths(teacher)
        self.maps = nn.ModuleDict(
            {layer: nn.Conv2d(widths[layer], wanted[layer], 1) for layer in LAYERS}
        )

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Layer → guess of the real features, from pictures B×3×H×W in [-1, 1]."""
        found = self.network(pictures, LAYERS)
        return {layer: self.maps[layer](found[layer]) for layer in LAYERS}


def slimmed(
    teacher: VGG19Features, channels: Sequence[int], pictures: torch.Tensor
) -> VGG19Features:
    """A slim network of the teacher's most active channels.

    Args:
        teacher: the real network.
        channels: of the five blocks.
        pictures: B×3×H×W in [-1, 1], to tell which channels are active.

    Returns:
        A network whose layers keep for each picture what the chosen channels answered alone.
    """
    config = {key: teacher.config[key] for key in ("channel_order", "scale", "mean", "std")}
    slim = VGG19Features(channels=channels, pooling=teacher.config["pooling"], **config)
    with torch.no_grad():
        active = teacher(pictures, ALL_LAYERS)
        kept = torch.arange(3)
        ours = (m for m in slim.features if isinstance(m, nn.Conv2d))
        theirs = (m for m in teacher.features if isinstance(m, nn.Conv2d))
        for name, to, origin in zip(ALL_LAYERS, ours, theirs, strict=True):
            energy = active[name].square().mean(dim=(0, 2, 3))
            chosen = energy.topk(to.out_channels).indices.sort().values
            # Fewer inputs say less: the rest is made up for by saying it louder.
            gain = (origin.in_channels / len(kept)) ** 0.5
            to.weight.copy_(origin.weight[chosen][:, kept] * gain)
            to.bias.copy_(origin.bias[chosen])
            kept = chosen
    return slim.requires_grad_(True)


def distil(
    apprentice: Apprentice,
    teacher: VGG19Features,
    batches: Iterator[torch.Tensor],
    seconds: float,
    learning_rate: float = 1e-3,
) -> list[float]:
    """Train until the time is over.

    Args:
        apprentice: trained in place.
        batches: B×3×H×W in [-1, 1], without end.
        seconds: of training; the learning rate falls along a half cosine.

    Returns:
        The loss of every step: squared error over the real features' variance, mean over layers.
    """
    optimizer = torch.optim.Adam(apprentice.parameters(), lr=learning_rate)
    started, losses = time.perf_counter(), []
    with tqdm(total=round(seconds), unit="s", desc="distil") as bar:
        while (passed := time.perf_counter() - started) < seconds:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate * (0.5 + 0.5 * np.cos(np.pi * passed / seconds))
            pictures = next(batches).contiguous(memory_format=torch.channels_last)
            with torch.no_grad():
                wanted = teacher(pictures, LAYERS)
            guessed = apprentice(pictures)
            errors = [
                F.mse_loss(guessed[layer], wanted[layer]) / wanted[layer].var() for layer in LAYERS
            ]
            loss = torch.stack(errors).mean()
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(apprentice.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
            bar.set_postfix(loss=f"{np.mean(losses[-50:]):.4f}")
            bar.n = min(round(passed), bar.total)
            bar.refresh()
    return losses


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
    while True:
        batch = []
        for _ in range(size):
            among = textures if len(textures) and rng.random() < TEXTURE_SHARE else pictures
            image = among[int(rng.integers(len(among)))]
            scale = side / min(image.size) * np.exp(rng.uniform(0.0, np.log(3.0)))
            width, height = (max(side, round(length * scale)) for length in image.size)
            large = image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR)
            x, y = rng.integers(0, width - side + 1), rng.integers(0, height - side + 1)
            window = np.asarray(large.crop((x, y, x + side, y + side)), np.float32)
            batch.append(torch.from_numpy(window / 127.5 - 1.0).permute(2, 0, 1))
        yield torch.stack(batch)


def _widths(network: VGG19Features) -> dict[str, int]:
    return {layer: network.config["channels"][int(layer[4]) - 1] for layer in LAYERS}


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
    parser.add_argument("--channels", type=int, nargs=5, default=SLIM, help="of the five blocks")
    parser.add_argument("--max_train_seconds", type=float, default=3600.0)
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
    batches = crops(
        _Pictures(args.data_files), textures, args.side, args.train_batch_size, args.seed
    )
    network = slimmed(teacher, tuple(args.channels), torch.cat([next(batches) for _ in range(8)]))
    apprentice = Apprentice(network, teacher).to(memory_format=torch.channels_last)
    losses = distil(apprentice, teacher, batches, args.max_train_seconds)
    network.half().save_pretrained(args.output_dir / "model")
    record = {
        "teacher": "VGG-19 (Simonyan & Zisserman 2015)",
        "steps": len(losses),
        "images": len(losses) * args.train_batch_size,
        "seconds": args.max_train_seconds,
        "loss_first": float(np.mean(losses[:50])),
        "loss_last": float(np.mean(losses[-50:])),
        "seed": args.seed,
    }
    (args.output_dir / "training.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main()
