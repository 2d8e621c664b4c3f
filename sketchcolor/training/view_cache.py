"""Framed pictures with line art and palettes, cached on disk.

Making them takes longer than a training step of a small network.
"""

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
    """A framed picture with its line art and palette, of which samples are made.

    Attributes:
        colour: S×S×3 uint8. lines: S×S uint8.
        palette: K×3 float32 in [-1, 1]. shares: of its colours, K float32 of sum 1.
    """

    colour: np.ndarray
    lines: np.ndarray
    palette: np.ndarray
    shares: np.ndarray


_FIELDS = tuple(field.name for field in fields(View))


class ViewCache:
    """``count`` views of each picture in memory-mapped arrays, for this run and later ones.

    A view is a pure function of its picture and number, so any process may make it. Its ``ready``
    flag is written last, so that an interrupted fill can be continued.

    Args:
        folder: of the arrays; one for each set of pictures and settings of their views.
        pictures: number of pictures.
        count: views per picture.
        side: S, px. colors: K.

    Raises:
        ValueError: the folder has views of another number or size.
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
        """The view (picture, number), which must have been filled in."""
        return View(*(np.array(self.arrays[name][at]) for name in _FIELDS))

    def fill(self, make: Callable[[int, int], View], workers: int) -> None:
        """Make the missing views.

        Args:
            make: (picture, number) → view.
            workers: number of processes.
        """
        missing = _Missing(self, make)
        loader = DataLoader(missing, batch_size=16, num_workers=workers, worker_init_fn=one_thread)
        with tqdm(total=len(missing), desc="views", mininterval=5.0, disable=not missing) as bar:
            for made in loader:
                bar.update(len(made))


class _Missing(Dataset):
    """The missing views of a cache; reading an item makes the view and stores it."""

    def __init__(self, cache: ViewCache, make: Callable[[int, int], View]) -> None:
        self.cache, self.make = cache, make
        self.indices = np.argwhere(cache.arrays["ready"] == 0)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> int:
        at = tuple(int(i) for i in self.indices[index])
        view = self.make(*at)
        for name in _FIELDS:
            self.cache.arrays[name][at] = getattr(view, name)
        self.cache.arrays["ready"][at] = 1
        return index


def one_thread(worker: int) -> None:
    """Limits a data worker to one thread, so that workers do not compete with the training step."""
    cv2.setNumThreads(0)
    torch.set_num_threads(1)


def _open(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    """Opens a memory-mapped array, or makes one of zeros.

    Raises:
        ValueError: the array in the file has another shape or type.
    """
    if not path.exists():
        return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)
    array = np.lib.format.open_memmap(path, mode="r+")
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(
            f"{path} has views of another run ({array.shape}, not {shape}): choose another "
            "--view_cache or delete this one."
        )
    return array
