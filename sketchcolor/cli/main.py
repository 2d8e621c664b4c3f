"""The command line: runs the module of the given command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

__all__ = ["main"]

# Only the given command's module is imported, because some import PyTorch, which takes seconds.
COMMANDS = {
    "colorize": "colour sketches",
    "palette": "extract a picture's palette",
    "publish": "put the models and the app on the Hub",
    "stylize": "apply the style of other pictures to a coloured one",
    "evaluate": "measure models on colour pictures",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Each command has a module in this package with ``add_arguments(parser)`` and ``run(options)``,
    which returns the exit status.

    Args:
        arguments: the words of the command line; None takes those of the process.

    Raises:
        SystemExit: with status 2 for wrong usage, 0 after ``--help``.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="sketchcolor", description="Colour anime line art.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if arguments[:1] == [name]:
            module = import_module(f".{name}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    return options.run(options)
