"""The last few results of costly work, kept while nothing that they depend on has changed."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from diffusers import ModelMixin
from PIL import Image

__all__ = ["CAPACITY", "ResultCache"]

CAPACITY = 4  # drawings that are worked on at a time: strokes and variants come and go over them

Result = TypeVar("Result")


class ResultCache(Generic[Result]):
    """A small cache whose keys are the inputs of the work, network weights included.

    Args:
        capacity: results that are kept; the one used longest ago is dropped first.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        self.capacity = capacity
        self._results: OrderedDict[str, Result] = OrderedDict()

    def get_or_compute(
        self, compute: Callable[[], Result], networks: Sequence[ModelMixin], *inputs: object
    ) -> Result:
        """The result for these inputs, computed if it is not kept.

        Args:
            compute: does the work.
            networks: whose weights the result depends on; weights changed in place are other
                weights.
            inputs: tensors, pictures, and whatever else has a ``repr`` that says all of it.
        """
        digest = hashlib.sha256()
        for network in networks:
            # Weights that were loaded in inference mode have no version, and never change.
            weights = (w for w in network.parameters() if not w.is_inference())
            versions = [weight._version for weight in weights]
            digest.update(repr((id(network), str(network.device), versions)).encode())
        for value in inputs:
            digest.update(_bytes(value))
        key = digest.hexdigest()
        if key not in self._results:
            self._results[key] = compute()
        self._results.move_to_end(key)
        while len(self._results) > self.capacity:
            self._results.popitem(last=False)
        return self._results[key]


def _bytes(value: object) -> bytes:
    if isinstance(value, torch.Tensor):
        return value.float().cpu().numpy().tobytes()
    if isinstance(value, Image.Image):
        return repr((value.mode, value.size)).encode() + value.tobytes()
    return repr(value).encode()
