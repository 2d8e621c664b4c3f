"""Seeds: which picture is drawn, so that it can be drawn again."""

from __future__ import annotations

import secrets

import torch

__all__ = ["MAX_SEED", "Generators", "seeds_of", "variant_seeds"]

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


def seeds_of(generator: Generators, count: int) -> list[int]:
    """The seeds that the generators of a batch began with, new ones where there is none.

    Args:
        generator: one for the batch, or one per picture.
        count: pictures of the batch.
    """
    if generator is None:
        return variant_seeds(None, count)
    if isinstance(generator, list):
        return [one.initial_seed() for one in generator]
    return [generator.initial_seed() + row for row in range(count)]
