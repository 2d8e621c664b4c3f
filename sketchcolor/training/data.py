"""Colour pictures → training samples, through ``datasets``.

A sample is a pure function of (seed, sample number): workers, resumption and several
processes all see the same data in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import datasets
import numpy as np
import torch
from torch.utils.data import Dataset, IterableDataset, Sampler

from ..conditions import hints, palette
from ..conditions.hint_field import hint_field
from ..images import read_image
from ..lineart.extract import extract, random_lineart
from .flat_samples import simulate_flats
from .mosaic import PANELS, on_paper, page, rim
from .view_cache import View, ViewCache

__all__ = [
    "OffsetSampler",
    "SampleMaker",
    "Samples",
    "Source",
    "StreamedSamples",
    "load_images",
    "without_lines",
]

# Visitors upload figures, whole or half, more than the pictures' own shares would say.
KIND_WEIGHTS = {"face": 1.0, "figure": 2.2, "scene": 0.5, "creature": 1.2, "pair": 1.5}
LINEART_COLUMN = "lineart"  # of pairs whose lines were drawn, not extracted

# Side of the square of paper round a whole figure, in sides of its picture: how near it stands.
NEAR = (1.0, 1.25)
FAR = (1.25, 2.4)

# How far W. Zhang's augmentation goes, who names the kinds (section II A) and prints no amounts.
ROTATION = 15.0  # degrees
SHEAR = 0.15  # of the height, sideways
ZOOM = 1.2
SHIFT = 0.1  # of the side
NOISE = 0.03  # standard deviation, of black to white


@dataclass(frozen=True)
class Source:
    """Where pictures come from; the fields are the flags of ``train_accelerate.py``.

    Attributes:
        dataset_name: a Hub id, or None with ``data_files``.
        data_files: parquet, tar or image files or globs, for the loader ``data_format``.
        data_format: ``parquet``, ``webdataset`` or ``imagefolder``.
        split: which split.
        image_column: the column that holds the picture.
        pair: ``colour-sketch`` or ``sketch-colour`` when one picture holds both side by side.
        paired_files: more files for the same loader, whose rows have line art of their own in the
            column ``lineart``; it is used instead of extracting lines. Filters do not bind them.
        rating: keep only rows whose rating is this one (Danbooru: ``general``).
        exclude_tags: drop rows that carry one of these tags.
        streaming: read while downloading instead of first.
    """

    dataset_name: str | None = None
    data_files: Sequence[str] | str | None = None
    data_format: str = "parquet"
    split: str = "train"
    image_column: str = "image"
    pair: str | None = None
    paired_files: Sequence[str] | str | None = None
    rating: str | None = None
    exclude_tags: Sequence[str] = ()
    streaming: bool = False
    max_samples: int | None = None


def load_images(source: Source) -> datasets.Dataset | datasets.IterableDataset:
    """Open a source and apply its filters.

    Raises:
        ValueError: no source is named, or a column that is needed does not exist.
    """
    if not source.dataset_name and not source.data_files:
        raise ValueError("Name a dataset: --dataset_name for the Hub or --data_files for files.")
    path = source.dataset_name or source.data_format
    files = None
    if source.data_files:
        files = {source.split: source.data_files}
    images = datasets.load_dataset(
        path, data_files=files, split=source.split, streaming=source.streaming
    )
    _check_column(images, source.image_column, "--image_column")
    if source.rating or source.exclude_tags:
        images = images.filter(lambda row: _wanted(row, source))
    if source.max_samples is not None:
        if source.streaming:
            images = images.take(source.max_samples)
        else:
            images = images.select(range(min(source.max_samples, len(images))))
    return _with_pairs(images, source) if source.paired_files else images


def _check_column(images: datasets.Dataset, column: str, flag: str) -> None:
    columns = images.column_names
    if columns is not None and column not in columns:
        raise ValueError(
            f"The data has no column {column!r}; choose {flag} from {', '.join(columns)}."
        )


def _with_pairs(images: datasets.Dataset, source: Source) -> datasets.Dataset:
    """The pictures and, after them, the pairs; rows without drawn lines have None there."""
    if source.streaming:
        raise ValueError("Pairs cannot be streamed beside pictures: leave --streaming out.")
    pairs = datasets.load_dataset(
        source.data_format, data_files={source.split: source.paired_files}, split=source.split
    )
    _check_column(pairs, source.image_column, "--image_column")
    if LINEART_COLUMN not in pairs.column_names:
        raise ValueError(f"--paired_files needs a column {LINEART_COLUMN!r} with the line art.")
    return datasets.concatenate_datasets([images, pairs])


def _wanted(row: dict[str, Any], source: Source) -> bool:
    """Rating and tags, found in the row itself or in a WebDataset's ``json`` member."""
    labels = row.get("json") or row
    if source.rating and labels.get("rating") not in (source.rating, source.rating[0]):
        return False
    tags = labels.get("general_tags") or labels.get("tag_string_general") or labels.get("tags", "")
    tags = tags.split() if isinstance(tags, str) else list(tags)
    return not set(tags) & set(source.exclude_tags)


@dataclass(frozen=True)
class SampleMaker:
    """Row → sample, at the settings of a recipe.

    Attributes:
        resolution: side of the square picture, pixels.
        crop: side of the random window of it that is returned; 0 returns all.
        augmentation: ``figures``, ``flip``, ``distort`` or ``none`` (validation).
        lineart: ``random`` or the name of an extractor.
        hint_rate, palette_rate: share of samples that carry the condition.
        shrink: above 1, colour comes back this many times smaller than the line art and hints
            as a field of that size, as a proposer takes them.
        hint_kind: ``mixed``, or one kind of ``hints.simulate``.
        page_rate: share of samples that are pages of several pictures; none of a stream's are.
        choice_rate: share of palettes that are simulated choices of the picture's colours.
        flats: add what a generator paints light over, see :func:`simulate_flats`.
        flat_shrink: above 0, the colour picture comes a second time, without lines and this
            many times smaller, for learning parts.
    """

    resolution: int
    augmentation: str
    lineart: str
    hint_rate: float
    palette_rate: float
    image_column: str = "image"
    pair: str | None = None
    crop: int = 0
    shrink: int = 1
    hint_kind: str = "mixed"
    page_rate: float = 0.0
    choice_rate: float = 0.0
    flat_shrink: int = 0
    flats: bool = False

    def __call__(self, row: dict[str, Any], rng: np.random.Generator) -> dict[str, torch.Tensor]:
        """One sample.

        Returns:
            ``sketch`` 1×S×S in [-1, 1], ``colour`` 3×s×s in [-1, 1] and ``hints`` 4×s×s with
            s = S / ``shrink``, ``flat`` 3×(S/f)×(S/f) with f = ``flat_shrink`` above 0,
            ``flats`` 3×S×S, ``palette`` K×3, ``weights`` K, ``palette_present`` bool; S is
            the crop, or the resolution.
        """
        with_palette = bool(rng.random() < self.palette_rate)
        return self.sample(self.view(row, rng, with_palette), rng, with_palette)

    def view(self, row: dict[str, Any], rng: np.random.Generator, with_palette: bool) -> View:
        """The costly half: read, draw lines, cut a square, take its palette."""
        colour, lines = self._pictures(row, rng)
        colour, lines = frame(colour, lines, self.resolution, self.augmentation, rng)
        chosen = palette.from_image(colour) if with_palette else _NO_PALETTE
        colors, weights = chosen.to_tensors()
        return View(colour, lines, colors[0].numpy(), weights[0].numpy())

    def sample(
        self, view: View, rng: np.random.Generator, with_palette: bool
    ) -> dict[str, torch.Tensor]:
        """The cheap half: hints, the choice of a palette and the window."""
        hint_map = hints.empty(self.resolution, self.resolution)
        if rng.random() < self.hint_rate:
            hint_map = hints.simulate(view.colour, rng, kind=self.hint_kind)
        colors, shares = view.palette, view.shares
        if self.choice_rate and with_palette and rng.random() < self.choice_rate:
            colors, shares = palette.simulate(colors, shares, rng)
        # Conditions describe the whole picture; only then is a window cut.
        window = self._window(rng)
        colour = view.colour[window]
        more = {}
        if self.flat_shrink:
            more["flat"] = _planes(_shrink(without_lines(colour), self.flat_shrink))
        if self.flats:
            flats = simulate_flats(view, without_lines(view.colour), rng)
            more["flats"] = _planes(flats[window])
        if self.shrink > 1:
            colour = _shrink(colour, self.shrink)
        sketch, given = _planes(view.lines[..., None][window]), hints.to_tensor(hint_map[window])
        if self.shrink > 1:
            given = hint_field(given, sketch[None], self.shrink)
        return {
            "sketch": sketch,
            "colour": _planes(colour),
            "hints": given[0],
            "palette": torch.from_numpy(colors),
            "weights": torch.from_numpy(shares),
            "palette_present": torch.tensor(with_palette),
        } | more

    def _window(self, rng: np.random.Generator) -> tuple[slice, slice]:
        side = self.crop or self.resolution
        y, x = rng.integers(0, self.resolution - side + 1, 2)
        return slice(y, y + side), slice(x, x + side)

    def _pictures(
        self, row: dict[str, Any], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Colour and line art at the picture's own size."""
        picture = np.asarray(read_image(row[self.image_column]))
        if self.pair:
            half = picture.shape[1] // 2
            first, second = picture[:, :half], picture[:, half : 2 * half]
            colour, drawn = (first, second) if self.pair == "colour-sketch" else (second, first)
            return colour, cv2.cvtColor(np.ascontiguousarray(drawn), cv2.COLOR_RGB2GRAY)
        if row.get(LINEART_COLUMN) is not None:
            drawn = np.asarray(read_image(row[LINEART_COLUMN]))
            return picture, cv2.cvtColor(drawn, cv2.COLOR_RGB2GRAY)
        if self.lineart == "random":
            return picture, random_lineart(picture, rng)
        return picture, extract(picture, self.lineart)


def _shrink(image: np.ndarray, times: int) -> np.ndarray:
    size = (image.shape[1] // times, image.shape[0] // times)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def without_lines(colour: np.ndarray) -> np.ndarray:
    """S×S×3 uint8: thin dark lines take the colours beside them."""
    smooth = cv2.dilate(cv2.medianBlur(colour, 5), np.ones((3, 3), np.uint8))
    return cv2.medianBlur(smooth, 5)


_NO_PALETTE = palette.Palette(np.full((1, 3), 128, np.uint8), np.ones(1, np.float32))


def _planes(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0)


def frame(
    colour: np.ndarray, lines: np.ndarray, side: int, augmentation: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut or shrink a picture and its line art to one square.

    Args:
        colour: H×W×3 uint8. lines: H×W uint8.
        side: of the result, pixels.
        augmentation: ``none`` centres (whole figures on white, else the middle square);
            ``flip`` adds a random mirror (Liao, Ahmed & Shrestha, section 4.2); ``distort`` adds
            random rotation, shear, zoom and shift instead, and Gaussian noise (W. Zhang) to the
            line art only, or the noise would be learned as colour; ``figures`` mixes whole
            figures on paper, near and far, with crops at several scales, small rotations and
            mirrors.

    Returns:
        S×S×3 and S×S uint8.
    """
    height, width = lines.shape
    short, long = min(height, width), max(height, width)
    paper = on_paper(colour)
    angle, shear, window = 0.0, 0.0, float(long if paper else short)
    x, y = width / 2.0, height / 2.0
    if augmentation == "figures":
        angle = float(rng.normal(0.0, 4.0)) if rng.random() < 0.3 else 0.0
        if paper and rng.random() < 0.7:
            window = long * rng.uniform(*(NEAR if rng.random() < 0.55 else FAR))
            x += rng.uniform(-0.5, 0.5) * max(0.0, window - width)
            y += rng.uniform(-0.5, 0.5) * max(0.0, window - height)
        else:
            window = short * rng.uniform(0.55, 1.0)
            x = width / 2.0 + rng.uniform(-0.5, 0.5) * (width - window)
            y = height / 2.0 + rng.uniform(-0.5, 0.5) * (height - window)
    elif augmentation == "distort":
        angle, shear = rng.uniform(-ROTATION, ROTATION), rng.uniform(-SHEAR, SHEAR)
        x, y = np.array([x, y]) + window * rng.uniform(-SHIFT, SHIFT, 2)
        window *= ZOOM ** rng.uniform(-1.0, 1.0)
    mirror = augmentation in ("figures", "flip") and rng.random() < 0.5
    scale = side / window
    turn = cv2.getRotationMatrix2D((x, y), angle, scale)
    turn[:, 2] += side / 2.0 - np.array([x, y])
    turn[0] += shear * turn[1]
    turn[0, 2] -= shear * side / 2.0
    if mirror:
        turn[0] = -turn[0]
        turn[0, 2] += side - 1.0
    fill = cv2.BORDER_CONSTANT if paper else cv2.BORDER_REFLECT_101

    def warp(image: np.ndarray) -> np.ndarray:
        # Drawn paper has a tint of its own, which goes on beyond the picture.
        beyond = np.median(rim(image), axis=0).tolist()
        if scale < 0.9:  # low-pass first: warpAffine samples, it does not average
            image = cv2.GaussianBlur(image, (0, 0), 0.4 / scale)
        return cv2.warpAffine(image, turn, (side, side), None, cv2.INTER_LINEAR, fill, beyond)

    colour, lines = warp(np.ascontiguousarray(colour)), warp(np.ascontiguousarray(lines))
    if augmentation == "distort":
        noisy = lines + rng.normal(0.0, 255.0 * NOISE, lines.shape)
        lines = np.clip(np.round(noisy), 0, 255).astype(np.uint8)
    return colour, lines


class Samples(Dataset):
    """Endless map-style samples: number ``i`` draws a row by kind weight and its own noise.

    Args:
        images: the pictures. maker: their settings. seed: of everything random.
        views: a few kept views of each picture, instead of making each sample anew.
    """

    def __init__(
        self,
        images: datasets.Dataset,
        maker: SampleMaker,
        seed: int,
        views: ViewCache | None = None,
    ) -> None:
        self.images, self.maker, self.seed, self.views = images, maker, seed, views
        weights = np.ones(len(images))
        if "kind" in images.column_names:
            weights = np.array([KIND_WEIGHTS.get(kind, 1.0) for kind in images["kind"]])
        self.cumulative = np.cumsum(weights / weights.sum())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng((self.seed, number))
        if rng.random() < self.maker.page_rate:
            # No palette: it would have to be taken from the whole page anew.
            panels = [self._any_view(rng, with_palette=False) for _ in range(PANELS)]
            return self.maker.sample(page(panels), rng, with_palette=False)
        with_palette = bool(rng.random() < self.maker.palette_rate)
        return self.maker.sample(self._any_view(rng, with_palette), rng, with_palette)

    def _any_view(self, rng: np.random.Generator, with_palette: bool) -> View:
        index = int(np.searchsorted(self.cumulative, rng.random(), side="right"))
        index = min(index, len(self.images) - 1)
        if self.views is None:
            return self.maker.view(self.images[index], rng, with_palette)
        return self.views[index, int(rng.integers(self.views.count))]

    def view(self, index: int, which: int) -> View:
        """What a :class:`ViewCache` is filled with: depends on nothing but its number."""
        return self.maker.view(self.images[index], np.random.default_rng((index, which)), True)


class OffsetSampler(Sampler[int]):
    """Sample numbers ``start, start + 1, …`` up to ``stop``: resuming is choosing ``start``."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __len__(self) -> int:
        return max(0, self.stop - self.start)


class StreamedSamples(IterableDataset):
    """Samples from a stream, shuffled in a buffer, round and round until ``stop``."""

    def __init__(
        self,
        images: datasets.IterableDataset,
        maker: SampleMaker,
        seed: int,
        start: int,
        stop: int,
        buffer: int = 1000,
    ) -> None:
        self.images, self.maker, self.seed = images, maker, seed
        self.start, self.stop, self.buffer = start, stop, buffer

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        number, epoch = 0, 0
        while number < self.stop:
            begun = number
            shuffled = self.images.shuffle(seed=self.seed + epoch, buffer_size=self.buffer)
            for row in shuffled:
                if number >= self.stop:
                    return
                if number >= self.start:
                    yield self.maker(row, np.random.default_rng((self.seed, number)))
                number += 1
            if number == begun:
                raise ValueError("The stream holds no picture; check the files and the filters.")
            epoch += 1
