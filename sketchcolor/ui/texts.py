"""Every English sentence and label of the page, so that wording is changed in one place."""

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
VARIANTS = "How many colourings"
DETAIL = "Fineness of the colours"
DETAIL_INFO = "Finer takes longer. Your picture keeps its own size either way."
DETAIL_CHOICES = [("Quick (384)", 384), ("Balanced (512)", 512), ("Fine (768)", 768)]
KEEP_LINES = "Keep my own lines"
KEEP_LINES_INFO = "Your drawing stays on top of the colours, untouched."
CLEAN_PAPER = "Clean the paper"
CLEAN_PAPER_INFO = "Takes shadows and grey paper out of photos and scans."

RESULT = "Sketch and colours"
RESULT_WAITING = "Your coloured picture appears here."
CHOICE = "Pick a colouring"
ANOTHER = "Another colouring"
DOWNLOAD = "Download PNG"

READING = "Reading the sketch"
COLOURING = "Colouring"
FINISHING = "Finishing"

NO_SKETCH = "There is no sketch yet: drop one into the box or click an example, then colour it."
NO_MODEL = "The colouring model could not be loaded; the log of this page's server says why."
UNEXPECTED = "Something went wrong while colouring; please try again or try another picture."
EXPIRED = "That colouring is no longer kept here; please colour the sketch again."

COLOUR_API = (
    "Colours one sketch. Takes an image file, a seed (null for a random one), 1 to 4 variants, the "
    "working resolution (384, 512 or 768), and whether to keep the input's own lines and to clean "
    "the paper. Returns the pair (sketch, colouring) for comparing, every variant, the first "
    "variant as a PNG of the input's size, and a line saying its size, seed and time."
)


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
