"""The last few results of costly work, kept while nothing that they depend on has changed."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from diffusers import ModelMixin
from PIL import Image

__all__ = ["Kept"]

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """A small cache whose keys are what went in, weights included.

    Args:
        most: results that are kept; the one used longest ago goes first.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._kept: OrderedDict[str, Result] = OrderedDict()

    def recall(
        self, make: Callable[[], Result], networks: Sequence[ModelMixin], *given: object
    ) -> Result:
        """What ``make`` made when it last was given the same, or makes now.

        Args:
            networks: whose weights the result depends on; changed in place they count as others.
            given: tensors, pictures, and whatever has a telling ``repr``.
        """
        digest = hashlib.sha256()
        for network in networks:
            weights = (w for w in network.parameters() if not w.is_inference())  # never change
            versions = [weight._version for weight in weights]
            digest.update(repr((id(network), str(network.device), versions)).encode())
        for value in given:
            digest.update(_bytes(value))
        key = digest.hexdigest()
        if key not in self._kept:
            self._kept[key] = make()
        self._kept.move_to_end(key)
        while len(self._kept) > self.most:
            self._kept.popitem(last=False)
        return self._kept[key]


def _bytes(value: object) -> bytes:
    if isinstance(value, torch.Tensor):
        return value.float().cpu().numpy().tobytes()
    if isinstance(value, Image.Image):
        return repr((value.mode, value.size)).encode() + value.tobytes()
    return repr(value).encode()
