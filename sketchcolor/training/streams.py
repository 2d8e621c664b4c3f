"""Training samples of a stream, in an order that depends on the seed only.

The rows are read in one place, in a thread, and sent to worker processes, which make samples of
them. ``datasets`` would give each worker files of its own: more workers than files are refused or
idle, and the order changes with their number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import datasets
import numpy as np
import torch
from datasets.utils.file_utils import is_local_path, xopen
from torch.utils.data import DataLoader, Dataset, IterableDataset, Sampler

from .data import SampleMaker
from .pictures import (
    LINEART_COLUMN,
    DataError,
    UnusablePicture,
    describe_skipped,
    picture_of,
    read_row,
)
from .sources import undecoded
from .view_cache import one_thread

__all__ = ["StreamedSamples"]

READ_AHEAD = 32  # rows


class StreamedSamples(IterableDataset):
    """Samples number ``start`` to ``stop - 1`` of a stream that is shuffled and repeated.

    Sample ``i`` is of the ``i``-th usable picture. A run that was resumed therefore reads all
    pictures before ``start`` again, but makes no samples of them.

    Args:
        images: the stream. maker: makes samples of its rows. seed: of everything random.
        start, stop: numbers of the first sample and of the one after the last.
        workers: processes that make samples; 0 makes them in this one. The ``DataLoader`` around
            these samples has none of its own.
        buffer: rows in the shuffle buffer.
    """

    def __init__(
        self,
        images: datasets.IterableDataset,
        maker: SampleMaker,
        seed: int,
        start: int,
        stop: int,
        workers: int = 0,
        buffer: int = 1000,
    ) -> None:
        self.images, self.maker, self.seed = undecoded(images), maker, seed
        self.start, self.stop, self.workers, self.buffer = start, stop, workers, buffer
        self._skipped: dict[int, str] = {}

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        """Yields the samples.

        Raises:
            DataError: the stream ends without a usable picture.
        """
        loader = DataLoader(
            _MadeSamples(self.maker, self.seed, self.start),
            batch_size=None,
            sampler=_Rows(self.images, self.maker, self.seed, self.buffer),
            num_workers=self.workers,
            worker_init_fn=one_thread,
        )
        number = 0
        for place, epoch, made in loader:
            if number >= self.stop:
                return
            if isinstance(made, str):
                if epoch == 0:
                    self._skipped[place] = made
                elif number == 0:
                    reasons = describe_skipped(self._skipped.values())
                    raise DataError(
                        f"The stream has no usable picture ({reasons}): check the files, "
                        "--image_column and --pair."
                    )
                continue
            if number >= self.start:
                yield made
            number += 1

    def skipped(self) -> dict[int, str]:
        """The pictures that were found unusable so far, by their place, with the reason."""
        return dict(self._skipped)


class _Rows(Sampler):
    """The sampler that reads the stream: its "indices" are (place, epoch, row)."""

    def __init__(
        self, images: datasets.IterableDataset, maker: SampleMaker, seed: int, buffer: int
    ) -> None:
        self.images, self.maker, self.seed, self.buffer = images, maker, seed, buffer

    def __iter__(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Rows, read ahead in a thread so that training does not wait for the network."""
        rows = self._rows()
        pool = ThreadPoolExecutor(1)
        try:
            waiting = deque(pool.submit(next, rows) for _ in range(READ_AHEAD))
            while True:
                row = waiting.popleft().result()
                waiting.append(pool.submit(next, rows))
                yield row
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _rows(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        """Rows without end, in another order in each epoch."""
        place, epoch = 0, 0
        while True:
            begun = place
            for row in self.images.shuffle(seed=self.seed + epoch, buffer_size=self.buffer):
                yield place, epoch, self._pictures(row)
                place += 1
            if place == begun:
                raise DataError("The stream holds no picture; check the files and the filters.")
            epoch += 1

    def _pictures(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row's pictures alone, with those fetched that are only named, as in folders."""
        column = self.maker.image_column
        return {
            column: _fetched(picture_of(row, column)),
            LINEART_COLUMN: _fetched(row.get(LINEART_COLUMN)),
        }


def _fetched(picture: Any) -> Any:
    """A picture with its bytes, if it is not a local file; None if it cannot be fetched."""
    if not isinstance(picture, dict) or picture.get("bytes") or not picture.get("path"):
        return picture
    if is_local_path(picture["path"]):
        return picture
    try:
        with xopen(picture["path"], "rb") as file:
            return {"bytes": file.read(), "path": None}
    except FileNotFoundError:
        return None


class _MadeSamples(Dataset):
    """(place, epoch, row) → (place, epoch, sample or None or the reason why there is none)."""

    def __init__(self, maker: SampleMaker, seed: int, start: int) -> None:
        self.maker, self.seed, self.start = maker, seed, start

    def __getitem__(self, task: tuple[int, int, dict[str, Any]]) -> tuple[int, int, Any]:
        place, epoch, row = task
        try:
            if place < self.start:  # its sample is not asked for, only whether there is one
                read_row(row, self.maker.image_column, self.maker.pair)
                return place, epoch, None
            return place, epoch, self.maker(row, np.random.default_rng((self.seed, place)))
        except UnusablePicture as error:
            return place, epoch, error.reason
