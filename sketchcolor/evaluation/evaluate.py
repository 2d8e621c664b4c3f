"""Evaluation on a fixed set: line art is extracted from colour images, coloured, and compared.

Protocols, as far as the model takes their conditions:

- *automatic*: the sketch alone.
- *hints_N*: N simulated strokes of the true colours.
- *own_hints*: simulated hints of the kind that a system was trained with, if it is named.
- *stroke*: one stroke of any colour in a closed region, to measure how much of it leaks.
- *own_reference*: the palette or style of the picture itself.
- *other_reference*: that of another picture, to measure how much the result follows it.

The line art, hints and noise of an image depend on its index only, not on the model or the batch
size, because their generators are seeded by it.

The average of all plausible colourings has the best PSNR but looks worst, so models that sample
have lower PSNR and SSIM. For them, the automatic protocol also reports the mean picture of several
samples and, for each of these metrics, the best sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from accelerate.utils import send_to_device
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ..conditions import hints
from ..geometry import Fit
from ..images import to_pil, to_tensor
from ..lineart.extract import RANDOM_LINEART, draw_lineart
from ..models.vgg19 import VGG19Features
from ..sampling.proposal import DEFAULT_STEPS
from ..sampling.seeds import MAX_SEED
from . import metrics
from .fid_lpips import PublishedMetrics
from .hint_leak import ProbeStroke, probe_stroke
from .references import find_references
from .scores import Scores

__all__ = ["Batch", "ColourFunction", "batches", "evaluate"]

# Protocols with references: the picture itself, and the one a third of the set further on.
REFERENCES = ("own_reference", "other_reference")

# (sketch B×1×H×W, hints=None, seeds=None, num_inference_steps) → colour B×3×H×W in [-1, 1]. A
# function whose attribute ``conditions`` names palette or style also takes them as keywords.
ColourFunction = Callable[..., Tensor]


@dataclass(frozen=True)
class Batch:
    """Line art and truth of several images, letterboxed to squares of side S.

    Attributes:
        indices: of the images in the set.
        sketch: B×1×S×S in [-1, 1].
        truth: B×3×S×S in [-1, 1].
        fits: how each image was letterboxed.
    """

    indices: list[int]
    sketch: Tensor
    truth: Tensor
    fits: list[Fit]

    def pictures(self, colour: Tensor) -> list[np.ndarray]:
        """The unpadded pictures of a B×3×S×S tensor in [-1, 1], as uint8 h×w×3."""
        return [
            np.asarray(to_pil(fit.crop(each[None]))[0])
            for fit, each in zip(self.fits, colour, strict=True)
        ]

    def hint_map(self, hinted: int | str, seed: int = 0) -> Tensor:
        """B×4×S×S hint maps, not in the padding.

        Args:
            hinted: the number of simulated hints, or a kind of :func:`hints.simulate`.
            seed: of the hints, with each image's index.
        """
        count, kind = (hinted, "mixed") if isinstance(hinted, int) else (None, hinted)
        maps = torch.zeros(len(self.indices), 4, *self.sketch.shape[-2:])
        pictures = self.pictures(self.truth)
        for index, fit, picture, padded in zip(
            self.indices, self.fits, pictures, maps, strict=True
        ):
            rng = np.random.default_rng([seed, index, count or 0])
            drawn = hints.simulate(picture, rng, count, kind=kind)
            fit.crop(padded[None]).copy_(hints.to_tensor(drawn))
        return maps

    def probe_strokes(self, seed: int = 0) -> tuple[Tensor, list[ProbeStroke | None]]:
        """B×4×S×S hint maps with one stroke each, and the strokes; None without a closed region."""
        maps = torch.zeros(len(self.indices), 4, *self.sketch.shape[-2:])
        strokes = []
        pictures = self.pictures(self.truth)
        for index, fit, padded, sketch, picture in zip(
            self.indices, self.fits, maps, self.sketch, pictures, strict=True
        ):
            drawn = fit.crop(sketch[None])[0, 0].numpy()
            stroke = probe_stroke(drawn, picture, np.random.default_rng([seed, index]))
            strokes.append(stroke)
            if stroke is not None:
                fit.crop(padded[None]).copy_(hints.to_tensor(stroke.hint_map()))
        return maps, strokes

    def repad(self, colour: Tensor) -> Tensor:
        """The same tensor with white padding, so that only the pictures are compared."""
        clean = torch.ones_like(colour)
        for fit, source, target in zip(self.fits, colour, clean, strict=True):
            fit.crop(target[None]).copy_(fit.crop(source[None]).clamp(-1, 1))
        return clean


def batches(
    images: Iterable[Image.Image],
    side: int = 256,
    batch_size: int = 8,
    seed: int = 0,
    lineart: str = RANDOM_LINEART,
    sketches: Sequence[Image.Image] | None = None,
) -> Iterator[Batch]:
    """Extracts line art and letterboxes it with the colour image, white padding right or below.

    Pictures are not cropped, because uploaded sketches often show whole figures. Line art is
    extracted at the picture's own size and then downscaled, as uploaded sketches are.

    Args:
        images: colour images.
        side: of the squares, px.
        batch_size: images per batch.
        seed: of the choice of an extractor.
        lineart: ``random`` for a mix of all extractors, or the name of one.
        sketches: drawn line art of the images, of their sizes, which is used instead.
    """
    pending: list[tuple[int, Tensor, Tensor, Fit]] = []
    for index, image in enumerate(images):
        colour = image.convert("RGB")
        if sketches is None:
            rng = np.random.default_rng([seed, index])
            line_art = Image.fromarray(draw_lineart(np.asarray(colour), lineart, rng))
        else:
            line_art = sketches[index].convert("L")
        scale = side / max(colour.size)
        width, height = (max(1, round(length * scale)) for length in colour.size)
        fit = Fit(colour.size, (width, height), (side, side))
        sketch = to_tensor(fit.apply(line_art))
        pending.append((index, sketch, to_tensor(fit.apply(colour)), fit))
        if len(pending) == batch_size:
            yield _stack(pending)
            pending = []
    if pending:
        yield _stack(pending)


def evaluate(
    model: ColourFunction | Any,
    images: Sequence[Image.Image],
    vgg: VGG19Features | None = None,
    published: PublishedMetrics | None = None,
    *,
    sketches: Sequence[Image.Image] | None = None,
    samples: int = 8,
    hint_counts: Sequence[int] = (5, 20),
    num_inference_steps: int = DEFAULT_STEPS,
    side: int = 256,
    batch_size: int = 8,
    seed: int = 0,
    lineart: str = RANDOM_LINEART,
    hint_kind: str | None = None,
) -> dict[str, Any]:
    """Measure a model on colour images under all protocols.

    Args:
        model: a pipeline, of which ``colour_tensor`` is used, or a ``ColourFunction``. Its
            attribute ``conditions`` names those of hints, palette and style that it takes; a
            function without the attribute takes hints.
        images: PIL colour images in a fixed order; an image's index seeds its randomness.
        vgg: network for the set distances and the styles of references; None leaves them out.
        published: networks of FID and LPIPS; None leaves them out.
        sketches: drawn line art of the images, of their sizes; None extracts it.
        samples: colourings of each image in the automatic protocol; 1 for a pipeline without a
            proposer, which is deterministic.
        hint_counts: numbers of simulated hints, a protocol for each; if there are any, also the
            protocol of a single stroke. Ignored for a model that takes no hints.
        num_inference_steps: of the proposer.
        side: of the squares that pictures are letterboxed to, px.
        batch_size: affects time and memory only.
        seed: of line art, hints and noise.
        lineart: ``random`` for a mix of all extractors, or the name of one, for a system that was
            trained on its line art.
        hint_kind: of the protocol *own_hints*, a kind of :func:`hints.simulate`; None leaves the
            protocol out. Ignored for a model that takes no hints.

    Returns:
        ``settings``, ``truth`` (metrics of the true images themselves) and ``protocols``, which
        maps "automatic", "hints_5", … to metrics by name. They are means over the images, except
        for ``per_image``, which maps some of the metrics to the values of all images. Protocols
        with references need ``references.MIN_PICTURES`` images.

    Raises:
        ValueError: there are no images.
    """
    if not len(images):
        raise ValueError("There are no images to evaluate on.")
    colour = getattr(model, "colour_tensor", model)
    device = getattr(model, "device", "cpu")
    if getattr(model, "proposer", ...) is None:
        samples = 1
    conditions = getattr(model, "conditions", ("hints",))
    if "hints" not in conditions:
        hint_counts, hint_kind = (), None
    references = find_references(images, conditions, vgg)

    @torch.inference_mode()
    def draw(batch: Batch, sample: int = 0, **condition: Tensor | tuple[Tensor, ...]) -> Tensor:
        output = colour(
            batch.sketch.to(device),
            seeds=[_seed(seed, index, sample) for index in batch.indices],
            num_inference_steps=num_inference_steps,
            **send_to_device(condition, device),
        )
        return batch.repad(output.float().cpu())

    truth_scores, automatic = Scores(), Scores()
    hinted: dict[int | str, Scores] = {count: Scores() for count in hint_counts}
    if hint_kind is not None:
        hinted[hint_kind] = Scores()
    stroked = {"stroke": Scores()} if hint_counts else {}
    referred = {name: Scores() for name in (REFERENCES if references else ())}
    rounds = -(-len(images) // batch_size)
    drawings = batches(images, side, batch_size, seed, lineart, sketches)
    for batch in tqdm(drawings, "evaluate", rounds):
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

        for count_or_kind, scores in hinted.items():
            hint_map = batch.hint_map(count_or_kind, seed)
            output = draw(batch, hints=hint_map)
            scores.add_pictures(batch.pictures(output), truths)
            scores.add_hints(output, hint_map)
            scores.add_features(vgg, output)
            scores.add_published(published, output, batch.truth)

        for scores in stroked.values():
            hint_map, strokes = batch.probe_strokes(seed)
            output = draw(batch, hints=hint_map)
            scores.add_strokes(batch.pictures(drawn[0]), batch.pictures(output), strokes)

        for steps, scores in enumerate(referred.values()):
            assert references is not None
            output = draw(batch, **references.conditions(batch.indices, steps))
            pictures = batch.pictures(output)
            # Only with its own reference should the result be like the truth.
            scores.add_pictures(pictures, truths if steps == 0 else None)
            given, other = (references.palettes_of(batch.indices, n) for n in (steps, steps + 1))
            scores.add_palettes(pictures, given, other)
            scores.add_features(vgg, output)
            if steps == 0:
                scores.add_published(published, output, batch.truth)

    protocols = {"automatic": automatic}
    protocols |= {"own_hints" if n == hint_kind else f"hints_{n}": s for n, s in hinted.items()}
    protocols |= stroked | referred
    return {
        "settings": {
            "images": len(images),
            "line_art": lineart if sketches is None else "drawn",
            "side": side,
            "seed": seed,
            "samples": samples,
            "num_inference_steps": num_inference_steps,
            "hint_kind": hint_kind,
            "vgg19_layer": metrics.FEATURE_LAYER if vgg else None,
        },
        "truth": truth_scores.summary(),
        "protocols": {name: each.summary(truth_scores) for name, each in protocols.items()},
    }


def _seed(seed: int, index: int, sample: int) -> int:
    """The seed of one sample of one image, independent of batches."""
    (state,) = np.random.SeedSequence([seed, index, sample]).generate_state(1)
    return int(state) % (MAX_SEED + 1)


def _stack(pending: Sequence[tuple[int, Tensor, Tensor, Fit]]) -> Batch:
    indices, sketches, truths, fits = zip(*pending, strict=True)
    return Batch(list(indices), torch.cat(sketches), torch.cat(truths), list(fits))
