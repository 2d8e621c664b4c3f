"""sketchcolor: colour anime line art automatically, by hint strokes or by palette."""

from importlib import import_module

__version__ = "0.1.0"

# The networks' libraries take seconds to import, so a name's module is read when the name is used.
_MODULE_OF = {
    "ImageError": "images",
    "ModelLoadError": "hub.access",
    "SketchColorOutput": "pipeline",
    "SketchColorPipeline": "pipeline",
    "StyledPipeline": "style.styled",
    "load_pipeline": "loading",
}

__all__ = ["__version__", *_MODULE_OF]


def __getattr__(name: str) -> object:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE_OF])
