"""Ratings, tags and scores of pictures, as data sets from Danbooru spell them, and filters by them.

Danbooru rates posts as general, sensitive, questionable or explicit since 2022; before, there was
no sensitive, and what is general today was called safe. Its tags are of five categories: general,
character, copyright, artist and meta. Data sets write them as one string, as a string or list per
category, or as objects with names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import datasets
import numpy as np

from .pictures import PICTURE_MEMBERS, DataError, picture_of

__all__ = ["Filters", "LabelledIds", "is_label", "labels_of"]

RATINGS = ("general", "sensitive", "questionable", "explicit")
SPELLINGS = {name: name for name in RATINGS} | {name[0]: name for name in RATINGS}
SPELLINGS["safe"] = "general"
# Columns or JSON members with tags: tags, tag_string, tag_string_general, general_tags, tags_meta …
TAG_FIELD = re.compile(r"tags?|tag_string(_\w+)?|tags_\w+|\w+_tags")
JSON_MEMBER = "json"  # of a picture in a tar
ID, KEY = "id", "__key__"  # the number of a post, and the name of a picture in a tar
ROWS_AT_ONCE = 10_000


def is_label(column: str) -> bool:
    """Whether a column says something about a picture that filters may need."""
    others = ("rating", "score", JSON_MEMBER, ID, KEY)
    return column in others or bool(TAG_FIELD.fullmatch(column))


def labels_of(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns of a row together with the members of the JSON beside a picture in a tar."""
    beside = row.get(JSON_MEMBER)
    return {**row, **beside} if isinstance(beside, Mapping) else row


@dataclass(frozen=True)
class Filters:
    """Which pictures are used; each of the fields is the flag of its name.

    Attributes:
        rating: of these ratings, in any spelling; without any, of all.
        include_tags: with every one of these tags.
        exclude_tags: with none of these tags.
        min_score: with at least this score.

    Raises:
        DataError: there is no such rating.
    """

    rating: Sequence[str] = ()
    include_tags: Sequence[str] = ()
    exclude_tags: Sequence[str] = ()
    min_score: float | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.rating if _rating(name) is None]
        if unknown:
            raise DataError(
                f"There is no rating {unknown[0]!r}; --rating can be one of {', '.join(RATINGS)}."
            )

    def __bool__(self) -> bool:
        return bool(self._needed())

    def _needed(self) -> dict[str, list[str]]:
        """What labels are needed for → the flags that need them."""
        needed = {
            "rating": ["--rating"] if self.rating else [],
            "tags": [
                f"--{name}" for name in ("include_tags", "exclude_tags") if getattr(self, name)
            ],
            "score": ["--min_score"] if self.min_score is not None else [],
        }
        return {label: flags for label, flags in needed.items() if flags}

    def check(self, rows: Iterable[Mapping[str, Any]], where: str) -> None:
        """Refuses filters for which the data have no labels.

        Args:
            rows: the first ones, or one with only the names of columns.
            where: what has these rows, the beginning of the sentence.

        Raises:
            DataError: none of the rows has a column or JSON member that a filter needs.
        """
        known = set().union(*(labels_of(row) for row in rows))
        has_tags = any(TAG_FIELD.fullmatch(name) for name in known)
        present = {"rating": "rating" in known, "tags": has_tags, "score": "score" in known}
        for label, flags in self._needed().items():
            if not present[label]:
                own = {JSON_MEMBER, KEY, "__url__", *PICTURE_MEMBERS}
                columns = ", ".join(sorted(known - own)) or "the picture alone"
                raise DataError(
                    f"{where} no {label} ({columns}): leave {' and '.join(flags)} out, or name "
                    "parquet files with labels by --tags_files."
                )

    def passes(self, row: Mapping[str, Any]) -> bool:
        """Whether a picture is used; one without the labels that a filter needs is not."""
        labels = labels_of(row)
        if self.rating and _rating(labels.get("rating")) not in self._ratings:
            return False
        if self.min_score is not None:
            score = labels.get("score")
            if score is None or float(score) < self.min_score:
                return False
        if not (self.include_tags or self.exclude_tags):
            return True
        fields = [name for name in labels if TAG_FIELD.fullmatch(name)]
        tags = {tag for name in fields for tag in _tags(labels[name])}
        return bool(fields) and self._included <= tags and not self._excluded & tags

    @cached_property
    def _ratings(self) -> set[str | None]:
        return {_rating(name) for name in self.rating}

    @cached_property
    def _included(self) -> set[str]:
        return {_tag(text) for text in self.include_tags}

    @cached_property
    def _excluded(self) -> set[str]:
        return {_tag(text) for text in self.exclude_tags}


class LabelledIds:
    """The pictures that pass filters by labels in files of their own, joined by the post's number.

    Args:
        files: parquet files or globs with a column ``id`` and those of the labels; local paths or
            ``hf://datasets/OWNER/NAME/FILE``.
        filters: at least one.

    Raises:
        DataError: the files cannot be read or lack a column, or there is no filter.
    """

    def __init__(self, files: Sequence[str], filters: Filters) -> None:
        if not filters:
            raise DataError("--tags_files is for filters: give --rating, for example, or leave it.")
        try:
            labels = datasets.load_dataset(
                "parquet", data_files={"train": list(files)}, split="train", streaming=True
            )
        except (OSError, ValueError) as error:
            raise DataError(f"--tags_files cannot be read: {_first_line(error)}") from error
        columns = labels.column_names
        if ID not in columns:
            raise DataError(
                f"--tags_files needs a column {ID!r} to join by; it has {', '.join(columns)}."
            )
        filters.check([dict.fromkeys(columns)], "--tags_files has")
        labels = labels.select_columns([name for name in columns if is_label(name)])
        tables = labels.with_format("arrow").iter(ROWS_AT_ONCE)
        kept = [self._kept(table.to_pylist(), filters) for table in tables]
        self.ids = np.unique(np.concatenate([np.zeros(0, np.int64), *kept]))

    @staticmethod
    def _kept(rows: Iterable[Mapping[str, Any]], filters: Filters) -> np.ndarray:
        """Ids of the rows that pass."""
        kept = (int(row[ID]) for row in rows if row[ID] is not None and filters.passes(row))
        return np.fromiter(kept, np.int64)

    def check(self, rows: Sequence[Mapping[str, Any]], column: str) -> None:
        """Refuses pictures that have no number to join by.

        Args:
            rows: the first ones. column: that holds the picture.

        Raises:
            DataError: none of them has one.
        """
        if all(_id(row, column) is None for row in rows):
            raise DataError(
                "The pictures cannot be joined with --tags_files: they have no column 'id', and "
                "their file names are not the numbers of posts."
            )

    def passes(self, row: Mapping[str, Any], column: str) -> bool:
        """Whether a picture, in a column of a row, is among those that pass."""
        number = _id(row, column)
        if number is None or not len(self.ids):
            return False
        place = min(int(np.searchsorted(self.ids, number)), len(self.ids) - 1)
        return bool(self.ids[place] == number)


def _rating(value: Any) -> str | None:
    """A rating's name today, or None if it is unknown."""
    text = str(value or "").strip().lower()
    return SPELLINGS.get(text.removeprefix("rating:").strip())


def _tag(text: str) -> str:
    """A tag as Danbooru writes it: lower case, underscores; prompts escape the brackets."""
    return "_".join(text.replace("\\", "").lower().split())


def _tags(value: Any) -> Iterator[str]:
    """Tags of a column's or member's value, whatever its form."""
    if isinstance(value, str):
        if "," in value:
            yield from map(_tag, value.split(","))
        else:  # at once, because there are millions of such texts
            yield from value.replace("\\", "").lower().split()
    elif isinstance(value, Mapping):
        if "name" in value:  # {"id": …, "name": …, "category": …}
            yield _tag(str(value["name"]))
            return
        for name, inner in value.items():  # {"general": [tags]} or {tag: confidence}
            yield from _tags(inner) if isinstance(inner, str | Sequence) else [_tag(name)]
    elif isinstance(value, Iterable):
        for inner in value:
            yield from [_tag(inner)] if isinstance(inner, str) else _tags(inner)


def _id(row: Mapping[str, Any], column: str) -> int | None:
    """The post's number: the column ``id``, else the picture's file name."""
    picture = picture_of(row, column)
    path = picture.get("path") if isinstance(picture, Mapping) else None
    for value in (labels_of(row).get(ID), row.get(KEY), path):
        name = PurePosixPath(str(value)).name.partition(".")[0]
        if value is not None and name.isdecimal():
            return int(name)
    return None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
