"""Opens the pictures to train or measure on, through ``datasets``, in all layouts they come in.

These are parquet with pictures in a column, tars (WebDataset), folders of pictures with or without
a metadata file, two folders of colours and sketches, and all of the former as data sets on the Hub,
also streamed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import datasets
from datasets.packaged_modules.imagefolder.imagefolder import ImageFolder
from datasets.packaged_modules.webdataset.webdataset import WebDataset
from PIL import Image

from .labels import Filters, LabelledIds, is_label
from .pictures import (
    ANY_PICTURE,
    FOLDERS,
    LINEART_COLUMN,
    PICTURE_MEMBERS,
    DataError,
    UnusablePicture,
    read_row,
)

__all__ = ["Pictures", "Source", "line_art_kind", "load_images", "undecoded"]

FIRST_ROWS = 16  # of a stream, in which the labels that filters need must occur


@dataclass(frozen=True)
class Source:
    """Where pictures come from; the fields are the flags of ``train_accelerate.py``.

    Attributes:
        dataset_name: a Hub id, or None with ``data_files`` or folders.
        dataset_config_name: which configuration of it.
        data_files: parquet, tar or image files or globs, for the loader ``data_format``, or in the
            Hub data set if one is named. A folder of pictures stands for all files in it.
        data_format: ``parquet``, ``webdataset`` or ``imagefolder``.
        split: which split.
        image_column: the column that holds the picture. Tars have columns named after the files'
            extensions, of which ``image`` takes the one that is there.
        pair: ``colour-sketch`` or ``sketch-colour`` when one picture holds both side by side,
            ``folders`` when they are files of equal names in two folders.
        colour_dir, sketch_dir: these folders.
        paired_files: more files for the same loader, with line art in the column ``lineart``, which
            is used instead of extracted lines. The filters do not apply to them.
        rating, include_tags, exclude_tags, min_score: see :class:`Filters`.
        tags_files: parquet files with the labels that filters need, see :class:`LabelledIds`.
        streaming: read while downloading.
        max_samples: use only the first ones; None uses all.
    """

    dataset_name: str | None = None
    dataset_config_name: str | None = None
    data_files: Sequence[str] | str | None = None
    data_format: str = "parquet"
    split: str = "train"
    image_column: str = ANY_PICTURE
    pair: str | None = None
    colour_dir: str | Path | None = None
    sketch_dir: str | Path | None = None
    paired_files: Sequence[str] | str | None = None
    rating: Sequence[str] | str = ()
    include_tags: Sequence[str] = ()
    exclude_tags: Sequence[str] = ()
    min_score: float | None = None
    tags_files: Sequence[str] | str = ()
    streaming: bool = False
    max_samples: int | None = None


def load_images(source: Source) -> datasets.Dataset | datasets.IterableDataset:
    """Open a source and apply its filters.

    Returns:
        Rows for :func:`read_row`. The pictures of a stream are encoded.

    Raises:
        DataError: no source is named or it cannot be opened, a column or label that is needed does
            not exist, no picture passes the filters, names in two folders do not match, or flags
            contradict each other.
    """
    _check_flags(source)
    if source.pair == FOLDERS:
        images = _folders(source)
    else:
        images = _open(source, source.data_files)
        _check_column(images, source.image_column, "--image_column")
    images = _filtered(images, source)
    if source.max_samples is not None:
        if source.streaming:
            images = images.take(source.max_samples)
        else:
            images = images.select(range(min(source.max_samples, len(images))))
    return _with_pairs(images, source) if source.paired_files else images


def line_art_kind(source: Source, images: datasets.Dataset | datasets.IterableDataset) -> str:
    """Where the line art of opened pictures comes from, for the record of a run.

    Returns:
        ``extracted`` from the colours, ``drawn`` beside them, or ``mixed``.
    """
    if source.pair:
        return "drawn"
    if LINEART_COLUMN not in (images.column_names or ()):
        return "extracted"
    if isinstance(images, datasets.IterableDataset):
        return "mixed"  # a stream may have rows without it
    lines = undecoded(images.select_columns(LINEART_COLUMN)).with_format("arrow")
    empty = sum(table[LINEART_COLUMN].null_count for table in lines.iter(1000))
    return {0: "drawn", len(images): "extracted"}.get(empty, "mixed")


class Pictures(Sequence[Image.Image]):
    """The pictures of opened rows, read on access.

    Args:
        rows: as :func:`load_images` returns them, not streamed. source: of them.
        drawn: the sketches of pairs instead of the colour pictures.

    Raises:
        DataError: on access, a picture cannot be read.
    """

    def __init__(self, rows: datasets.Dataset, source: Source, drawn: bool = False) -> None:
        self.rows, self.source, self.drawn = undecoded(rows), source, drawn

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError(index)
        column, pair = self.source.image_column, self.source.pair
        try:
            return read_row(self.rows[index], column, pair, min_side=1)[self.drawn]
        except UnusablePicture as error:
            message = f"Picture {index} of the data is {error.reason}: leave it out."
            raise DataError(message) from error


def undecoded(images: Any) -> Any:
    """The same rows with pictures as ``bytes`` and ``path``, so that no damaged one ends a loop."""
    for name, feature in (images.features or {}).items():
        if isinstance(feature, datasets.Image):
            images = images.cast_column(name, datasets.Image(decode=False))
    return images


def _check_flags(source: Source) -> None:
    folders = bool(source.colour_dir), bool(source.sketch_dir)
    named = bool(source.dataset_name or source.data_files)
    if (source.pair == FOLDERS) != any(folders) or any(folders) != all(folders):
        raise DataError("--pair folders, --colour_dir and --sketch_dir go together.")
    if named and any(folders):
        raise DataError(
            "With --pair folders the two folders are the data: leave --dataset_name and "
            "--data_files out."
        )
    if not named and not any(folders):
        raise DataError("Name a dataset: --dataset_name for the Hub or --data_files for files.")
    if source.pair and source.paired_files:
        raise DataError("--paired_files are pairs of another kind: leave --pair out.")


def _open(
    source: Source, files: Sequence[str] | str | None
) -> datasets.Dataset | datasets.IterableDataset:
    """The split of a Hub data set or of files."""
    split, _, _ = source.split.partition("[")  # train[:100] is a part of the split train
    where: dict[str, Any] = {
        "path": source.dataset_name or source.data_format,
        "name": source.dataset_config_name,
        "data_files": {split: _all_files(files, source.data_format)} if files else None,
    }
    try:
        loader = datasets.load_dataset_builder(**where)
        if isinstance(loader, WebDataset):
            where["features"] = _members(source.image_column)
        elif isinstance(loader, ImageFolder):
            where["drop_labels"] = True  # folders of Danbooru are no classes
        return datasets.load_dataset(**where, split=source.split, streaming=source.streaming)
    # RuntimeError is what data sets with a script of their own raise.
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        failed = isinstance(error, datasets.exceptions.DatasetGenerationError)
        told = error.__cause__ if failed and error.__cause__ else error
        reason = str(told).strip().partition("\n")[0]
        raise DataError(f"The data cannot be opened: {reason}") from error


def _all_files(files: Sequence[str] | str, data_format: str) -> list[str]:
    """Files and globs, with all that is in folders if pictures are looked for."""
    named = [files] if isinstance(files, str) else [str(file) for file in files]
    if data_format != "imagefolder":
        return named
    return [f"{file}/**" if Path(file).is_dir() else file for file in named]


def _members(image_column: str) -> datasets.Features:
    """Columns of tars: pictures of any format and any JSON.

    Left to itself, ``datasets`` takes the columns of the first five members for those of all, so it
    refuses tars that mix formats, and JSON whose first tags are empty.
    """
    columns = {"__key__": datasets.Value("string"), "__url__": datasets.Value("string")}
    columns["json"] = datasets.Json()
    pictures = PICTURE_MEMBERS if image_column == ANY_PICTURE else (image_column,)
    return datasets.Features(columns | {name: datasets.Image() for name in pictures})


def _check_column(images: datasets.Dataset, column: str, flag: str) -> None:
    columns = images.column_names
    members = column == ANY_PICTURE and columns and set(PICTURE_MEMBERS) & set(columns)
    if columns is not None and column not in columns and not members:
        raise DataError(
            f"The data has no column {column!r}; choose {flag} from {', '.join(columns)}."
        )


def _filtered(images: Any, source: Source) -> Any:
    """The rows that pass the filters; those of a stream with encoded pictures."""
    rating = [source.rating] if isinstance(source.rating, str) else source.rating
    filters = Filters(rating, source.include_tags, source.exclude_tags, source.min_score)
    rows = undecoded(images)
    if source.streaming:
        images = rows
    else:  # labels alone are read fast; to join without an id takes the pictures' names, too
        columns = [name for name in rows.column_names if is_label(name)]
        named = bool({"id", "__key__"} & set(columns))
        needed = [source.image_column] if source.tags_files and not named else []
        rows = rows.select_columns(columns + needed)
    if source.tags_files:
        files = [source.tags_files] if isinstance(source.tags_files, str) else source.tags_files
        joined = LabelledIds(files, filters)
        joined.check(list(islice(rows, FIRST_ROWS)), source.image_column)
        column = source.image_column
        return _keep(images, rows, lambda row: joined.passes(row, column))
    if filters:
        first = list(islice(rows, FIRST_ROWS))
        filters.check(first or [dict.fromkeys(images.column_names)], "The pictures have")
        return _keep(images, rows, filters.passes)
    return images


def _keep(images: Any, rows: Any, passes: Any) -> Any:
    """The pictures whose rows pass."""
    if isinstance(images, datasets.IterableDataset):
        return images.filter(passes)
    kept = [index for index, row in enumerate(rows) if passes(row)]
    if not kept:
        raise DataError(
            f"None of the {len(images):,} pictures passes the filters: choose others, or check "
            "their spelling."
        )
    return images.select(kept)


def _folders(source: Source) -> datasets.Dataset | datasets.IterableDataset:
    """Pictures of one folder with the files of the same names in another as their line art."""
    colours, sketches = (
        _pictures_in(Path(str(folder))) for folder in (source.colour_dir, source.sketch_dir)
    )
    alone = sorted(colours.keys() ^ sketches.keys())
    if alone:
        where = source.colour_dir if alone[0] in colours else source.sketch_dir
        raise DataError(
            "--colour_dir and --sketch_dir need files of the same names, but these are in one of "
            f"them only: {len(alone):,}, the first of them {alone[0]!r} in {where}."
        )
    names = sorted(colours)
    rows = {
        source.image_column: [str(colours[name]) for name in names],
        LINEART_COLUMN: [str(sketches[name]) for name in names],
    }
    features = datasets.Features({name: datasets.Image() for name in rows})
    images = datasets.Dataset.from_dict(rows, features=features)
    return images.to_iterable_dataset() if source.streaming else images


def _pictures_in(folder: Path) -> dict[str, Path]:
    """Pictures in a folder and below it, by their path in it without the extension."""
    found: dict[str, Path] = {}
    for file in sorted(folder.rglob("*")):
        if file.suffix.lower().removeprefix(".") not in PICTURE_MEMBERS:
            continue
        name = file.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise DataError(f"{found[name]} and {file} have the same name: remove one of them.")
        found[name] = file
    if not found:
        raise DataError(f"There are no pictures in {folder}: check --colour_dir and --sketch_dir.")
    return found


def _with_pairs(images: datasets.Dataset, source: Source) -> datasets.Dataset:
    """The pictures followed by the pairs; ``lineart`` is None for the former."""
    if source.streaming:
        raise DataError("Pairs cannot be streamed beside pictures: leave --streaming out.")
    pairs = _open(replace(source, dataset_name=None), source.paired_files)
    _check_column(pairs, source.image_column, "--image_column")
    if LINEART_COLUMN not in pairs.column_names:
        raise DataError(f"--paired_files needs a column {LINEART_COLUMN!r} with the line art.")
    return datasets.concatenate_datasets([images, pairs])
