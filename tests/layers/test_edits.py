"""Edits of a colouring: what they change, what they leave alone, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sketchcolor.layers.edits import (
    Lock,
    Merge,
    Recolour,
    Rename,
    Split,
    read_edits,
    write_edits,
)
from sketchcolor.layers.repaint import apply_edits, edits_for_new_colours, inner_point
from sketchcolor.layers.stack import LayerStack, merge
from sketchcolor.parts.colouring import Part, PartMap

LEFT, RIGHT, HAIR, PAPER = (40, 80), (75, 80), (170, 60), (5, 5)
RED, SKIN, BROWN = "#c83c28", "#f0d2b4", "#5a4030"


@pytest.fixture
def stack() -> LayerStack:
    """A square of two colours side by side, without a line between, and hair in two strands."""
    drawing = Image.new("L", (240, 160), 255)
    pen = ImageDraw.Draw(drawing)
    pen.rectangle((20, 40, 100, 120), outline=0, width=3)
    pen.rectangle((140, 40, 200, 120), outline=0, width=3)
    pen.line((170, 40, 170, 120), fill=0, width=3)
    label = np.zeros((160, 240), np.int32)
    label[41:120, 21:60], label[41:120, 60:100], label[41:120, 141:200] = 3, 2, 1
    parts = [
        Part(number, color, int((label == number).sum()))
        for number, color in enumerate(("#ffffff", BROWN, SKIN, RED))
    ]
    colours = np.asarray(PartMap(label, parts).paint()).astype(np.float32)
    light = np.linspace(0.6, 1.15, 160)[:, None, None]  # shadow above, light below
    lit = np.where((label > 0)[..., None], np.clip(colours * light, 0, 255), colours)
    return LayerStack(drawing, Image.fromarray(lit.astype(np.uint8)), PartMap(label, parts))


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def color_at(stack: LayerStack, at: tuple[int, int]) -> str:
    number = stack.label[at[1], at[0]]
    return next(part.color for part in stack.parts.parts if part.label == number)


def test_a_part_gets_another_color_under_the_light_that_was_there(stack):
    edited = apply_edits(stack, [Recolour(LEFT, "#28a03c")])
    mask = stack.label == 3
    changed = (pixels(edited.picture) != pixels(stack.picture)).any(axis=2)
    assert changed[mask].mean() > 0.8 and not changed[~mask].any()
    rows = pixels(edited.colours)[42:118, 40] @ (0.299, 0.587, 0.114)
    assert (np.diff(rows) >= -0.5).all() and rows[-1] > rows[0] + 20  # shadow above, light below
    middle = pixels(edited.colours)[115, 40]
    assert np.abs(middle - (0x28, 0xA0, 0x3C)).max() < 30
    assert color_at(edited, LEFT) == "#28a03c"
    assert edited.parts.parts[0].label == 0


def test_the_old_color_gives_the_old_picture_to_the_bit(stack):
    there_and_back = [Recolour(LEFT, "#101010"), Recolour(LEFT, RED)]
    assert pixels(apply_edits(stack, there_and_back).picture).tolist() == (
        pixels(stack.picture).tolist()
    )
    assert apply_edits(stack, []) is stack


def test_edited_layers_still_merge_to_the_picture(stack):
    edited = apply_edits(
        stack, [Recolour(LEFT, "#102040"), Merge(HAIR, RIGHT), Recolour(PAPER, "#c0e0ff")]
    )
    assert np.abs(merge(edited.layers).astype(int) - pixels(edited.picture)).max() <= 1
    assert len(edited.parts.parts) == 3
    assert pixels(edited.picture)[5, 5].tolist() == [0xC0, 0xE0, 0xFF]


def test_merged_parts_have_one_color_and_stay_together(stack):
    edited = apply_edits(stack, [Merge(LEFT, RIGHT), Recolour(RIGHT, "#3060c0")])
    assert color_at(edited, LEFT) == color_at(edited, RIGHT) == "#3060c0"
    areas = {part.label: part.area for part in edited.parts.parts}
    assert areas[3] == (stack.label == 3).sum() + (stack.label == 2).sum()
    assert apply_edits(stack, [Merge(LEFT, LEFT)]).parts.parts == stack.parts.parts


def test_a_stroke_in_one_strand_splits_it_from_the_other(stack):
    split = Split(((150.0, 60.0), (160.0, 90.0)), 6.0)
    edited = apply_edits(stack, [split, Recolour((150, 60), "#e0c060")])
    assert color_at(edited, (150, 60)) == "#e0c060" and color_at(edited, (190, 60)) == BROWN
    strand = edited.label[60, 150]
    columns = np.flatnonzero((edited.label == strand).any(axis=0))
    assert columns.min() == 141 and 168 <= columns.max() <= 172  # the border lies under the line
    assert np.array_equal(pixels(apply_edits(stack, [split]).picture), pixels(stack.picture))


def test_a_stroke_across_a_part_without_lines_cuts_it(stack):
    edited = apply_edits(stack, [Split(((22.0, 70.0), (58.0, 70.0)), 2.0)])
    above, below = edited.label[50, 40], edited.label[110, 40]
    assert above != below and {above, below} > {3}
    dab = apply_edits(stack, [Split(((40.0, 80.0),), 10.0)])
    apart = dab.label == dab.label[80, 40]
    assert 60 <= apart.sum() <= 100 and dab.label[50, 40] == dab.label[110, 40] == 3


def test_only_locked_parts_keep_their_color_in_another_colouring(stack):
    edits = [
        Split(((150.0, 60.0),), 6.0),
        Recolour((150, 60), "#e0c060"),
        Rename((150, 60), "fringe"),
        Recolour(LEFT, "#28a03c"),
        Lock((150, 60), True),
        Lock(RIGHT, True),
        Lock(RIGHT, False),
    ]
    edited = apply_edits(stack, edits)
    other = PartMap(
        stack.label,
        [Part(p.label, "#808080" if p.label else p.color, p.area) for p in stack.parts.parts],
    )
    anew = LayerStack(stack.drawing, other.paint(), other)
    kept = apply_edits(anew, edits_for_new_colours(edited.parts, edits))
    assert color_at(kept, (150, 60)) == "#e0c060"
    assert color_at(kept, LEFT) == color_at(kept, RIGHT) == "#808080"
    assert [part.name for part in kept.parts.parts if part.locked] == ["fringe"]


def test_an_inner_point_is_far_from_the_border():
    label = np.zeros((50, 80), np.int32)
    label[10:41, 20:61] = 4
    x, y = inner_point(label, 4)
    assert y == 25 and 35 <= x <= 45
    x, y = inner_point(label, 0)
    assert label[y, x] == 0 and 5 < x < 75 and 5 < y < 45


def test_edits_are_stored_and_read_again():
    edits = (
        Recolour((1.0, 2.0), "#aabbcc"),
        Merge((1.0, 2.0), (3.0, 4.5)),
        Split(((1.0, 2.0), (3.0, 4.0)), 2.5),
        Rename((1.0, 2.0), "hair"),
        Lock((1.0, 2.0), True),
    )
    assert read_edits(json.loads(json.dumps(write_edits(edits)))) == edits
    assert read_edits([]) == ()
    (split,) = read_edits([{"edit": "split", "points": [[1, 2]], "width": "3"}])
    assert split.width == 3.0


@pytest.mark.parametrize(
    "edit",
    [
        {"edit": "recolour", "at": [1], "color": "#ffffff"},
        {"edit": "recolour", "at": [1, 2], "color": "green"},
        {"edit": "recolour", "at": [1, float("nan")], "color": "#ffffff"},
        {"edit": "recolour", "at": [1, 2]},
        {"edit": "merge", "at": [1, 2], "other": None},
        {"edit": "split", "points": [], "width": 2},
        {"edit": "split", "points": [[1, 2]], "width": 0},
        {"edit": "split", "points": [[1, 2]], "width": float("inf")},
        {"edit": "split", "points": [[1, 2]], "width": [3]},
        {"edit": "lock", "at": [10**400, 2], "locked": True},
        {"edit": "rename", "at": [1, 2], "name": "x" * 61},
        {"edit": "lock", "at": [1, 2], "locked": "yes"},
        {"edit": "lock", "at": [1, 2], "locked": True, "more": 1},
    ],
)
def test_malformed_edits_are_refused_in_a_sentence(edit):
    with pytest.raises(ValueError, match=f"The edit '{edit['edit']}' is malformed"):
        read_edits([edit])


def test_what_is_no_edit_is_refused():
    for one in ("x", None, {}, {"edit": "paint"}, {"edit": ["recolour"]}):
        with pytest.raises(ValueError, match="An edit is one of recolour, merge"):
            read_edits([one])
    for other in (None, {}, "[]"):
        with pytest.raises(ValueError, match="Edits are a JSON list"):
            read_edits(other)
    with pytest.raises(ValueError, match="more than 2,000 edits"):
        read_edits([{}] * 2001)
    strokes = {"edit": "split", "points": [[1, 2]] * 20_001, "width": 2}
    with pytest.raises(ValueError, match="more than 20,000 points"):
        read_edits([strokes])


def test_places_outside_and_strokes_over_all_of_a_part_are_refused(stack):
    with pytest.raises(ValueError, match=r"at \(240, 5\), outside the sketch of 240×160"):
        apply_edits(stack, [Recolour((240, 5), RED)])
    with pytest.raises(ValueError, match="outside the sketch"):
        apply_edits(stack, [Split(((-1.0, 3.0),), 4.0)])
    with pytest.raises(ValueError, match="covers all of the part"):
        apply_edits(stack, [Split(((40.0, 80.0),), 90.0)])


def test_a_pipeline_makes_the_edits_of_a_call(tiny_parts_pipeline, monkeypatch, example_sketch):
    for name in ("RESOLUTION", "HINTED_RESOLUTION"):
        monkeypatch.setattr(f"sketchcolor.parts.analysis.{name}", 128)
    pipeline = tiny_parts_pipeline
    options = {"seed": 1, "resolution": 64, "num_inference_steps": 2}
    plain = pipeline(example_sketch, **options)
    edits = [Recolour(inner_point(plain.layers[0].label, 1), "#00ff00")]
    edited = pipeline(example_sketch, edits=edits, **options)
    expected = apply_edits(plain.layers[0], edits)
    assert np.array_equal(pixels(edited.images[0]), pixels(expected.picture))
    assert not np.array_equal(pixels(edited.images[0]), pixels(plain.images[0]))
    assert (pixels(edited.flats[0])[plain.layers[0].label == 1] == (0, 255, 0)).all()
    assert "#00ff00" in [part.color for part in edited.parts[0].parts]
    with pytest.raises(ValueError, match='lines="keep"'):
        pipeline(example_sketch, edits=edits, lines="model", **options)
