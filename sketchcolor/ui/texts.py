"""All labels and sentences of the page, so that wording is changed in one place."""

TITLE = "sketchcolor"
TAGLINE = "Drop in a line drawing and get it back in colour, with your own lines on top."

AUTOMATIC = "Automatic"

SKETCH = "Your sketch"
SKETCH_PLACEHOLDER = "# Drop your sketch here\nor click to pick a file or a photo"
COLOUR = "Colour my sketch"
EXAMPLES = "No sketch at hand? Click one of these."

SETTINGS = "Settings"
SEED = "Seed"
SEED_INFO = "The same number gives the same colouring. Leave it empty for a surprise."
SEED_PLACEHOLDER = "surprise me"
NO_NUMBER = "The seed is no number: give a whole one from 0 up, or none."
VARIANTS = "How many colourings"
DETAIL = "Fineness of the colours"
DETAIL_INFO = "Finer takes longer. Your picture keeps its own size either way."
DETAIL_CHOICES = [("Quick (384)", 384), ("Balanced (512)", 512), ("Fine (768)", 768)]
KEEP_LINES = "Keep my own lines"
KEEP_LINES_INFO = "Your drawing stays on top of the colours, untouched."
CLEAN_PAPER = "Clean the paper"
CLEAN_PAPER_INFO = "Takes shadows and grey paper out of photos and scans."
PAINT_BACKGROUND = "Paint the background"
PAINT_BACKGROUND_INFO = (
    "Colours what is around the figure, too, instead of leaving it white. Not every model has this "
    "choice."
)

RESULT = "Sketch and colours"
RESULT_WAITING = "Your coloured picture appears here."
CHOICE = "Pick a colouring"
ANOTHER = "Another colouring"
DOWNLOAD = "Download PNG"
RESTYLE = "Paint in a style"

READING = "Reading the sketch"
COLOURING = "Colouring"
FINISHING = "Finishing"

NO_SKETCH = "There is no sketch yet: drop one into the box or click an example, then colour it."
MODEL = "Model"
UNNAMED_MODEL = "unnamed"
UNKNOWN_MODEL = "This page has no such model; it offers {}."
NO_MODEL = "The colouring model could not be loaded; the log of this page's server says why."
OTHER_MODEL = (
    "A model that this page was set up with could not be loaded, so another one colours in its "
    "place; the log of this page's server says why."
)
UNEXPECTED = "Something went wrong while colouring; please try again or try another picture."
DISK_FULL = "This page's server has no room left to save pictures; please try again later."
SELF_TEST_FAILED = (
    "The model failed to colour an example when this page started, so colouring may fail; the log "
    "of this page's server says why."
)
EXPIRED = "That colouring is no longer kept here; please colour the sketch again."


def note(size: tuple[int, int], seed: int, seconds: float) -> str:
    """The line under a coloured picture: size in px, seed, time taken in seconds."""
    return f"{size[0]} × {size[1]} px · seed {seed} · {seconds:.1f} s"


# Hint strokes and sessions
HINTS = "Hint strokes"
CANVAS = "Paint your hints"
HINTS_HOWTO = (
    "Pick a colour, put a few strokes on hair, skin or clothes: the colours around them follow. "
    "Strokes need not be neat."
)
SWATCHES = "Brush colours"
FREE_COLOUR = "Any colour"
BRUSH_SIZE = "Brush size"
REFERENCE_SWATCHES = "Colours from a picture"
LIVE = "Colour after every stroke"
COLOUR_HINTS = "Colour with my strokes"
OTHER_SKETCH = "Another sketch"
HINT_RESULT = "Colours · click to pick one up"
HINT_RESULT_WAITING = "Your coloured picture appears here and follows your strokes."
SAVE_SESSION = "Save session"
LOAD_SESSION = "Load session"
OTHER_CANVAS = "The strokes were drawn on a picture of another shape; please draw them again."

# Endpoints for programs
STROKES = "Strokes"
EDITS = "Changes of colours"
LAYERS = "Layers"
OTHER_LAYERS = "Layers are written as {}; {} makes no such file."
BROKEN_STROKES = (
    'The strokes are no JSON list: give [{"color": "#rrggbb", "width": 6, "points": [[x, y]]}].'
)
TOO_MANY_POINTS = "The strokes have more than {:,} points; use fewer."
STYLE_OF_YOUR_OWN = "A style picture of your own"
PAINTING = "Painting"
BROKEN_PALETTE = "The palette is none: name {}, or give colours like #c03040:0.6 #f6d57a:0.4."
OTHER_VARIANTS = "The number of colourings is from 1 to {}."

# Palettes
PALETTE = "Palette"
PALETTE_BOARD = "The palette"
PALETTE_HOWTO = (
    "The picture keeps to these colours. Change any of them, or take them from a picture you like. "
    "Without a colour here the model chooses."
)
READY_PALETTES = "Ready palettes"
PALETTE_FROM_PICTURE = "Take from a picture"
PALETTE_FROM_FILE = "Load a palette file"
SAVE_PALETTE = "Save as {}"
LIVE_PALETTE = "Colour again after every change"
COLOUR_PALETTE = "Colour with this palette"
SWATCH_COLOUR = "Colour"
SWATCH_SHARE = "Share of the picture"
SWATCH_LEFT = "Move left"
SWATCH_RIGHT = "Move right"
SWATCH_LOCK = "Keep when another palette is taken"
SWATCH_REMOVE = "Remove"
SWATCH_ADD = "Add a colour"
BROKEN_BOARD = "The palette on the page cannot be read; please reload the page."
NO_SHARES = "No colour of the palette has a share of the picture; please move one of its sliders."
EMPTY_BOARD = "The palette is empty; please add a colour before saving it."

# Style
STYLE = "Style"
COLOURED = "A coloured picture"
COLOURED_PLACEHOLDER = (
    "# Drop a coloured picture here\nor press “Paint in a style” under a result of the other tabs"
)
STYLE_HOWTO = "Click a style to paint the picture in it. It takes half a minute to a minute."
STYLES = {
    "brush": "Brush",
    "halftone": "Halftone",
    "watercolour": "Watercolour",
    "ink-wash": "Ink wash",
}
PAINT = "Paint it"
STOP = "Stop here"
STRENGTH = "Strength"
KEEP_COLOURS = "Keep my colours"
KEEP_COLOURS_INFO = "Only light and dark follow the style."
REGION = "Where"
REGION_CHOICES = [("Everywhere", "all"), ("Figure", "figure"), ("Background", "background")]
REGION_INFO = "Figure and background are told apart by the picture's sketch, see the settings."
STYLE_LINES_INFO = "Your drawing stays on top of the paint, where its sketch is known."
MIX = "My own style picture, and mixing"
OWN_STYLE = "My own"
OWN_PLACEHOLDER = "# Drop any painting or drawing here"
STROKE_SIZE = "Size of the strokes"
STROKE_SIZE_INFO = "Against the style picture's own."
STYLE_DETAIL = "Fineness of the strokes"
START = "Begin with"
START_INFO = "Another beginning ends in another picture; noise strays furthest from yours."
START_CHOICES = [("Your picture", "content"), ("The style", "style"), ("Noise", "noise")]
CONTENT = "What is kept of your picture"
CONTENT_INFO = "The rougher, the more the style may rearrange."
CONTENT_CHOICES = [
    ("Finest detail", "relu1_2"),
    ("Detail", "relu2_2"),
    ("Forms", "relu3_2"),
    ("Usual", "relu4_2"),
    ("Rough shape", "relu5_2"),
]
ITS_SKETCH = "The picture's sketch"
ITS_SKETCH_PLACEHOLDER = "Comes along from the other tabs; for a picture of your own, drop it here"
STYLED = "Colours and style"
STYLE_WAITING = "Your painted picture appears here while it is painted."
NO_COLOURED = (
    "There is no picture yet: drop one into the box, or colour a sketch in another tab and press "
    f"“{RESTYLE}” there."
)
NO_STYLE = "No style has a share: click one of the styles, or move a slider under its name."


def painting(side: int, seconds: float, left: float) -> str:
    """The line under a picture that is being painted at ``side`` px; times in seconds."""
    return f"Painting at {side} px · {seconds:.0f} s · at most {left:.0f} s to go"


def style_note(size: tuple[int, int], seconds: float) -> str:
    """The line under a painted picture: size in px, time taken in seconds."""
    return f"{size[0]} × {size[1]} px · {seconds:.1f} s"


# Changing colours
COLOURS = "Colours"
RECOLOUR = "Change colours"
RECOLOUR_EMPTY = (
    "Colour a sketch in another tab and press “Change colours” under it, or load a session here."
)
RECOLOUR_STAGE = "The picture: click a part of it"
PICK_HELP = "Click a part of the picture. Drag to move it, turn the wheel or pinch to zoom."
MERGE_HELP = "Now click the part that is to join this one."
SPLIT_HELP = "Draw over what is to come apart: strands between lines, or a cut through the part."
PART_COLOUR = "Colour of the part"
PART_HEX = "Colour of the part as #rrggbb"
PART_NAME = "Name, such as hair"
PART_LOCK = "Keep its colour in another colouring"
PARTS = "Parts of the picture, largest first"
MERGE = "Merge with…"
SPLIT = "Split"
SPLIT_WIDTH = "Stroke, px"
UNDO = "Undo"
REDO = "Redo"
FIT = "Fit"
CLOSER = "Zoom in"
FARTHER = "Zoom out"
NO_PARTS = (
    "The colours of this picture cannot be changed one by one: colour it with a model that knows "
    "parts, and with “Keep my own lines”."
)
NO_SUCH_PART = "That part is no longer there; please click it again."
NO_COLOURING = "There is no colouring here yet: colour a sketch in another tab first."

# Downloads with layers
DOWNLOAD_LAYERS = "Download layers"
LAYER_KINDS = {
    ".ora": "Krita, GIMP (.ora)",
    ".psd": "Photoshop, Clip Studio (.psd)",
    ".zip": "PNGs (.zip)",
    ".png": "Transparent PNG",
}
