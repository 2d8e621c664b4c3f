"""Seeds: which picture is drawn, so that it can be drawn again."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import torch

__all__ = ["MAX_SEED", "Generators", "seeded_generators", "variant_seeds"]

MAX_SEED = 2**31 - 1

Generators = torch.Generator | list[torch.Generator] | None


def variant_seeds(seed: int | None, count: int) -> list[int]:
    """Seeds of a picture and its variants, one after the other.

    Args:
        seed: of the first; None draws one.
        count: how many.

    Raises:
        ValueError: the seed is negative or above `MAX_SEED`.
    """
    first = secrets.randbelow(MAX_SEED) if seed is None else int(seed)
    if not 0 <= first <= MAX_SEED:
        raise ValueError(f"The seed must be between 0 and {MAX_SEED}.")
    return [(first + i) % (MAX_SEED + 1) for i in range(count)]


def seeded_generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One generator per picture, on the CPU, so that noise is the same on every device."""
    return [torch.Generator().manual_seed(seed) for seed in seeds]
