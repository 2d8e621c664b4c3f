"""Ratings, tags and scores in the spellings of data sets from Danbooru."""

import datasets
import pytest

from sketchcolor.training.labels import Filters, LabelledIds
from sketchcolor.training.pictures import DataError


@pytest.mark.parametrize("asked", ["general", "g", "General", "rating:general", "safe"])
@pytest.mark.parametrize("found", ["general", "g", "G", "safe", "rating:general", "rating:g"])
def test_ratings_are_the_same_in_every_spelling(asked, found):
    filters = Filters(rating=(asked,))
    assert filters.passes({"rating": found})
    for other in ("s", "sensitive", "q", "Questionable", "e", "rating:explicit", None, "?"):
        assert not filters.passes({"rating": other})


def test_several_ratings_may_pass():
    filters = Filters(rating=("g", "sensitive"))
    passing = [
        name for name in ("general", "s", "q", "explicit") if filters.passes({"rating": name})
    ]
    assert passing == ["general", "s"]


def test_an_unknown_rating_is_refused():
    with pytest.raises(DataError, match="no rating 'nice'; .*general, sensitive"):
        Filters(rating=("nice",))


@pytest.mark.parametrize(
    "labels",
    [
        {"tags": "1girl long_hair"},
        {"tags": "1girl, long hair"},
        {"tags": ["1girl", "Long Hair"]},
        {"tag_string": "1girl long_hair"},
        {"tag_string_general": "1girl", "tag_string_meta": "long_hair"},
        {"tag_string_general": "1girl", "tag_string_character": "long_hair"},
        {"general_tags": ["1girl"], "artist_tags": ["long_hair"], "copyright_tags": None},
        {"tags": {"general": ["1girl"], "meta": ["long_hair"]}},
        {"tags": {"1girl": 0.9, "long_hair": 0.8}},
        {"tags": [{"id": "1", "name": "long_hair", "category": "0"}]},
        {"json": {"tag_string_copyright": "long_hair"}, "webp": b""},
    ],
)
def test_tags_count_in_every_form_and_category(labels):
    for tag in ("long_hair", "long hair", "LONG_HAIR"):
        assert Filters(include_tags=(tag,)).passes(labels)
        assert not Filters(exclude_tags=(tag,)).passes(labels)
    assert Filters(exclude_tags=("long",)).passes(labels)
    assert not Filters(include_tags=("long_hair", "short_hair")).passes(labels)


def test_a_picture_without_tags_has_none_of_them():
    for empty in (None, "", []):
        assert Filters(exclude_tags=("comic",)).passes({"tags": empty})
        assert not Filters(include_tags=("1girl",)).passes({"tags": empty})
    assert not Filters(exclude_tags=("comic",)).passes({"json": None, "webp": b""})  # not known


def test_scores_are_compared():
    filters = Filters(min_score=5)
    assert [filters.passes({"score": score}) for score in (4, 5, 6.5, None)] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "filters, sentence",
    [
        (Filters(rating=("g",)), r"have no rating \(score\): leave --rating out"),
        (Filters(exclude_tags=("comic",)), r"no tags \(score\): leave --exclude_tags out"),
        (
            Filters(include_tags=("a",), exclude_tags=("b",)),
            "leave --include_tags and --exclude_tags out, or name .* --tags_files",
        ),
    ],
)
def test_a_filter_without_its_labels_is_refused(filters, sentence):
    rows = [{"json": None, "webp": b""}, {"json": {"score": 1}, "webp": b"", "__key__": "1"}]
    with pytest.raises(DataError, match=sentence):
        filters.check(rows, "The pictures have")
    labelled = {"json": {"score": 1, "rating": None, "tags": None}}
    filters.check([*rows, labelled], "The pictures have")


def write_labels(path, ids=(1, 2, 3)):
    rows = {"id": list(ids), "rating": ["g", "e", "g"], "tag_string": ["a", "a", "b"]}
    datasets.Dataset.from_dict(rows).to_parquet(str(path))
    return str(path)


def test_labels_of_other_files_are_joined_by_id(tmp_path):
    files = [write_labels(tmp_path / "a.parquet"), write_labels(tmp_path / "b.parquet", (7, 8, 9))]
    joined = LabelledIds(files, Filters(rating=("general",)))
    assert joined.ids.tolist() == [1, 3, 7, 9]
    assert joined.passes({"__key__": "0003/3", "webp": b""}, "image")
    assert joined.passes({"id": 9}, "image") and joined.passes({"id": "7"}, "image")
    assert joined.passes({"image": {"path": "/x/0001/1.png"}}, "image")
    for row in ({"__key__": "2"}, {"__key__": "4"}, {"id": 100}, {"image": {"path": "a.png"}}, {}):
        assert not joined.passes(row, "image")
    one = LabelledIds([str(tmp_path / "*.parquet")], Filters(exclude_tags=("a",)))
    assert one.ids.tolist() == [3, 9]


def test_files_that_cannot_be_joined_are_refused(tmp_path):
    labels = write_labels(tmp_path / "a.parquet")
    general = Filters(rating=("general",))
    with pytest.raises(DataError, match="--tags_files is for filters"):
        LabelledIds([labels], Filters())
    with pytest.raises(DataError, match="--tags_files has no score .*: leave --min_score out"):
        LabelledIds([labels], Filters(min_score=1))
    with pytest.raises(DataError, match="--tags_files cannot be read: .*absent"):
        LabelledIds([str(tmp_path / "absent.parquet")], general)
    datasets.Dataset.from_dict({"rating": ["g"]}).to_parquet(str(tmp_path / "no_id.parquet"))
    with pytest.raises(DataError, match="needs a column 'id' to join by; it has rating"):
        LabelledIds([str(tmp_path / "no_id.parquet")], general)
    with pytest.raises(DataError, match="file names are not the numbers of posts"):
        LabelledIds([labels], general).check([{"image": {"path": "girl.png"}}], "image")
