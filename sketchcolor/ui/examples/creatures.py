"""Creatures: a cat and a young dragon."""

from __future__ import annotations

from PIL import Image

from sketchcolor.ui.examples.face import mirrored
from sketchcolor.ui.examples.pen import Pen, Sheet, ellipse


def cat() -> Image.Image:
    """A sitting cat with tufted cheeks, a collar and a bell."""
    sheet = Sheet(896, 896, Pen(width=3.6, swell=0.4))
    with sheet.placed(424, 314, 1.58):
        _cat_body(sheet)
        with sheet.placed(0, 60, tilt=5), sheet.placed(0, -60):
            _cat_head(sheet)
    return sheet.finish()


def _cat_body(sheet: Sheet) -> None:
    # Tail.
    sheet.shape(
        "84,338! 140,348 192,324 218,272 212,216 204,186! 218,176 226,158! 212,150 "
        "208,136! "
        "200,120 176,100! 176,122 166,134! 150,140 138,152! 148,166 150,184! 162,206 "
        "168,244 156,280 120,302 84,304!",
        1.05,
    )
    sheet.line("152,182 160,174 164,176! 172,188 178,192! 188,180 194,178! 198,186 204,186", 0.75)
    for path in ("178,122 182,140 178,160", "190,130 196,146 196,164"):
        sheet.line(path, 0.6)
    for path in ("167,230 186,226 206,232", "166,256 186,256 204,264", "154,282 170,290 180,302"):
        sheet.line(path, 0.9, (0.9, 0.1))
    _yarn(sheet)
    sheet.shape(
        "-66,60! -82,100 -96,122! -92,136 -102,160! -98,180 -112,214 -128,262 -128,310 "
        "-104,340! 104,340! 128,310 130,262 112,214 98,180 102,160! 92,136 96,122! "
        "82,100 66,60!",
        1.05,
    )
    for turn in (str, mirrored):
        # Hind paw and thigh.
        sheet.shape(turn("-132,344! -138,326 -118,312 -90,312 -66,322 -62,344! -96,350"), 1.0)
        sheet.line(turn("-116,344 -114,336 -116,328"), 0.7, (0.6, 0.1))
        sheet.line(turn("-94,346 -92,338 -94,330"), 0.7, (0.6, 0.1))
        sheet.flap(turn("-118,238 -94,226 -70,240 -56,272 -60,312"), 0.95)
        for stripe in (
            "-120,270 -104,266 -92,270",
            "-126,288 -108,284 -94,290",
            "-100,196 -88,196 -78,202",
            "-106,212 -94,212 -84,218",
        ):
            sheet.line(turn(stripe), 0.8, (0.8, 0.05))
        # Front leg.
        sheet.flap(
            turn(
                "-48,168 -52,230 -46,290 -56,322 -50,344! -26,350 -4,344! 0,320 -4,290 "
                "-2,230 -4,200"
            ),
            1.0,
        )
        sheet.line(turn("-36,346 -35,336 -37,328"), 0.7, (0.6, 0.1))
        sheet.line(turn("-18,347 -18,337 -19,329"), 0.7, (0.6, 0.1))
    # Chest fur.
    sheet.flap(
        "-66,96 -60,140 -64,172! -50,160 -42,158! -44,186 -34,210! -22,196 -16,190! -12,214 "
        "2,232! 10,214 14,194! 24,204 36,212! 42,186 40,160! 52,166 64,176! 60,140 66,96",
        0.95,
    )
    for path in (
        "-36,142 -34,160 -38,174",
        "-12,146 -8,172 -4,196",
        "14,144 16,160 14,176",
        "34,140 34,158 38,172",
        "-54,126 -52,140 -54,152",
        "54,128 52,140 54,154",
    ):
        sheet.line(path, 0.6)
    # Collar and bell.
    sheet.shape("-84,70! -60,96 0,116 60,96 84,70! 88,86! 62,114 0,134 -62,114 -88,86!", 1.0)
    sheet.shape(ellipse(0, 134, 19, 19), 1.0)
    sheet.line("-18,130 0,134 18,130", 0.7, (0.6, 0.6))
    sheet.line("-18,135 0,139 18,135", 0.7, (0.6, 0.6))
    sheet.solid(ellipse(0, 144, 3.5, 3.5))
    sheet.line("0,146 0,152", 0.7)


def _yarn(sheet: Sheet) -> None:
    """A ball of yarn beside the cat, its thread running out of the picture."""
    sheet.line("-178,340 -150,352 -210,356 -270,344 -300,352", 0.9, (0.8, 0.8))
    with sheet.placed(-190, 296):
        ball = ellipse(0, 0, 48, 48)
        sheet.shape(ball, 1.05)
        with sheet.inside(ball):
            for i in range(4):
                d = 11 * i
                sheet.line([[-50, -22 + d], [-18, -30 + d], [18, -18 + d], [34, 4 + d]], 0.75)
                sheet.line([[-20 + d, -50], [4 + d, -40], [22 + d, -20]], 0.75)
                sheet.line([[-44 + d, 20 + 4 * i], [-34 + d, 36], [-14 + d, 50]], 0.7)


def _cat_head(sheet: Sheet) -> None:
    outline = (
        "0,-82 22,-82 44,-74! 56,-102 76,-128 92,-140! 104,-108 106,-66 100,-40! 114,-16 "
        "116,8! 126,12 140,14! 130,24 120,28! 128,38 138,52! 120,52 108,54! 106,64 108,76! "
        "88,74 76,80! 44,96 0,98"
    )
    knots = outline.split()
    sheet.shape(" ".join([*mirrored(outline).split()[::-1][:-1], *knots]), 1.1)
    for turn in (str, mirrored):
        # Inner ear with its hair.
        sheet.line(turn("56,-78 70,-100 86,-116 94,-88 92,-56"), 0.8)
        sheet.flap(turn("60,-66 66,-78 74,-96! 78,-84 78,-78! 82,-88 88,-98! 88,-76 84,-52"), 0.7)
        _cat_eye(sheet, turn is str)
        for tuft in ("76,84 66,84 58,80", "98,32 92,36 90,44", "40,-64 44,-56 44,-50"):
            sheet.line(turn(tuft), 0.6)
        for whisker in ("70,50 120,44 176,46", "70,56 118,58 172,70", "66,62 110,74 156,94"):
            sheet.line(turn(whisker), 0.55, (0.6, 0.02), 0.9)
        for stripe in (
            "12,-70 12,-52 10,-38",
            "26,-66 28,-50 28,-42",
            "106,0 94,6 86,8",
            "112,24 98,24 90,22",
        ):
            sheet.line(turn(stripe), 1.0, (0.9, 0.05), 0.8)
        for dot in ((30, 58), (40, 54), (38, 64)):
            x, y = dot
            sheet.solid(ellipse(x if turn is str else -x, y, 1.4, 1.4))
        sheet.line(turn("0,52 2,62 14,68 26,66 32,58"), 0.85, (0.6, 0.1))
    sheet.line("0,-72 0,-54 0,-34", 1.0, (0.9, 0.05), 0.8)
    sheet.shape("-11,40! 0,38 11,40! 8,48 0,53 -8,48", 0.9)
    sheet.line("-5,42 -1,41 4,42", 0.5)
    sheet.line("-10,77 0,80 10,77", 0.6)


def _cat_eye(sheet: Sheet, right: bool) -> None:
    with sheet.placed(50 if right else -50, 10, stretch=(1 if right else -1, 1)):
        ball = "-30,14! -18,-14 4,-26 24,-18 34,-6! 30,12 14,26 -8,28 -22,22"
        sheet.shape(ball, 0.9)
        with sheet.inside(ball):
            sheet.shape(ellipse(0, 2, 25, 27), 0.75)
            sheet.solid(ellipse(0, 2, 11, 22))
            light = -1 if right else 1
            sheet.shape(ellipse(light * 9, -8, 7.5, 8.5), 0.4)
            sheet.shape(ellipse(-light * 9, 16, 4, 4.5), 0.4)
        sheet.line("-31,15 -19,-14 4,-27 25,-19 38,-9", 1.6, (0.3, 0.3))


def dragon() -> Image.Image:
    """A young dragon sitting with a flower between its paws."""
    sheet = Sheet(896, 896, Pen(width=3.8, swell=0.3))
    with sheet.placed(440, 322, 1.52):
        _dragon_behind(sheet)
        _dragon_body(sheet)
        with sheet.placed(0, 70, tilt=-5), sheet.placed(0, -70):
            _dragon_head(sheet)
    return sheet.finish()


def _dragon_behind(sheet: Sheet) -> None:
    """Wings and tail."""
    for turn in (str, mirrored):
        sheet.shape(
            turn(
                "60,130! 96,70 150,20 200,-2 226,-8! 236,20 240,50! 250,84 256,112! "
                "236,112 222,122! 222,142 218,160! 198,154 182,160! 178,174 168,190! "
                "130,180 70,186!"
            ),
            1.05,
        )
        for bone in ("76,146 140,90 232,44", "76,150 150,130 222,122", "76,156 130,156 182,160"):
            sheet.line(turn(bone), 0.8, (0.2, 0.9))
        sheet.line(turn("84,124 130,70 190,24"), 0.6)
        sheet.shape(turn("218,-4! 224,-22 238,-34! 238,-16 232,-2!"), 0.9)
    sheet.shape(
        "-60,300! -110,312 -160,300 -188,262 -186,222 -178,202! -162,210 -154,206! "
        "-162,230 -158,252 -130,266 -60,250!",
        1.05,
    )
    sheet.shape(
        "-190,206! -206,194 -218,170! -196,172 -182,150! -168,150 -160,132! -148,150 "
        "-142,176 -146,204! -166,214",
        1.0,
    )
    sheet.line("-166,200 -170,184 -168,166", 0.6)
    for spike in (
        "-186,236! -204,238 -214,228! -206,252 -188,256!",
        "-178,272! -194,282 -206,280! -190,298 -166,294!",
        "-146,304! -154,320 -168,324! -144,332 -122,312!",
    ):
        sheet.shape(spike, 0.85)
    for path in (
        "-160,240 -172,238 -182,240",
        "-152,262 -164,270 -170,280",
        "-122,268 -128,284 -126,300",
    ):
        sheet.line(path, 0.6)


def _dragon_body(sheet: Sheet) -> None:
    sheet.shape(
        "-52,60! -72,110 -90,160 -104,220 -104,280 -76,326 0,338! 76,326 104,280 104,220 "
        "90,160 72,110 52,60!",
        1.05,
    )
    # Belly plates.
    sheet.shape(
        "-40,80! -58,130 -66,190 -66,260 -48,320 0,334! 48,320 66,260 66,190 58,130 40,80!", 0.85
    )
    for path in (
        "-54,128 0,140 54,128",
        "-62,164 0,178 62,164",
        "-66,202 0,218 66,202",
        "-66,240 0,256 66,240",
        "-62,278 0,294 62,278",
    ):
        sheet.line(path, 0.75, (0.5, 0.5))
    for turn in (str, mirrored):
        # Thigh and foot.
        sheet.shape(
            turn("-66,250! -92,228 -124,240 -138,276 -124,318 -90,330! -66,310 -58,280"), 1.0
        )
        sheet.shape(turn("-150,322 -134,306 -104,302 -74,310 -58,328 -70,344 -104,348 -138,344"))
        for claw in (
            "-148,336! -160,344 -158,352! -142,354 -132,344!",
            "-118,346! -122,358 -114,364! -102,358 -98,346!",
            "-84,345! -82,358 -74,362! -64,352 -66,340!",
        ):
            sheet.shape(turn(claw), 0.8)
        for path in (
            "-116,262 -106,258 -98,262",
            "-120,276 -110,274 -104,278",
            "-92,160 -84,164 -80,172",
            "-96,180 -88,184 -84,192",
        ):
            sheet.line(turn(path), 0.65)
    # Flower held in front.
    sheet.shape("-6,160! -8,220 -18,276! -10,278! 0,222 4,160!", 0.8)
    sheet.shape("-12,250! -34,236 -54,244! -40,262 -14,262!", 0.8)
    sheet.line("-16,256 -32,250 -44,247", 0.5)
    for i in range(6):
        with sheet.placed(0, 150, tilt=60 * i + 10):
            sheet.shape("-4,-8! -18,-24 -12,-42 0,-36 12,-42 18,-24 4,-8!", 0.85)
            sheet.line("0,-14 0,-26", 0.5)
    sheet.shape(ellipse(0, 150, 13, 13), 0.9)
    for x, y in ((-4, -3), (4, -2), (0, 4)):
        sheet.solid(ellipse(x, 150 + y, 1.5, 1.5))
    for turn in (str, mirrored):
        sheet.flap(
            turn(
                "-76,124 -96,160 -94,196 -68,222 -36,230 -16,226! -8,216 -10,202 -22,196! "
                "-44,200 -60,184 -60,156 -52,134"
            ),
            1.0,
            (0.1, 0.2),
        )
        for claw in (
            "-18,228! -12,238 -4,236! -4,226 -10,218!",
            "-10,218! -2,224 4,218! 2,210 -8,206!",
        ):
            sheet.shape(turn(claw), 0.75)


def _dragon_head(sheet: Sheet) -> None:
    for turn in (str, mirrored):
        sheet.shape(turn("38,-66! 52,-104 84,-136 112,-148! 116,-120 106,-84 78,-40!"), 1.05)
        for ring in ("48,-94 66,-84 88,-58", "62,-114 80,-104 102,-80", "82,-134 94,-124 110,-106"):
            sheet.line(turn(ring), 0.75, (0.6, 0.6))
        sheet.shape(
            turn(
                "92,-24! 124,-50 160,-58! 154,-36 156,-20! 150,-4 154,12! 138,18 134,36! "
                "114,34 92,40!"
            ),
            1.0,
        )
        for path in ("100,-6 126,-22 152,-22", "102,8 124,6 150,10", "100,22 114,26 130,32"):
            sheet.line(turn(path), 0.7, (0.1, 0.6))
    for spike in (
        "-26,-76! -24,-96 -30,-110! -10,-102 -2,-84!",
        "28,-76! 28,-94 36,-106! 14,-100 4,-84!",
    ):
        sheet.shape(spike, 0.95)
    sheet.shape("-16,-80! -10,-106 4,-126! 12,-104 18,-80!", 1.0)
    sheet.shape(
        "0,-84 -44,-78 -82,-50 -100,-6 -98,36 -84,62 -52,84 0,92 52,84 84,62 98,36 100,-6 "
        "82,-50 44,-78",
        1.1,
    )
    # Muzzle.
    sheet.line("-56,46 -40,34 -20,32 0,36 20,32 40,34 56,46", 0.75, (0.05, 0.05))
    for turn in (str, mirrored):
        sheet.line(turn("12,44 17,41 20,45"), 1.1, (0.5, 0.2))
        sheet.line(turn("0,66 14,74 34,72 50,62"), 0.9, (0.6, 0.2))
        sheet.shape(turn("30,73! 34,84! 40,71!"), 0.75)
        sheet.line(turn("48,58 54,62 54,68"), 0.7)
        for scale in ((70, 56), (80, 46), (84, 58)):
            x = scale[0] if turn is str else -scale[0]
            sheet.line(ellipse(x, scale[1], 4, 3, 20, 160), 0.6)
        _dragon_eye(sheet, turn is str)
        sheet.line(turn("30,-42 50,-54 72,-46"), 1.3, (0.3, 0.05))
    for path in ("-10,-62 0,-58 10,-62", "-7,-50 0,-46 7,-50", "-4,-39 0,-36 4,-39"):
        sheet.line(path, 0.7)


def _dragon_eye(sheet: Sheet, right: bool) -> None:
    with sheet.placed(50 if right else -50, 4, stretch=(1 if right else -1, 1)):
        ball = "-24,14! -20,-14 -2,-32 20,-28 32,-8! 30,16 16,32 -4,34 -18,26"
        sheet.blank(ball)
        with sheet.inside(ball):
            sheet.shape(ellipse(0, 3, 22, 31), 0.8)
            with sheet.inside(ellipse(0, 3, 22, 31)):
                sheet.solid("-30,-40! 30,-40! 30,-8 0,-16 -30,-8")
                sheet.line(ellipse(0, 4, 15, 23, 150, 30), 0.5)
            sheet.solid(ellipse(0, 3, 8, 17))
            light = -1 if right else 1
            sheet.shape(ellipse(light * 9, -11, 8, 9.5), 0.4)
            sheet.shape(ellipse(-light * 9, 17, 4.5, 5), 0.4)
        sheet.line("-25,15 -21,-14 -3,-33 21,-29 38,-10", 1.7, (0.2, 0.2))
        sheet.line("-8,35 6,37 20,31", 0.7)
