"""What the Hub names a file's content by, and whether a downloaded file still is that content."""

import hashlib
import re
from pathlib import Path


def git_oid(content: bytes) -> str:
    """Git's name of a file's content, 40 hex digits; the Hub's for small files."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    """64 hex digits; the Hub's name for large files."""
    return hashlib.sha256(content).hexdigest()


def remove_damaged(snapshot: Path) -> list[str]:
    """Deletes those files of a cached snapshot that are not what the Hub holds.

    The client compares sizes only. In its cache, a file of a snapshot is a link to a file that is
    named after the content; on systems without links there is nothing to compare with.

    Args:
        snapshot: folder of the Hub's cache, named after a commit.

    Returns:
        Paths of the deleted files, relative to the snapshot; the next download fetches them anew.
    """
    damaged = []
    for link in sorted(snapshot.rglob("*")):
        stored = link.resolve()
        if not link.is_symlink() or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", stored.name):
            continue
        name = sha256 if len(stored.name) == 64 else git_oid
        if name(stored.read_bytes()) != stored.name:
            stored.unlink()
            link.unlink()
            damaged.append(link.relative_to(snapshot).as_posix())
    return damaged
