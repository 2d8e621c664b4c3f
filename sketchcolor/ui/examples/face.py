"""Face features in head units: origin at the middle of the skull, 100 = half the head's width.

The eyes sit around y = 38, the nose at 78, the mouth at 97 and the chin at 122.
"""

from __future__ import annotations

from dataclasses import dataclass

from sketchcolor.ui.examples.pen import Path, Sheet, ellipse, points

FRONT_JAW = (
    "-86,-30 -88,8 -86,42 -79,70 -62,94 -34,114 -9,122 9,122 34,114 62,94 79,70 86,42 88,8 86,-30"
)
# Turned towards the viewer's left: brow, eye socket and cheek show on the far side.
TURNED_JAW = (
    "-74,-40 -83,-8 -80,22 -84,44 -81,66 -66,92 -46,112 -30,121 -16,121 8,112 44,92 "
    "74,62 84,30 86,-20"
)
EAR = "84,18! 92,8 102,14 102,34 95,54 84,66!"
EAR_FOLD = "89,24 96,20 97,32 91,40 93,50"
FOLD = (0.8, 0.03)  # taper of a crease: it starts at an outline and runs out into the cloth


@dataclass(frozen=True)
class Eye:
    """A kind of eye, drawn 100 units wide.

    Attributes:
        tall: height over the usual height.
        slant: degrees the outer corner rises.
        lash: number of separate lashes at the outer corner.
        iris: half width of the iris.
        pupil: half width of the pupil.
    """

    tall: float = 1.0
    slant: float = 0.0
    lash: int = 2
    iris: float = 33
    pupil: float = 11


def mirrored(path: Path) -> str:
    """The path reflected in the vertical axis."""
    knots, corners = points(path)
    return " ".join(
        f"{-x:g},{y:g}{'!' if corner else ''}"
        for (x, y), corner in zip(knots, corners, strict=True)
    )


def eye(
    sheet: Sheet,
    kind: Eye,
    x: float,
    y: float,
    width: float,
    right: bool,
    narrow: float = 1.0,
    gaze: tuple[float, float] = (0, 0),
) -> None:
    """Draw one open eye.

    Args:
        sheet: the paper.
        kind: the kind of eye.
        x: middle of the eye.
        y: middle of the eye.
        width: from corner to corner.
        right: whether it is the eye on the right of the picture.
        narrow: horizontal foreshortening, for the far eye of a turned head.
        gaze: where the iris has moved, in units of a 100 wide eye.
    """
    side = 1 if right else -1
    scale = width / 100
    with sheet.placed(x, y, scale, -kind.slant * side, stretch=(side * narrow, kind.tall)):
        ball = "-42,4! -32,-20 -4,-34 26,-27 46,4! 44,22 31,42 4,51 -24,43 -38,24"
        sheet.blank(ball)
        with sheet.inside(ball):
            _iris(sheet, kind, gaze[0] * side, gaze[1], -side)
        sheet.line("-20,47 2,52 22,48 36,36 44,18", 0.7, (0.05, 0.5))
        sheet.solid(
            "-52,14! -43,-8 -26,-30 0,-42 25,-38 43,-23 54,-4 71,-2! 60,7 47,6! "
            "38,-10 23,-25 0,-31 -23,-23 -40,-3"
        )
        for i in range(kind.lash):
            with sheet.placed(50 - 12 * i, -11 - 13 * i, tilt=-18 * i):
                sheet.solid("-10,-1! 4,-3 15,-11! 9,1 -2,6!")
        sheet.line("41,30 50,30", 0.6, (0.6, 0.05))
        sheet.line("-38,-34 -14,-52 16,-54 40,-42 52,-28", 0.6, (0.05, 0.05))


def _iris(sheet: Sheet, kind: Eye, x: float, y: float, light: int) -> None:
    """Iris at an offset inside a 100 wide eye; `light` is the side the highlights sit on."""
    rim = ellipse(x, y + 6, kind.iris, 43)
    sheet.shape(rim, 0.9)
    with sheet.inside(rim):
        sheet.solid(
            f"{x - 40},-60! {x + 40},-60! {x + 40},-4 {x + 26},-12 {x},-18 {x - 26},-12 {x - 40},-4"
        )
        for i in range(-4, 5):
            sheet.line([[x + 7 * i, -14], [x + 5.5 * i, y - 3 + 2 * abs(i)]], 0.6, (0.9, 0.05), 1)
        sheet.solid(ellipse(x, y + 7, kind.pupil, 18))
        sheet.line(ellipse(x, y + 7, kind.iris * 0.7, 32, 150, 30), 0.5)
        for i in range(-2, 3):
            sheet.line([[x + 4.5 * i, y + 29], [x + 7 * i, y + 37 - abs(i)]], 0.45, (0.5, 0.1))
    for dx, dy, radius in ((light * 13, -13, 11), (-light * 14, 24, 6)):
        sheet.shape(ellipse(x + dx, y + dy, radius, radius * 1.2), 0.4)


def closed_eye(sheet: Sheet, x: float, y: float, width: float, right: bool) -> None:
    """Draw one eye closed in a smile."""
    with sheet.placed(x, y, width / 100, stretch=(1 if right else -1, 1)):
        sheet.solid("-50,18! -32,-10 0,-22 32,-14 52,12 66,14! 56,22 44,20 22,-1 0,-7 -26,2")
        for lash in ("42,2! 52,-2 62,-12! 60,0 52,12!", "30,-10! 40,-16 48,-26! 47,-14 42,-2!"):
            sheet.solid(lash)
        sheet.line("-30,-36 0,-47 34,-38", 0.6)


def brow(
    sheet: Sheet,
    x: float,
    y: float,
    width: float,
    right: bool,
    tilt: float = 0,
    weight: float = 1.0,
) -> None:
    """Draw an eyebrow; `tilt` in degrees, positive lowers its outer end."""
    side = 1 if right else -1
    with sheet.placed(x, y, width / 100, tilt * side, stretch=(side, 1)):
        sheet.line("-50,6 -20,-6 16,-8 50,8", weight, (0.5, 0.05))


def nose(sheet: Sheet, x: float = 0, y: float = 78) -> None:
    """Draw a small nose: only the shadow under its tip."""
    with sheet.placed(x, y):
        sheet.line("-3,-5 -5,2 1,4", 0.7, (0.05, 0.2))


def smile(sheet: Sheet, x: float = 0, y: float = 97, width: float = 30) -> None:
    """Draw a closed, smiling mouth with the shadow of the lower lip."""
    with sheet.placed(x, y, width / 30):
        sheet.line("-16,-3 -13,0 -6,2 0,1 6,2 13,0 16,-3", 0.85, (0.3, 0.3))
        sheet.line("-4,9 4,9", 0.5)


def open_mouth(sheet: Sheet, x: float = 0, y: float = 97, width: float = 30) -> None:
    """Draw an open, laughing mouth with teeth and tongue."""
    with sheet.placed(x, y, width / 30):
        mouth = "-16,-4! 0,-1 16,-4! 13,8 4,15 -4,15 -13,8"
        sheet.shape(mouth, 0.85)
        with sheet.inside(mouth):
            sheet.line("-14,2 0,4 14,2", 0.45)
            sheet.line("-10,13 -3,8 4,8 11,13", 0.5)


def blush(sheet: Sheet, x: float, y: float, count: int = 3) -> None:
    """Draw a few slanted blush strokes on a cheek."""
    for i in range(count):
        dx = (i - (count - 1) / 2) * 7
        sheet.line([[x + dx + 3, y - 4], [x + dx - 3, y + 4]], 0.45)
