"""Samples of streams: their order, workers, files, unusable pictures, and resuming."""

import datasets
import pytest
import torch
from torch.utils.data import DataLoader

from sketchcolor.training.data import SampleMaker
from sketchcolor.training.pictures import DataError
from sketchcolor.training.sources import Source, load_images
from sketchcolor.training.streams import StreamedSamples
from tests.support.danbooru import drawn, encoded, labelled_members, number_of, write_tar
from tests.support.danbooru import unusable as unusable_files

MAKER = SampleMaker(32, "figures", "random", hint_rate=0.5, palette_rate=0.5)


def write_shards(folder, shards: int, each: int, unusable: bool = False) -> Source:
    for shard in range(shards):
        members = labelled_members(range(shard * each, (shard + 1) * each))
        if unusable:
            files = {f"bad-{i}.png": data for i, data in enumerate(unusable_files().values())}
            members = {**files, **members}
        write_tar(folder / f"{shard:04d}.tar", members)
    return Source(data_files=str(folder / "*.tar"), data_format="webdataset", streaming=True)


def stream(source: Source, start: int, stop: int, workers: int = 0, **more) -> StreamedSamples:
    return StreamedSamples(load_images(source), MAKER, 5, start, stop, workers, **more)


def same(first: list[dict], second: list[dict]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(one[name], two[name]) for one, two in pairs for name in one)


@pytest.mark.parametrize("shards", [1, 3])
def test_the_order_does_not_depend_on_the_number_of_workers(tmp_path, shards):
    source = write_shards(tmp_path, shards, 12 // shards)
    alone = list(stream(source, 0, 20, buffer=4))
    assert len(alone) == 20
    for workers in (1, 2, 4):  # more than there are files
        assert same(alone, list(stream(source, 0, 20, workers, buffer=4)))


def test_every_picture_comes_once_in_each_epoch_and_epochs_differ(tmp_path):
    maker = SampleMaker(32, "none", "dodge", 0.0, 0.0)
    images = load_images(write_shards(tmp_path, 2, 5))
    samples = StreamedSamples(images, maker, seed=0, start=0, stop=20, workers=2)
    numbers = [number_of(sample["colour"]) for sample in samples]
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))
    assert numbers[:10] != numbers[10:] and numbers[:10] != list(range(10))


@pytest.mark.parametrize("unusable", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_stream_goes_on_at_the_right_sample(tmp_path, unusable, workers):
    source = write_shards(tmp_path, 2, 4, unusable)
    straight = list(stream(source, 0, 19))
    assert same(straight[7:], list(stream(source, 7, 19, workers)))
    assert not list(stream(source, 19, 19, workers))


def test_unusable_pictures_are_passed_over_and_counted_once(tmp_path):
    maker = SampleMaker(32, "none", "dodge", 0.0, 0.0)
    images = load_images(write_shards(tmp_path, 2, 4, unusable=True))
    samples = StreamedSamples(images, maker, 0, 0, 30, workers=2)
    numbers = [number_of(sample["colour"]) for sample in samples]
    assert sorted(numbers[:8]) == list(range(8)) and len(numbers) == 30
    reasons = sorted(samples.skipped().values())
    assert len(reasons) == 8 and [r.partition(",")[0] for r in reasons[:2]] == ["a strip"] * 2


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stream_without_usable_pictures_is_refused(tmp_path, workers):
    members = {f"{i}.png": data for i, data in enumerate(unusable_files().values())}
    write_tar(tmp_path / "0.tar", members)
    source = Source(data_files=str(tmp_path / "0.tar"), data_format="webdataset", streaming=True)
    with pytest.raises(DataError, match=r"no usable picture \(1 .*1 .*\): check the files"):
        next(iter(stream(source, 0, 5, workers)))
    labelled = write_shards(tmp_path / "..", 1, 2)
    none = Source(**{**labelled.__dict__, "include_tags": ("nobody",)})
    with pytest.raises(DataError, match="holds no picture; check the files and the filters"):
        next(iter(stream(none, 0, 5, workers)))


def test_a_stream_of_files_that_are_only_named(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(encoded(drawn(number)))
    source = Source(data_files=str(tmp_path), data_format="imagefolder", streaming=True)
    maker = SampleMaker(32, "none", "dodge", 0.0, 0.0)
    samples = StreamedSamples(load_images(source), maker, 0, 0, 3, workers=1)
    assert {number_of(sample["colour"]) for sample in samples} == {0, 1, 2}


def test_batches_are_those_of_a_data_loader(tmp_path):
    samples = stream(write_shards(tmp_path, 1, 6), 0, 12, workers=2)
    batches = list(DataLoader(samples, batch_size=4, drop_last=True))
    assert [len(batch["colour"]) for batch in batches] == [4, 4, 4]
    assert isinstance(samples.images, datasets.IterableDataset)
