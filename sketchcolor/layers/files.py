"""Layers as files: OpenRaster, Photoshop, a ZIP of PNGs, and one transparent PNG of them all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from PIL import Image, ImageCms

from .stack import Layer, LayerStack, merge, without_paper

__all__ = ["FORMATS", "save_layers"]

THUMBNAIL = 256  # px, longer side; OpenRaster's specification
OPERATORS = {"normal": "svg:src-over", "multiply": "svg:multiply", "screen": "svg:screen"}


def save_layers(stack: LayerStack, path: str | Path) -> None:
    """Write the layers to a file whose name says which kind it is.

    Args:
        stack: of one colouring.
        path: ends in one of :data:`FORMATS`.

    Raises:
        ValueError: the ending is another.
        OSError: the file cannot be written.
    """
    path = Path(path)
    write = FORMATS.get(path.suffix.lower())
    if write is None:
        raise ValueError(f"Layers are written as {', '.join(FORMATS)}, not as {path.name!r}.")
    data = io.BytesIO()
    write(stack, data)
    path.write_bytes(data.getvalue())


def _write_openraster(stack: LayerStack, file: io.BytesIO) -> None:
    """OpenRaster 0.0.5 (freedesktop.org): a ZIP of PNGs and one XML, for Krita, GIMP, MyPaint."""
    (width, height), dpi = stack.size, stack.dpi
    image = ElementTree.Element(
        "image",
        {
            "version": "0.0.5",
            "w": str(width),
            "h": str(height),
            "xres": str(round(dpi[0])),
            "yres": str(round(dpi[1])),
        },
    )
    root = ElementTree.SubElement(image, "stack")
    groups: dict[str, ElementTree.Element] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        # The specification wants it first and not compressed, so that programs know the file by it.
        archive.writestr("mimetype", "image/openraster", zipfile.ZIP_STORED)
        for number, layer in reversed(list(enumerate(stack.layers))):  # the topmost comes first
            parent = root
            if layer.group is not None:
                if layer.group not in groups:
                    attributes = {"name": layer.group, "isolation": "auto"}
                    groups[layer.group] = ElementTree.SubElement(root, "stack", attributes)
                parent = groups[layer.group]
            source = f"data/layer{number:02d}.png"
            ElementTree.SubElement(
                parent,
                "layer",
                {
                    "name": layer.name,
                    "src": source,
                    "x": "0",
                    "y": "0",
                    "opacity": "1.0",
                    "visibility": "visible" if layer.visible else "hidden",
                    "composite-op": OPERATORS[layer.blend],
                },
            )
            archive.writestr(source, _png(layer.pixels, dpi), zipfile.ZIP_STORED)
        archive.writestr("stack.xml", ElementTree.tostring(image, "utf-8", xml_declaration=True))
        merged = merge(stack.layers)
        archive.writestr("mergedimage.png", _png(merged, dpi), zipfile.ZIP_STORED)
        small = Image.fromarray(merged)
        small.thumbnail((THUMBNAIL, THUMBNAIL))
        archive.writestr("Thumbnails/thumbnail.png", _png(np.asarray(small), dpi))


def _write_photoshop(stack: LayerStack, file: io.BytesIO) -> None:
    """PSD with layer names, blend modes and a group per figure; also for Clip Studio and Krita."""
    from psd_tools import PSDImage
    from psd_tools.constants import BlendMode, Resource
    from psd_tools.psd.image_resources import ImageResource, ResoulutionInfo

    modes = {
        "normal": BlendMode.NORMAL,
        "multiply": BlendMode.MULTIPLY,
        "screen": BlendMode.SCREEN,
    }
    # The merged picture is stored, too, for programs that do not merge layers themselves. It is
    # RGBA, because layers of an RGB document would get masks in place of transparency.
    document = PSDImage.frompil(Image.fromarray(merge(stack.layers)).convert("RGBA"))
    groups: dict = {}
    for layer in stack.layers:
        made = document.create_pixel_layer(
            Image.fromarray(layer.pixels), name=layer.name, blend_mode=modes[layer.blend]
        )
        made.name = layer.name  # in Unicode, too
        made.visible = layer.visible
        if layer.group is not None:
            if layer.group not in groups:
                groups[layer.group] = document.create_group(name=layer.group)
            document.remove(made)
            groups[layer.group].append(made)
    resources = document.image_resources
    resources[Resource.ICC_PROFILE] = ImageResource(key=Resource.ICC_PROFILE, data=_srgb())
    across, down = (round(65536 * each) for each in stack.dpi)  # 16.16 fixed point
    info = ResoulutionInfo(across, 1, 1, down, 1, 1)
    resolution = ImageResource(key=Resource.RESOLUTION_INFO)
    resolution.data = info  # type: ignore[assignment]  # it writes more than its type says
    resources[Resource.RESOLUTION_INFO] = resolution
    records = document._record.layer_and_mask_information.layer_info
    assert records is not None
    # Negative: the fourth channel is the transparency of the merged picture, and no saved selection
    # (Adobe Photoshop File Formats Specification, "Layer info").
    records.layer_count = -abs(records.layer_count)
    document.save(file)


def _write_pictures(stack: LayerStack, file: io.BytesIO) -> None:
    """A ZIP of transparent PNGs, numbered from bottom to top, and the merged picture."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, layer in enumerate(stack.layers):
            archive.writestr(_file_name(number, layer), _png(layer.pixels, stack.dpi))
        archive.writestr("merged.png", _png(merge(stack.layers), stack.dpi))


def _write_transparent(stack: LayerStack, file: io.BytesIO) -> None:
    """One PNG of the picture without its paper: over white it is the picture again."""
    pixels = without_paper(merge(stack.layers), stack.flats[..., 3] > 0)
    file.write(_png(pixels, stack.dpi))


def _file_name(number: int, layer: Layer) -> str:
    """Names that say what paint programs cannot read from a PNG: blend mode and figure."""
    words = [f"{number:02d}", layer.group or "", layer.name]
    words += [layer.blend] if layer.blend != "normal" else []
    return "-".join(word.lower().replace(" ", "-") for word in words if word) + ".png"


def _png(pixels: np.ndarray, dpi: tuple[float, float]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG", dpi=dpi, icc_profile=_srgb())
    return data.getvalue()


def _srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


FORMATS: dict[str, Callable[[LayerStack, io.BytesIO], None]] = {
    ".ora": _write_openraster,
    ".psd": _write_photoshop,
    ".zip": _write_pictures,
    ".png": _write_transparent,
}
