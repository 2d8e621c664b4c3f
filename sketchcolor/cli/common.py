"""Shared by the commands: exit statuses, reporting, and types of options."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

__all__ = ["DONE", "REFUSED", "SOME_FAILED", "positive", "refuse", "report"]

DONE, SOME_FAILED, REFUSED = 0, 1, 2  # exit statuses


def positive(text: str) -> int:
    """Type of an option that takes a positive integer."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def report(message: object) -> None:
    """Print one line to stderr, above a progress bar if there is one."""
    tqdm.write(str(message), file=sys.stderr)


def refuse(message: object) -> int:
    """Report why nothing is done, and return :data:`REFUSED`."""
    report(message)
    return REFUSED
