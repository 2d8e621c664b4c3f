"""Pictures from every layout in which data sets come, with filters, and pairs."""

import json

import datasets
import numpy as np
import pytest
from PIL import Image

from sketchcolor.training.data import SampleMaker, Samples, spread_samples
from sketchcolor.training.pictures import DataError
from sketchcolor.training.sources import Pictures, Source, line_art_kind, load_images
from tests.support.danbooru import (
    SIDE,
    drawn,
    encoded,
    labelled_members,
    number_of,
    unusable,
    write_tar,
)
from tests.support.pictures import write_pictures

MAKER = SampleMaker(32, "none", "dodge", 0.0, 0.0)
STREAMED = pytest.mark.parametrize("streaming", [False, True], ids=["map", "stream"])


def numbers(source: Source) -> list[int]:
    """Which of the `drawn` pictures a source has."""
    rng = np.random.default_rng(0)
    return sorted(number_of(MAKER(row, rng)["colour"]) for row in load_images(source))


def sketch_of(picture: Image.Image) -> Image.Image:
    lines = np.asarray(picture).max(axis=2) < 60
    return Image.fromarray(np.where(lines, 0, 255).astype(np.uint8)).convert("RGB")


def write_columns(path, rows: dict) -> str:
    columns = {name: datasets.Image() for name in ("image", "lineart") if name in rows}
    found = datasets.Dataset.from_dict(rows)
    for name, feature in columns.items():
        found = found.cast_column(name, feature)
    found.to_parquet(str(path))
    return str(path)


@STREAMED
def test_tars_with_json_beside_the_pictures(tmp_path, streaming):
    write_tar(tmp_path / "0.tar", labelled_members(range(0, 5)))
    write_tar(tmp_path / "1.tar", labelled_members(range(5, 9)))
    tars = {"data_files": str(tmp_path / "*.tar"), "data_format": "webdataset"}
    tars["streaming"] = streaming
    assert numbers(Source(**tars)) == list(range(9))
    assert numbers(Source(**tars, rating="g")) == [0, 1, 3, 4, 6, 7]
    assert numbers(Source(**tars, rating="safe", exclude_tags=["Monochrome"])) == [0, 4, 6]
    assert numbers(Source(**tars, rating="e", include_tags=["long hair"])) == [2, 8]
    assert numbers(Source(**tars, min_score=7)) == [7, 8]
    assert numbers(Source(**tars, image_column="webp", min_score=7)) == [7, 8]


@STREAMED
def test_tars_of_mixed_formats_and_odd_labels(tmp_path, streaming):
    """`datasets` by itself refuses the first, and loses or fails on the others."""
    members: dict = {}
    for number, kind in enumerate(("jpg", "png", "webp", "png", "jpeg", "png", "gif")):
        members[f"x/{number}.{kind}"] = encoded(drawn(number), kind)
        members[f"x/{number}.json"] = {"rating": "g", "tags": None if number < 6 else ["comic"]}
    members["x/readme.txt"] = b"about"
    tar = write_tar(tmp_path / "a.tar", members)
    source = Source(data_files=str(tar), data_format="webdataset", streaming=streaming, rating="g")
    assert numbers(source) == list(range(7))
    plain = Source(**{**source.__dict__, "exclude_tags": ("comic",)})
    assert numbers(plain) == list(range(6))


@STREAMED
def test_tars_of_pictures_alone_with_tags_in_a_parquet(tmp_path, streaming):
    files = {f"data/{number}.webp": encoded(drawn(number), "webp") for number in range(6)}
    tar = write_tar(tmp_path / "0000.tar", files)
    ratings, tags = ["g", "s", "q", "e", "g", "g"], ["a", "a", "a", "a", "comic", None]
    labels = {"id": list(range(6)), "rating": ratings, "tag_string_meta": tags}
    table = write_columns(tmp_path / "metadata.parquet", labels)
    tars = {"data_files": str(tar), "data_format": "webdataset", "streaming": streaming}
    joined = Source(**tars, tags_files=table, rating=["general"], exclude_tags=["comic"])
    assert numbers(joined) == [0, 5]
    with pytest.raises(DataError, match=r"have no rating \(the picture alone\): .* --tags_files"):
        load_images(Source(**tars, rating="general"))


@STREAMED
def test_parquet_with_columns_of_tags(tmp_path, streaming):
    rows = {
        "image": [drawn(number) for number in range(4)],
        "tag_string_general": ["1girl", "1girl, long hair", None, "solo"],
        "tag_string_character": ["", "", None, "comic_girls"],
        "score": [1, 2, None, 4],
    }
    file = write_columns(tmp_path / "a.parquet", rows)
    parquet = {"data_files": file, "streaming": streaming}
    assert numbers(Source(**parquet, exclude_tags=["long_hair"])) == [0, 2, 3]
    assert numbers(Source(**parquet, exclude_tags=["comic girls"])) == [0, 1, 2]
    assert numbers(Source(**parquet, min_score=2)) == [1, 3]
    assert numbers(Source(**parquet, min_score=2, max_samples=1)) == [1]
    with pytest.raises(DataError, match="no rating .*tag_string_character.*leave --rating out"):
        load_images(Source(**parquet, rating="general"))


@STREAMED
def test_folders_of_originals_with_and_without_metadata(tmp_path, streaming):
    for number, kind in enumerate(("jpg", "png", "webp", "bmp")):
        folder = tmp_path / "plain" / f"{number % 2:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.{kind}").write_bytes(encoded(drawn(number), kind))
    (tmp_path / "plain" / "0000" / "9.mp4").write_bytes(b"a film")
    folder = {"data_format": "imagefolder", "streaming": streaming}
    plain = {"data_files": str(tmp_path / "plain"), **folder}
    assert numbers(Source(**plain)) == [0, 1, 2, 3]
    labels = {"id": [0, 1, 2, 3], "rating": ["g", "e", "g", "g"]}
    table = write_columns(tmp_path / "tags.parquet", labels)
    assert numbers(Source(**plain, tags_files=[table], rating="g")) == [0, 2, 3]
    described = tmp_path / "described"
    described.mkdir()
    lines = []
    for number in range(3):
        (described / f"{number}.png").write_bytes(encoded(drawn(number)))
        line = {"file_name": f"{number}.png", "rating": "se"[number % 2], "tags": ["a"]}
        lines.append(json.dumps(line))
    (described / "metadata.jsonl").write_text("\n".join(lines))
    assert numbers(Source(data_files=str(described), **folder, rating="explicit")) == [1]


def test_nothing_that_passes_is_refused(tmp_path):
    file = write_pictures(tmp_path / "a.parquet", 4, ratings=["g"] * 4)
    with pytest.raises(DataError, match="None of the 4 pictures passes the filters"):
        load_images(Source(data_files=str(file), rating="explicit"))


def test_missing_sources_columns_and_splits_are_named(pictures, tmp_path):
    parquet = {"data_files": str(pictures)}
    with pytest.raises(DataError, match="--dataset_name"):
        load_images(Source())
    with pytest.raises(DataError, match="no column 'webp'.*image"):
        load_images(Source(**parquet, image_column="webp"))
    with pytest.raises(DataError, match="cannot be opened: .*absent"):
        load_images(Source(data_files=str(tmp_path / "absent.parquet")))
    (tmp_path / "bad.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataError, match="cannot be opened: .*[Pp]arquet") as error:
        load_images(Source(data_files=str(tmp_path / "bad.parquet")))
    assert "\n" not in str(error.value)
    assert len(load_images(Source(**parquet, split="train[:30%]"))) == 3


def write_unusable(path, usable: int) -> str:
    files = [encoded(drawn(number)) for number in range(usable)]
    files += [*unusable().values(), None]
    rows = [{"bytes": data, "path": None} if data else None for data in files]
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict({"image": rows}, features=features).to_parquet(str(path))
    return str(path)


def test_unusable_pictures_give_way_to_others(tmp_path):
    images = load_images(Source(data_files=write_unusable(tmp_path / "a.parquet", 3)))
    samples, again = Samples(images, MAKER, seed=1), Samples(images, MAKER, seed=1)
    drawn_numbers = [number_of(samples[i]["colour"]) for i in range(40)]
    assert set(drawn_numbers) == {0, 1, 2}
    late_first = [number_of(again[i]["colour"]) for i in reversed(range(40))]
    assert late_first[::-1] == drawn_numbers  # whatever was found unusable before
    reasons = samples.skipped()
    assert list(reasons) == [3, 4, 5, 6, 7]
    for expected, reason in zip([*unusable(), "missing"], reasons.values(), strict=True):
        assert reason.startswith(expected)
    assert np.array_equal(samples.view(5, 0).colour, samples.view(0, 0).colour)
    validation = spread_samples(images, MAKER, 8)
    assert [number_of(sample["colour"]) for sample in validation] == [0, 1, 2]


def test_a_source_without_a_usable_picture_is_refused(tmp_path):
    images = load_images(Source(data_files=write_unusable(tmp_path / "a.parquet", 0)))
    with pytest.raises(DataError, match=r"None of the 5 pictures can be used \(1 dam.*1 miss"):
        Samples(images, MAKER, seed=1)
    with pytest.raises(DataError, match="--validation_files"):
        spread_samples(images, MAKER, 3)


def side_by_side(number: int, pair: str) -> Image.Image:
    colour = drawn(number)
    both = Image.new("RGB", (2 * SIDE, SIDE))
    halves = (colour, sketch_of(colour)) if pair == "colour-sketch" else (sketch_of(colour), colour)
    for place, half in enumerate(halves):
        both.paste(half, (SIDE * place, 0))
    return both


@pytest.mark.parametrize("pair", ["colour-sketch", "sketch-colour"])
@pytest.mark.parametrize("layout", ["imagefolder", "parquet", "webdataset"])
@STREAMED
def test_side_by_side_pairs(tmp_path, pair, layout, streaming):
    both = [side_by_side(number, pair) for number in range(2)]
    if layout == "imagefolder":
        for number, picture in enumerate(both):
            picture.save(tmp_path / f"{number}.png")
        file = str(tmp_path / "*.png")
    elif layout == "parquet":
        file = write_columns(tmp_path / "a.parquet", {"image": both})
    else:
        members = {f"{n}.png": encoded(picture) for n, picture in enumerate(both)}
        file = str(write_tar(tmp_path / "a.tar", members))
    source = Source(data_files=file, data_format=layout, pair=pair, streaming=streaming)
    images = load_images(source)
    maker = SampleMaker(SIDE, "none", "random", 0.0, 0.0, pair=pair)
    for number, row in enumerate(images):
        check_pair(maker(row, np.random.default_rng(0)), number)
    assert line_art_kind(source, images) == "drawn"


def check_pair(sample: dict, number: int) -> None:
    assert number_of(sample["colour"]) == number
    lines = np.asarray(sketch_of(drawn(number)).convert("L"), np.float32) / 127.5 - 1
    assert np.abs(sample["sketch"][0].numpy() - lines).mean() < 0.05


def write_folders(folder, count: int, bigger: int = 1):
    """``color/src`` and ``color/sketch`` as in a set of pairs on Kaggle."""
    for name in ("src", "sketch"):
        (folder / "color" / name).mkdir(parents=True, exist_ok=True)
    for number in range(count):
        drawn(number).save(folder / "color" / "src" / f"{number}.png")
        sketch = sketch_of(drawn(number)).resize((SIDE * bigger, SIDE * bigger))
        sketch.save(folder / "color" / "sketch" / f"{number}.jpg", quality=98)
    dirs = {"colour_dir": folder / "color" / "src", "sketch_dir": folder / "color" / "sketch"}
    return {"pair": "folders"} | dirs


@STREAMED
@pytest.mark.parametrize("bigger", [1, 2])
def test_pairs_in_two_folders(tmp_path, streaming, bigger):
    source = Source(**write_folders(tmp_path, 3, bigger), streaming=streaming)
    images = load_images(source)
    maker = SampleMaker(SIDE, "none", "random", 0.0, 0.0, pair="folders")
    for number, row in enumerate(images):
        check_pair(maker(row, np.random.default_rng(0)), number)
    assert line_art_kind(source, images) == "drawn"


def test_folders_whose_names_do_not_match_are_refused(tmp_path):
    folders = write_folders(tmp_path, 4)
    (folders["sketch_dir"] / "1.jpg").unlink()
    (folders["sketch_dir"] / "3.jpg").unlink()
    with pytest.raises(DataError, match="in one of them only: 2, the first of them '1' in .*src"):
        load_images(Source(**folders))
    with pytest.raises(DataError, match="There are no pictures in .*: check --colour_dir"):
        load_images(Source(**folders | {"sketch_dir": tmp_path / "absent"}))
    drawn(0).save(folders["colour_dir"] / "1.webp")
    with pytest.raises(DataError, match="1.png and .*1.webp have the same name"):
        load_images(Source(**folders))


@pytest.mark.parametrize(
    "flags, sentence",
    [
        ({"pair": "folders"}, "--pair folders, --colour_dir and --sketch_dir go together"),
        ({"colour_dir": "a", "sketch_dir": "b"}, "go together"),
        ({"pair": "folders", "colour_dir": "a"}, "go together"),
        ({"pair": "folders", "colour_dir": "a", "sketch_dir": "b", "data_files": "c"}, "leave"),
        ({"pair": "colour-sketch", "data_files": "a", "paired_files": "b"}, "leave --pair out"),
        ({"data_files": "a", "tags_files": "b"}, "cannot be opened"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(flags, sentence):
    with pytest.raises(DataError, match=sentence):
        load_images(Source(**flags))


def test_a_sketch_of_another_shape_is_skipped(tmp_path):
    folders = write_folders(tmp_path, 2)
    drawn(0, (SIDE, 2 * SIDE)).save(folders["sketch_dir"] / "0.jpg")
    samples = Samples(load_images(Source(**folders)), MAKER, seed=0)
    assert {number_of(samples[i]["colour"]) for i in range(8)} == {1}
    assert list(samples.skipped().values()) == ["of another shape than its sketch"]


def test_the_kind_of_line_art_follows_from_the_data(pictures, tmp_path):
    rows = {"image": [drawn(0), drawn(1)], "lineart": [sketch_of(drawn(0)), sketch_of(drawn(1))]}
    pairs = write_columns(tmp_path / "pairs.parquet", rows)
    for more, kind in (
        ({"data_files": str(pictures)}, "extracted"),
        ({"data_files": pairs}, "drawn"),
        ({"data_files": str(pictures), "paired_files": pairs}, "mixed"),
    ):
        source = Source(**more)
        assert line_art_kind(source, load_images(source)) == kind


def test_pictures_and_sketches_are_read_on_access(tmp_path):
    source = Source(**write_folders(tmp_path, 2))
    rows = load_images(source)
    colours, sketches = Pictures(rows, source), Pictures(rows, source, drawn=True)
    assert len(colours) == len(list(sketches)) == 2
    assert np.array_equal(np.asarray(colours[1]), np.asarray(drawn(1)))
    assert np.asarray(sketches[1]).min() < 20 < 240 < np.median(np.asarray(sketches[1]))
    (tmp_path / "color" / "src" / "0.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="Picture 0 of the data is not a picture: leave it out"):
        colours[0]
