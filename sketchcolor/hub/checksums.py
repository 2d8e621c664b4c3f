"""Checksums that the Hub uses, and the check of downloaded files."""

import hashlib
import re
from pathlib import Path


def git_oid(content: bytes) -> str:
    """Git's object id of a file's content, 40 hex digits; the Hub's checksum of small files."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    """64 hex digits; the Hub's checksum of large files (Git LFS)."""
    return hashlib.sha256(content).hexdigest()


def remove_damaged(snapshot: Path) -> list[str]:
    """Deletes files of a cached snapshot whose content has not the checksum of the Hub.

    The client compares sizes only. In its cache, a file of a snapshot is a link to a file whose
    name is the checksum; on systems without links nothing is checked.

    Args:
        snapshot: folder of a commit in the Hub's cache.

    Returns:
        Paths of the deleted files, relative to the snapshot; the next download gets them again.
    """
    damaged = []
    for link in sorted(snapshot.rglob("*")):
        stored = link.resolve()
        if not link.is_symlink() or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", stored.name):
            continue
        checksum = sha256 if len(stored.name) == 64 else git_oid
        if checksum(stored.read_bytes()) != stored.name:
            stored.unlink()
            link.unlink()
            damaged.append(link.relative_to(snapshot).as_posix())
    return damaged
