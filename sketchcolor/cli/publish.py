"""``sketchcolor publish``: puts the models and the app on the Hub."""

from __future__ import annotations

import argparse

from .common import DONE, refuse

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of ``publish``."""
    parser.description = (
        "Puts each bundled model on the Hub, with card, sample pictures and licence, "
        "and prints it with its commit. Files that are unchanged are not sent again."
    )
    parser.epilog = (
        "The token comes from HF_TOKEN or from `hf auth login`. Exit status: 0 done, "
        "2 the Hub or the token refused."
    )
    parser.add_argument("--namespace", required=True, help="user or organization to publish as")
    parser.add_argument("--private", action="store_true", help="make new repositories private")
    parser.add_argument("--space", action="store_true", help="publish the app too, as a Space")
    parser.add_argument("--tag", help="of the version (default: v and the package's version)")
    parser.add_argument(
        "--dry-run", action="store_true", help="list the files that would be sent, without requests"
    )


def run(options: argparse.Namespace) -> int:
    """Puts the bundled models and, with ``--space``, the app on the Hub.

    Returns:
        Exit status: 0, or 2 if something is refused; what was published before remains published.
    """
    from ..hub import publishing

    tag = options.tag or publishing.VERSION_TAG
    try:
        if options.dry_run:
            for publication in publishing.plan(options.namespace, tag, options.space):
                print(f"{publication.kind} {publication.repo} {tag}")
                for path in publication.files:
                    print(f"  {len(publication.content(path)):>12,} B  {path}")
            return DONE
        for done in publishing.publish(options.namespace, tag, options.space, options.private):
            sent = f"{len(done.changed)} files sent" if done.changed else "nothing changed"
            publication = done.publication
            print(f"{publication.kind} {publication.repo}@{done.revision} {tag}: {sent}")
    except publishing.PublishError as error:
        return refuse(error)
    return DONE
