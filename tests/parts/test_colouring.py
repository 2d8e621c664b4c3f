"""Colouring by parts, through the pipeline: parts and flats, paper, hints, seeds, bundles."""

import json
from dataclasses import replace
from types import ModuleType

import cv2
import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from PIL import Image

import sketchcolor.colouring
import sketchcolor.parts.reader
from sketchcolor import load_pipeline
from sketchcolor.conditions import Palette
from sketchcolor.parts.colouring import map_parts
from sketchcolor.parts.flats import Flats
from sketchcolor.parts.hint_shares import HintColours
from sketchcolor.parts.pieces import resize_label
from sketchcolor.pipeline import SketchColorPipeline
from tests.support.networks import (
    TINY_READABLE,
    drawing_parts,
    parts_pipeline,
    tiny_part_colours,
    tiny_part_encoder,
    tiny_proposer,
    tiny_refiner,
)

SIDE = 160
FAST = {"resolution": 64, "num_inference_steps": 2}
IN_DISC, IN_RING, ON_PAPER = (80, 80), (80, 45), (5, 5)  # row, column
BLUE, BLUE_RGB = "#3060c0", (0x30, 0x60, 0xC0)


@pytest.fixture(autouse=True)
def on_small_pages(monkeypatch):
    for name in ("RESOLUTION", "HINTED_RESOLUTION"):
        monkeypatch.setattr(f"sketchcolor.parts.analysis.{name}", 128)


@pytest.fixture(params=["proposal", "part colours"])
def pipeline(request, in_float32) -> SketchColorPipeline:
    """Parts coloured by a proposal, or all together by a network of their own."""
    return parts_pipeline(tiny_part_colours() if request.param == "part colours" else None)


@pytest.fixture
def sketch() -> Image.Image:
    """A circle in a circle on white."""
    page = np.full((SIDE, SIDE), 255, np.uint8)
    for radius in (50, 20):
        cv2.circle(page, (80, 80), radius, 0, 3)
    return Image.fromarray(page)


def dot(place: tuple[int, int], color: str = BLUE) -> dict:
    return {"color": color, "width": 8, "points": [place[::-1]]}


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_a_colouring_has_its_parts_and_flats(pipeline, sketch):
    out = pipeline(sketch, seed=1, num_variants=2, **FAST)
    assert len(out.parts) == len(out.flats) == len(out.images) == 2
    for found, flats in zip(out.parts, out.flats, strict=True):
        assert found.label.shape == (SIDE, SIDE) and found.label.dtype == np.int32
        assert flats.size == sketch.size and flats.mode == "RGB"
        numbers = [part.label for part in found.parts]
        assert numbers == sorted(set(numbers)) == np.unique(found.label).tolist()
        assert sum(part.area for part in found.parts) == SIDE**2
        assert found.label[ON_PAPER] == 0 and found.parts[0].color == "#ffffff"
        assert found.label[IN_DISC] > 0 and found.label[IN_RING] > 0
        areas = [part.area for part in found.parts[1:]]
        assert areas == sorted(areas, reverse=True)
        for part in found.parts:
            mask = found.label == part.label
            assert part.area == mask.sum()
            painted = np.unique(np.asarray(flats)[mask], axis=0)
            assert ["#" + bytes(c.tolist()).hex() for c in painted] == [part.color]


@pytest.mark.parametrize("size", [(33, 257), (64, 64), (211, 130)])
def test_parts_have_the_sketchs_size(pipeline, size):
    out = pipeline(Image.new("L", size, 255), seed=0, **FAST)
    assert out.images[0].size == out.flats[0].size == size
    assert out.parts[0].label.shape == size[::-1]
    assert not out.parts[0].label.any()  # nothing but paper
    assert [part.area for part in out.parts[0].parts] == [size[0] * size[1]]


def test_a_drawing_that_fills_its_page_has_no_paper(pipeline):
    legs = np.full((SIDE, SIDE), 255, np.uint8)
    legs[:, 50:54] = legs[:, 110:114] = 0
    legs[:4] = legs[-4:] = legs[:, :4] = legs[:, -4:] = 0
    out = pipeline(Image.fromarray(legs), seed=0, **FAST)
    assert out.parts[0].label.min() > 0
    assert sum(part.area for part in out.parts[0].parts) == SIDE**2


def test_seeds_decide_the_picture(pipeline, sketch):
    first, again, other = (pipeline(sketch, seed=seed, **FAST) for seed in (5, 5, 6))
    for name in ("images", "flats"):
        one, same, another = (getattr(out, name)[0] for out in (first, again, other))
        assert np.array_equal(pixels(one), pixels(same))
        assert not np.array_equal(pixels(one), pixels(another))
    assert np.array_equal(first.parts[0].label, again.parts[0].label)
    assert first.parts[0].parts == again.parts[0].parts


def test_variants_are_the_single_pictures_of_their_seeds(pipeline, sketch):
    hints = [dot(IN_DISC)]
    batch = pipeline(sketch, seed=5, num_variants=3, hints=hints, **FAST)
    assert batch.seeds == [5, 6, 7]
    for row, seed in enumerate(batch.seeds):
        single = pipeline(sketch, seed=seed, hints=hints, **FAST)
        assert np.abs(pixels(batch.flats[row]) - pixels(single.flats[0])).max() <= 2
        assert np.abs(pixels(batch.images[row]) - pixels(single.images[0])).max() <= 3
    shown = {tuple(pixels(picture)[IN_RING]) for picture in batch.flats}
    assert len(shown) == 3


def test_paper_stays_white_and_can_be_painted(pipeline, sketch):
    white = pipeline(sketch, seed=1, **FAST)
    painted = pipeline(sketch, seed=1, background="painted", **FAST)
    paper = white.parts[0].label == 0
    assert (pixels(white.flats[0])[paper] == 255).all()
    page = np.asarray(sketch)
    apart = cv2.distanceTransform((page == 255).astype(np.uint8), cv2.DIST_L2, 5) > 8
    assert (paper & apart).sum() > SIDE**2 / 3
    assert (pixels(white.images[0])[paper & apart] == 255).all()
    assert np.abs(pixels(white.flats[0])[IN_RING] - 255).max() > 20
    assert np.abs(pixels(painted.flats[0])[ON_PAPER] - 255).max() > 20
    assert np.abs(pixels(painted.images[0])[paper & apart] - 255).max(axis=1).min() > 5
    if pipeline.part_colours is None:  # which draws the figure's colours along with paper's
        assert np.array_equal(pixels(painted.flats[0])[~paper], pixels(white.flats[0])[~paper])
    assert painted.parts[0].parts[0].color != "#ffffff"
    with pytest.raises(ValueError, match="background must be"):
        pipeline(sketch, background="white", **FAST)


def test_a_hint_on_the_figure_leaves_a_background_as_it_is(pipeline, sketch):
    for background in ("paper", "painted"):
        free, told = (
            pipeline(sketch, seed=1, hints=hints, background=background, **FAST)
            for hints in (None, [dot(IN_DISC)])
        )
        assert tuple(pixels(told.flats[0])[IN_DISC]) == BLUE_RGB
        paper = free.parts[0].label == 0
        assert np.array_equal(pixels(told.flats[0])[paper], pixels(free.flats[0])[paper])
        white = (pixels(told.flats[0])[paper] == 255).all()
        assert white == (background == "paper")


@pytest.mark.parametrize("place", [IN_DISC, IN_RING, ON_PAPER], ids=["disc", "ring", "paper"])
def test_a_hint_colours_the_region_that_it_lies_in_exactly(pipeline, sketch, place):
    out = pipeline(sketch, seed=1, hints=[dot(place)], **FAST)
    free = pipeline(sketch, seed=1, **FAST)
    room = np.zeros((SIDE + 2, SIDE + 2), np.uint8)
    cv2.floodFill(np.asarray(sketch).copy(), room, place[::-1], 128)
    inside = cv2.erode(room[1:-1, 1:-1], np.ones((3, 3), np.uint8)) > 0
    assert (pixels(out.flats[0])[inside] == BLUE_RGB).all()
    number = out.parts[0].label[place]
    assert out.parts[0].parts[number].color == BLUE
    assert (out.parts[0].label[inside] == number).all()
    rest = out.parts[0].label != number
    assert np.array_equal(pixels(out.flats[0])[rest], pixels(free.flats[0])[rest])
    assert tuple(pixels(free.flats[0])[place]) != BLUE_RGB
    # Light lies over it, and leaves the region's mean as it is.
    shown = pipeline(sketch, seed=1, hints=[dot(place)], lines="model", **FAST).images[0]
    assert np.abs(pixels(shown)[inside].mean(axis=0) - BLUE_RGB).max() < 40


def test_a_hint_layer_means_the_same_as_its_strokes(pipeline, sketch):
    layer = Image.new("RGBA", sketch.size)
    layer.paste(BLUE, (76, 76, 84, 84))
    out = pipeline(sketch, seed=1, hints=layer, **FAST)
    assert tuple(pixels(out.flats[0])[IN_DISC]) == BLUE_RGB
    empty = pipeline(sketch, seed=1, hints=Image.new("RGBA", sketch.size), **FAST)
    free = pipeline(sketch, seed=1, **FAST)
    assert np.array_equal(pixels(empty.images[0]), pixels(free.images[0]))


def test_black_lines_stay_black(pipeline, sketch):
    out = pipeline(sketch, seed=1, hints=[dot(IN_DISC)], **FAST).images[0]
    assert (pixels(out)[np.asarray(sketch) == 0] == 0).all()
    shown = pipeline(sketch, seed=1, lines="model", **FAST).images[0]
    assert pixels(shown)[np.asarray(sketch) == 0].max() > 0


def test_a_palette_is_what_the_flats_are_made_of(pipeline, sketch):
    wanted = Palette(np.array([[200, 40, 40], [30, 30, 160]], np.uint8), np.ones(2) / 2)
    out = pipeline(sketch, seed=1, palette=wanted, **FAST)
    free = pipeline(sketch, seed=1, **FAST)

    def error(picture) -> float:
        found = pixels(picture)[IN_RING]
        return np.abs(wanted.colors.astype(int) - found).sum(axis=1).min()

    assert error(out.flats[0]) < error(free.flats[0])
    assert tuple(pixels(out.flats[0])[ON_PAPER]) == (255, 255, 255)


def test_a_drawing_is_analysed_once_while_strokes_come_and_go(pipeline, sketch, monkeypatch):
    analysed, read, drawn = [], [], []

    def count(module: ModuleType, name: str, into: list) -> None:
        does = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *a: into.append(1) or does(*a))

    count(sketchcolor.parts.reader, "analyse", analysed)
    count(sketchcolor.colouring, "read_cells", read)
    count(sketchcolor.colouring, "draw_colours", drawn)
    pipeline(sketch, seed=1, **FAST)
    pipeline(sketch, seed=1, hints=[dot(IN_DISC)], **FAST)
    once = 0 if pipeline.part_colours is None else 1
    assert len(drawn) == once  # strokes go over the same free colours
    pipeline(sketch, seed=2, num_variants=2, **FAST)
    assert len(analysed) == 1 and len(read) == 1 and len(drawn) == 2 * once
    # With hints it is read once for all variants.
    pipeline(sketch, seed=2, hints=[dot(IN_DISC)], num_variants=2, **FAST)
    assert len(analysed) == 1 and len(read) == 2
    pipeline(sketch.rotate(90).crop((0, 0, 150, 160)), seed=1, **FAST)
    assert len(analysed) == 2 and len(read) == 2


def test_further_colours_move_the_free_ones_towards_what_is_expected(pipeline, sketch, monkeypatch):
    """One colour leaves other parts as they are; with two, the networks' expectation counts."""
    read = sketchcolor.colouring.read_cells

    def expects_green(*given):
        green = np.tile(np.array([-1.0, 1.0, -1.0], np.float32), (len(read(*given).alone), 1))
        return replace(read(*given), expected=green)

    monkeypatch.setattr(sketchcolor.colouring, "read_cells", expects_green)

    def ring(*hints) -> np.ndarray:
        return pixels(pipeline(sketch, seed=1, hints=hints or None, **FAST).flats[0])[IN_RING]

    alone, one = ring(), ring(dot(IN_DISC))
    assert np.abs(alone - one).max() <= 1
    two = ring(dot(IN_DISC), dot((80, 88), "#f0e020"))
    green = np.array([0, 255, 0])
    assert np.abs(two - green).sum() < np.abs(one - green).sum()


def test_the_steps_are_counted_to_the_end(pipeline, sketch):
    seen = []
    pipeline(sketch, seed=0, callback=lambda *step: seen.append(step), **FAST)
    total = 2 if pipeline.part_colours is not None else 4
    assert seen == [(done, total) for done in range(1, total + 1)]


def test_save_and_load_gives_the_same_picture(pipeline, sketch, tmp_path):
    pipeline.save_pretrained(str(tmp_path))
    loaded = load_pipeline(tmp_path, device="cpu")
    assert (loaded.part_colours is None) == (pipeline.part_colours is None)
    hints = [dot(IN_DISC)]
    one, other = (pipe(sketch, seed=2, hints=hints, **FAST) for pipe in (pipeline, loaded))
    assert np.abs(pixels(one.images[0]) - pixels(other.images[0])).max() <= 2
    assert np.abs(pixels(one.flats[0]) - pixels(other.flats[0])).max() <= 1
    assert np.array_equal(one.parts[0].label, other.parts[0].label)


def test_a_bundle_without_a_part_encoder_has_no_parts(tiny_pipeline, sketch, tmp_path):
    tiny_pipeline.save_pretrained(str(tmp_path))
    loaded = load_pipeline(tmp_path, device="cpu")
    assert loaded.parts is None and loaded.part_colours is None
    out = loaded(sketch, seed=0, **FAST)
    assert out.parts is None and out.flats is None and out.images[0].size == sketch.size
    # A bundle from before there were parts does not name them at all.
    index = tmp_path / "model_index.json"
    named = json.loads(index.read_text())
    assert named.pop("parts") == named.pop("part_colours") == [None, None]
    index.write_text(json.dumps(named))
    old = load_pipeline(tmp_path, device="cpu")
    same = old(sketch, seed=0, **FAST).images[0]
    assert np.abs(pixels(same) - pixels(out.images[0])).max() <= 1


def test_networks_that_do_not_belong_together_are_refused():
    refiner, encoder, colours = tiny_refiner(), tiny_part_encoder(), tiny_part_colours()
    proposer, scheduler = tiny_proposer(**TINY_READABLE), FlowMatchEulerDiscreteScheduler()
    with pytest.raises(ValueError, match="part encoder reads a proposer's features"):
        SketchColorPipeline(refiner, parts=encoder)
    with pytest.raises(ValueError, match="give a part encoder, too"):
        SketchColorPipeline(refiner, proposer, scheduler, part_colours=colours)
    with pytest.raises(ValueError, match="proposer and its scheduler"):
        SketchColorPipeline(refiner, proposer, parts=encoder)


def to_tensor(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image, np.float32) / 127.5 - 1.0)[None, None]


def test_a_batch_of_different_sketches_and_hints_is_each_of_them_alone(pipeline, sketch):
    pages = torch.cat([to_tensor(sketch), to_tensor(sketch.transpose(Image.ROTATE_90))])
    pages[1, 0, 40:120, 80] = -1.0  # a line through the middle
    hints = torch.zeros(2, 4, SIDE, SIDE)
    for row, (place, colour) in enumerate(
        [(IN_DISC, (-1.0, 0.0, 1.0)), ((80, 115), (1.0, -0.5, -1.0))]
    ):
        where = (slice(None), slice(place[0] - 3, place[0] + 3), slice(place[1] - 3, place[1] + 3))
        hints[row][where] = torch.tensor([*colour, 1.0])[:, None, None]

    def colour(rows: slice, *seeds: int, given: torch.Tensor | None = hints) -> torch.Tensor:
        return pipeline.colour_tensor(
            pages[rows],
            None if given is None else given[rows],
            seeds=seeds,
            num_inference_steps=2,
        )

    both = colour(slice(0, 2), 3, 4)
    assert both.shape == (2, 3, SIDE, SIDE) and both.abs().max() <= 1.0
    for row in (0, 1):
        alone = colour(slice(row, row + 1), 3 + row)
        assert (both[row] - alone[0]).abs().max() < 0.03
    free = colour(slice(0, 2), 3, 4, given=None)
    assert (both - free).abs().amax(dim=(1, 2, 3)).min() > 0.1


def test_a_hint_divides_what_was_one_part():
    """Three pieces of one part; two of them are asked for in colours that differ."""
    label = np.zeros((40, 40), np.int32)
    label[4:36, 2:20], label[4:20, 20:38], label[20:36, 20:38] = 1, 2, 3
    vectors = np.zeros((2, 20, 20), np.float32)
    vectors[0] = 1.0
    parts = drawing_parts(label, vectors, part=[0, 1, 1, 1])
    free = np.array([[1, 1, 1], [0.5, 0, 0], [0.5, 0, 0], [0.5, 0, 0]], np.float32)
    flats = Flats(parts, free)
    whole = map_parts(flats, resize_label(flats.label, (40, 40)))
    assert [(p.label, p.area) for p in whole.parts] == [(0, 1600 - 32 * 36), (1, 32 * 36)]
    asked = HintColours(
        np.array([[0, 0, 0], [-1, -1, 1], [-1, -1, 1], [0, 1, 0]], np.float32),
        np.array([0, 0, 1, 1], np.float32),
        np.zeros((400, 3), np.float32),
        np.zeros(400, np.float32),
        np.zeros(4, np.float32),
        2,
    )
    flats = Flats(parts, free, asked)
    divided = map_parts(flats, resize_label(flats.label, (80, 80)))
    assert [p.color for p in divided.parts[:2]] == ["#ffffff", "#bf8080"]
    assert {p.color for p in divided.parts[2:]} == {"#0000ff", "#80ff80"}
    assert [p.area for p in divided.parts] == [4 * n for n in (448, 576, 288, 288)]
    assert divided.label.shape == (80, 80) and divided.label[10, 10] == 1
    layer = np.asarray(divided.paint())
    assert tuple(layer[10, 70]) == (0, 0, 255) and tuple(layer[0, 0]) == (255, 255, 255)
