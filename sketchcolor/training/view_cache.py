"""Views kept on disk: decoding, line art and palettes cost more than a small network's step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
from tqdm.auto import tqdm

__all__ = ["View", "ViewCache", "one_thread"]


@dataclass(frozen=True)
class View:
    """A picture as one sample saw it, before hints are drawn.

    Attributes:
        colour: S×S×3 uint8. lines: S×S uint8.
        palette: K×3 float32 in [-1, 1]. shares: K float32, sum 1.
    """

    colour: np.ndarray
    lines: np.ndarray
    palette: np.ndarray
    shares: np.ndarray


_FIELDS = tuple(field.name for field in fields(View))


class ViewCache:
    """``count`` views of each picture, made once and read back by this run and later ones.

    A view is a pure function of its picture and number, so it does not matter which process
    makes it; its ``ready`` flag is written last, and an interrupted fill goes on.

    Args:
        folder: where the arrays lie; a folder belongs to one set of pictures and one maker.
        pictures: how many pictures there are.
        count: views per picture.
        side: S, pixels. colors: K.
    """

    def __init__(self, folder: Path, pictures: int, count: int, side: int, colors: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.count = count
        shapes = {
            "colour": (np.uint8, (side, side, 3)),
            "lines": (np.uint8, (side, side)),
            "palette": (np.float32, (colors, 3)),
            "shares": (np.float32, (colors,)),
            "ready": (np.uint8, ()),
        }
        self.arrays = {
            name: _open(folder / f"{name}.npy", dtype, (pictures, count, *shape))
            for name, (dtype, shape) in shapes.items()
        }

    def __getitem__(self, at: tuple[int, int]) -> View:
        """The view (picture, number), once it is filled in."""
        return View(*(np.array(self.arrays[name][at]) for name in _FIELDS))

    def fill(self, make: Callable[[int, int], View], workers: int) -> None:
        """Make the views that are missing.

        Args:
            make: (picture, number) → view.
            workers: processes that share the work.
        """
        missing = _Missing(self, make)
        loader = DataLoader(missing, batch_size=16, num_workers=workers, worker_init_fn=one_thread)
        with tqdm(total=len(missing), desc="views", mininterval=5.0, disable=not missing) as bar:
            for made in loader:
                bar.update(len(made))


class _Missing(Dataset):
    """The views that a cache lacks; reading one makes it."""

    def __init__(self, cache: ViewCache, make: Callable[[int, int], View]) -> None:
        self.cache, self.make = cache, make
        self.places = np.argwhere(cache.arrays["ready"] == 0)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> int:
        at = tuple(int(i) for i in self.places[index])
        view = self.make(*at)
        for name in _FIELDS:
            self.cache.arrays[name][at] = getattr(view, name)
        self.cache.arrays["ready"][at] = 1
        return index


def one_thread(worker: int) -> None:
    """Set up a data worker: it must not fight the training step or its fellows for cores."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _open(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    """A memory-mapped array, new and zero if there is none.

    Raises:
        ValueError: the file holds an array of another shape.
    """
    if not path.exists():
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    array = np.lib.format.open_memmap(path, mode="r+")
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{path} keeps views of another run ({array.shape}, not {shape}): choose another "
            "--view_cache or delete this one."
        )
    return array
