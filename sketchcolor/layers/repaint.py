"""Makes edits to a colouring: flats are repainted, and the light that lay over them stays.

No network runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from PIL import Image

from ..parts.colouring import PartMap
from .edits import Edit, Lock, Merge, Point, Recolour, Rename, Split
from .split import divide
from .stack import LayerStack

__all__ = ["apply_edits", "edit_parts", "edits_for_new_colours", "inner_point"]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601
# Of 255: how much black counts as when light is measured against a flat, because the light of a
# dark part is small and would be all noise on a bright one.
DARKEST = 24.0
INKED = 250  # sketch level below which a pixel lies under a line


def apply_edits(stack: LayerStack, edits: Sequence[Edit]) -> LayerStack:
    """The colouring with changes made to it, in their order.

    Pixels of parts that have not changed keep their values to the bit.

    Args:
        stack: as it was coloured.
        edits: changes.

    Returns:
        Another stack; ``stack`` itself where there are no edits.

    Raises:
        ValueError: a place lies outside the sketch, or a stroke covers all of a part.
    """
    if not edits:
        return stack
    edited = edit_parts(stack, edits)
    return LayerStack(stack.drawing, _repaint(stack, edited), edited, stack.dpi)


def edit_parts(stack: LayerStack, edits: Sequence[Edit]) -> PartMap:
    """The parts alone that :func:`apply_edits` gives, without a picture of them."""
    parts = {part.label: part for part in stack.parts.parts}
    label = stack.label
    for edit in edits:
        if isinstance(edit, Split):
            for point in edit.points:
                _pixel(point, stack.size)
            label, number, new = divide(stack.drawing, label, edit.points, edit.width)
            parts[new] = replace(parts[number], label=new)
            continue
        number = _part_at(label, edit.at)
        if isinstance(edit, Merge):
            other = _part_at(label, edit.other)
            if other != number:
                label = np.where(label == other, np.int32(number), label)
                del parts[other]
        elif isinstance(edit, Recolour):
            parts[number] = replace(parts[number], color=edit.color.lower())
        elif isinstance(edit, Rename):
            parts[number] = replace(parts[number], name=edit.name)
        elif isinstance(edit, Lock):
            parts[number] = replace(parts[number], locked=edit.locked)
    area = np.bincount(label.ravel(), minlength=max(parts) + 1)
    sized = [replace(part, area=int(area[part.label])) for part in parts.values()]
    sized.sort(key=lambda part: (part.label != 0, -part.area))
    return PartMap(label, sized)


def edits_for_new_colours(edited: PartMap, edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """What stays of the edits when the drawing is coloured anew.

    Borders and names stay as they were made, and locked parts keep the color that they have.

    Args:
        edited: the parts with the edits.
        edits: those that were made.
    """
    kept = [edit for edit in edits if not isinstance(edit, Recolour)]
    return (
        *kept,
        *(
            Recolour(inner_point(edited.label, part.label), part.color)
            for part in edited.parts
            if part.locked
        ),
    )


def inner_point(label: np.ndarray, number: int) -> Point:
    """x, y of the pixel of a part that is farthest from its border.

    Args:
        label: H×W int, with at least one pixel of ``number``.
    """
    inside = np.pad((label == number).astype(np.uint8), 1)
    distance = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_3)[1:-1, 1:-1]
    y, x = divmod(int(distance.argmax()), label.shape[1])
    return (x, y)


def _repaint(stack: LayerStack, edited: PartMap) -> Image.Image:
    """The colours of a stack with the flats of other parts under its light, mode RGB."""
    before, after = (_packed(one.colours)[one.label].ravel() for one in (stack.parts, edited))
    changed = np.flatnonzero(before != after)
    colours = np.array(stack.colours)
    if len(changed):
        pixels = colours.reshape(-1, 3)
        old, new = (
            one.colours[one.label.ravel()[changed]].astype(np.float32)
            for one in (stack.parts, edited)
        )
        lit = pixels[changed].astype(np.float32)
        seam = _seams(stack.label, stack.drawing).ravel()[changed]
        lit[seam] = old[seam]
        pixels[changed] = np.round(np.clip(_under_light(old, lit, new), 0, 255))
    return Image.fromarray(colours)


def _packed(colours: np.ndarray) -> np.ndarray:
    """N ints 0xrrggbb of N×3 uint8; they are compared faster."""
    return colours.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)


def _under_light(old: np.ndarray, lit: np.ndarray, new: np.ndarray) -> np.ndarray:
    """New flats under the light that was seen on old ones, N×3 float32 in [0, 255] each.

    Shadow multiplies and light screens, both grey, as artists lay them over flats; what the grey
    ones do not explain, such as a blush, is added. So an old color gives the old picture.

    Args:
        old: flats. lit: how they looked. new: other flats.
    """
    flat, seen = old @ LUMA, lit @ LUMA
    shadow = np.minimum((seen + DARKEST) / (flat + DARKEST), 1.0)[:, None]
    glow = np.clip((seen - flat) / (255.0 + DARKEST - flat), 0.0, 1.0)[:, None]

    def under_grey(color: np.ndarray) -> np.ndarray:
        dark = color * shadow
        return dark + glow * (255.0 - dark)

    return under_grey(new) + (lit - under_grey(old))


def _seams(label: np.ndarray, drawing: Image.Image) -> np.ndarray:
    """H×W bool: under lines and beside another part, whose color may have run in."""
    small = label.astype(np.float32)  # OpenCV takes no int32 here; labels are exact below 2²⁴
    other = cv2.erode(small, np.ones((3, 3))) != cv2.dilate(small, np.ones((3, 3)))
    return other & (np.asarray(drawing) < INKED)


def _part_at(label: np.ndarray, at: Point) -> int:
    height, width = label.shape
    x, y = _pixel(at, (width, height))
    return int(label[y, x])


def _pixel(at: Point, size: tuple[int, int]) -> tuple[int, int]:
    """The pixel at a place.

    Raises:
        ValueError: it lies outside.
    """
    x, y = (int(np.floor(coordinate)) for coordinate in at)
    if not (0 <= x < size[0] and 0 <= y < size[1]):
        raise ValueError(
            f"An edit is at ({x}, {y}), outside the sketch of {size[0]}×{size[1]} pixels."
        )
    return x, y
