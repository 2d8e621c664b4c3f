"""What the commands share: exit statuses, how they report, and types of options."""

from __future__ import annotations

import argparse
import sys

from tqdm import tqdm

__all__ = ["DONE", "REFUSED", "SOME_FAILED", "positive", "refuse", "report"]

DONE, SOME_FAILED, REFUSED = 0, 1, 2  # exit statuses


def positive(text: str) -> int:
    """The type of an option that takes a whole number from 1 on."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def report(message: object) -> None:
    """Print one line to stderr, above a progress bar if there is one."""
    tqdm.write(str(message), file=sys.stderr)


def refuse(message: object) -> int:
    """Report why nothing is done; returns the exit status that says so."""
    report(message)
    return REFUSED
