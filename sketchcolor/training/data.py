"""Colour pictures → training samples.

A sample is a pure function of the seed and its number, so the data and its order do not depend on
the number of workers or processes, nor on whether the run was resumed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import cv2
import datasets
import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from ..conditions import hints, palette
from ..conditions.hint_field import hint_field
from ..lineart.extract import draw_lineart
from .flat_samples import simulate_flats
from .framing import frame
from .mosaic import PANELS, mosaic
from .pictures import REASONS, DataError, UnusablePicture, describe_skipped, read_row
from .sources import undecoded
from .view_cache import View, ViewCache

__all__ = ["OffsetSampler", "SampleMaker", "Samples", "spread_samples", "without_lines"]

log = logging.getLogger(__name__)
T = TypeVar("T")

# Uploads show whole and half figures more often than the training pictures do.
KIND_WEIGHTS = {"face": 1.0, "figure": 2.2, "scene": 0.5, "creature": 1.2, "pair": 1.5}


@dataclass(frozen=True)
class SampleMaker:
    """Makes training samples of dataset rows, with the settings of a recipe.

    Attributes:
        resolution: side of the square picture, pixels.
        crop: side of the random window that is cut out of it; 0 returns the whole picture.
        augmentation: ``figures``, ``flip``, ``distort`` or ``none`` (validation).
        lineart: ``random`` or the name of an extractor.
        hint_rate, palette_rate: share of samples with the condition.
        image_column, pair: as of :class:`sources.Source`.
        shrink: factor by which the colour picture is smaller than the line art; above 1, hints are
            a hint field of that size, as a proposer takes it.
        hint_kind: ``mixed``, or one kind of ``hints.simulate``.
        page_rate: share of samples that are mosaics of several pictures; streams have none.
        choice_rate: share of palettes with only some of the picture's colours.
        flats: add simulated flats, see :func:`simulate_flats`.
        flat_shrink: above 0, add the colour picture without lines, smaller by this factor, for
            training a part encoder.
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
            s = S / ``shrink``, ``palette`` K×3 in [-1, 1], ``weights`` K, ``palette_present``
            bool; if the settings ask for them, ``flat`` 3×(S/f)×(S/f) with f = ``flat_shrink``
            and ``flats`` 3×S×S, both in [-1, 1]. S is the crop, or the resolution without one.

        Raises:
            UnusablePicture: the picture cannot be read.
        """
        with_palette = bool(rng.random() < self.palette_rate)
        return self.sample(self.view(row, rng, with_palette), rng, with_palette)

    def view(self, row: dict[str, Any], rng: np.random.Generator, with_palette: bool) -> View:
        """The expensive half, which can be cached: reading, line art, framing and palette.

        Raises:
            UnusablePicture: the picture cannot be read; ``rng`` is as before then.
        """
        colour, lines = self._pictures(row, rng)
        colour, lines = frame(colour, lines, self.resolution, self.augmentation, rng)
        chosen = palette.from_image(colour) if with_palette else _NO_PALETTE
        colors, weights = chosen.to_tensors()
        return View(colour, lines, colors[0].numpy(), weights[0].numpy())

    def sample(
        self, view: View, rng: np.random.Generator, with_palette: bool
    ) -> dict[str, torch.Tensor]:
        """The cheap half, done anew for every sample: hints, palette simulation and cropping."""
        hint_map = hints.empty(self.resolution, self.resolution)
        if rng.random() < self.hint_rate:
            hint_map = hints.simulate(view.colour, rng, kind=self.hint_kind)
        colors, shares = view.palette, view.shares
        if self.choice_rate and with_palette and rng.random() < self.choice_rate:
            colors, shares = palette.simulate(colors, shares, rng)
        # Cropping comes last, because conditions describe the whole picture.
        window = self._window(rng)
        colour = view.colour[window]
        extra = {}
        if self.flat_shrink:
            extra["flat"] = _planes(_shrink(without_lines(colour), self.flat_shrink))
        if self.flats:
            flats = simulate_flats(view, without_lines(view.colour), rng)
            extra["flats"] = _planes(flats[window])
        if self.shrink > 1:
            colour = _shrink(colour, self.shrink)
        sketch = _planes(view.lines[..., None][window])
        hint_planes = hints.to_tensor(hint_map[window])
        if self.shrink > 1:
            hint_planes = hint_field(hint_planes, sketch[None], self.shrink)
        return {
            "sketch": sketch,
            "colour": _planes(colour),
            "hints": hint_planes[0],
            "palette": torch.from_numpy(colors),
            "weights": torch.from_numpy(shares),
            "palette_present": torch.tensor(with_palette),
        } | extra

    def _window(self, rng: np.random.Generator) -> tuple[slice, slice]:
        side = self.crop or self.resolution
        y, x = rng.integers(0, self.resolution - side + 1, 2)
        return slice(y, y + side), slice(x, x + side)

    def _pictures(
        self, row: dict[str, Any], rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Colour and line art at the picture's own size."""
        colour, drawn = read_row(row, self.image_column, self.pair)
        picture = np.asarray(colour)
        if drawn is not None:
            return picture, cv2.cvtColor(np.asarray(drawn), cv2.COLOR_RGB2GRAY)
        return picture, draw_lineart(picture, self.lineart, rng)


def _shrink(image: np.ndarray, times: int) -> np.ndarray:
    size = (image.shape[1] // times, image.shape[0] // times)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def without_lines(colour: np.ndarray) -> np.ndarray:
    """Fills thin dark lines of H×W×3 uint8 with the colours next to them."""
    smooth = cv2.dilate(cv2.medianBlur(colour, 5), np.ones((3, 3), np.uint8))
    return cv2.medianBlur(smooth, 5)


_NO_PALETTE = palette.Palette(np.full((1, 3), 128, np.uint8), np.ones(1, np.float32))


def _planes(image: np.ndarray) -> torch.Tensor:
    """H×W×C uint8 → C×H×W in [-1, 1]."""
    return torch.from_numpy(image.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1.0)


class Samples(Dataset):
    """Endless map-style samples; sample ``i`` is of a random picture, by :data:`KIND_WEIGHTS`.

    In place of a picture that cannot be used comes the next one that can.

    Args:
        images: the pictures. maker: makes samples of them. seed: of everything random.
        views: cached views of each picture; without them each sample is made from scratch.
        in_epochs: instead, each run of as many samples as there are pictures has each picture once,
            in an order of its own. The other panels of a mosaic are random pictures.

    Raises:
        DataError: none of the pictures can be used.
    """

    def __init__(
        self,
        images: datasets.Dataset,
        maker: SampleMaker,
        seed: int,
        views: ViewCache | None = None,
        in_epochs: bool = False,
    ) -> None:
        self.images, self.maker, self.seed, self.views = images, maker, seed, views
        self.in_epochs = in_epochs
        weights = np.ones(len(images))
        if "kind" in images.column_names:
            weights = np.array([KIND_WEIGHTS.get(kind, 1.0) for kind in images["kind"]])
        self.cumulative = np.cumsum(weights / weights.sum())
        self._rows = undecoded(images)
        # 0, or 1 + the index of the reason for which a picture is skipped; all workers write to it.
        self._reasons = torch.zeros(len(images), dtype=torch.uint8).share_memory_()
        self._usable(0, lambda row: read_row(row, maker.image_column, maker.pair))

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, number: int) -> dict[str, torch.Tensor]:
        rng = np.random.default_rng((self.seed, number))
        if rng.random() < self.maker.page_rate:
            # Without a palette, because the views' palettes do not describe the mosaic.
            indices = [self._index(number, rng), *(self._any(rng) for _ in range(PANELS - 1))]
            panels = [self._view(index, rng, with_palette=False) for index in indices]
            return self.maker.sample(mosaic(panels), rng, with_palette=False)
        with_palette = bool(rng.random() < self.maker.palette_rate)
        view = self._view(self._index(number, rng), rng, with_palette)
        return self.maker.sample(view, rng, with_palette)

    def view(self, index: int, which: int) -> View:
        """View ``which`` of a picture for a :class:`ViewCache`, independent of the seed."""
        rng = np.random.default_rng((index, which))
        return self._usable(index, lambda row: self.maker.view(row, rng, True))

    def skipped(self) -> dict[int, str]:
        """The pictures that were found unusable so far, by their index, with the reason."""
        found = self._reasons.numpy()
        return {int(index): REASONS[found[index] - 1] for index in np.flatnonzero(found)}

    def _index(self, number: int, rng: np.random.Generator) -> int:
        """The picture of sample ``number``."""
        if not self.in_epochs:
            return self._any(rng)
        epoch, place = divmod(number, len(self.images))
        return int(_order(len(self.images), self.seed, epoch)[place])

    def _any(self, rng: np.random.Generator) -> int:
        index = int(np.searchsorted(self.cumulative, rng.random(), side="right"))
        return min(index, len(self.images) - 1)

    def _view(self, index: int, rng: np.random.Generator, with_palette: bool) -> View:
        if self.views is None:
            return self._usable(index, lambda row: self.maker.view(row, rng, with_palette))
        return self.views[index, int(rng.integers(self.views.count))]

    def _usable(self, index: int, make: Callable[[dict[str, Any]], T]) -> T:
        """What is made of the first usable picture from ``index`` on, around the end."""
        count = len(self.images)
        for candidate in (*range(index, count), *range(index)):
            if self._reasons[candidate]:
                continue
            try:
                return make(self._rows[candidate])
            except UnusablePicture as error:
                self._reasons[candidate] = 1 + REASONS.index(error.reason)
        reasons = describe_skipped(self.skipped().values())
        raise DataError(
            f"None of the {count:,} pictures can be used ({reasons}): check the files, "
            "--image_column and --pair."
        )


def spread_samples(images: datasets.Dataset, maker: SampleMaker, count: int) -> list[dict]:
    """Samples of pictures that are evenly spaced in a data set, for validations.

    Args:
        images: the pictures. maker: makes samples of them. count: how many at most.

    Raises:
        DataError: none of the pictures can be used.
    """
    rows, samples = undecoded(images), []
    for index in list(range(0, len(images), max(1, len(images) // count)))[:count]:
        try:
            samples.append(maker(rows[index], np.random.default_rng(index)))
        except UnusablePicture as error:
            log.warning("Validation picture %d is left out: it is %s.", index, error.reason)
    if not samples:
        raise DataError("None of the validation pictures can be used: check --validation_files.")
    return samples


@lru_cache(maxsize=2)
def _order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of pictures in an epoch; kept, because drawing it takes longer than a sample."""
    return np.random.default_rng((seed, epoch, count)).permutation(count)


class OffsetSampler(Sampler[int]):
    """Sample numbers ``start`` to ``stop - 1``; a resumed run starts where it stopped."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.stop))

    def __len__(self) -> int:
        return max(0, self.stop - self.start)
