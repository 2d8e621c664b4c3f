"""Remote code of a published pipeline, for people who have not installed this package.

diffusers runs such code only with ``trust_remote_code=True``, and supports one file for the
pipeline and one for each component. ``pipeline.py`` therefore contains the source of every module
that the pipeline needs, and the components' files import from those modules.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
NAME = PACKAGE.name
PIPELINE = ("pipeline", f"{NAME}.pipeline", "SketchColorPipeline")  # file, module, class

PIPELINE_FILE = '''\
"""{title}, for people without the {package} package.

DiffusionPipeline.from_pretrained(..., trust_remote_code=True) runs this file. It is generated when
the model is published, and contains the modules of {package} that the pipeline needs. Where
{package} is installed, the installed modules are used instead.
"""

import sys
from importlib import import_module
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.util import find_spec, spec_from_loader

MODULES = {{
{modules}}}


class CarriedModules(MetaPathFinder, InspectLoader):
    """Imports modules from their source in this file."""

    def find_spec(self, name, path=None, target=None):
        return spec_from_loader(name, self) if name in MODULES else None

    def is_package(self, name):
        return any(other.startswith(name + ".") for other in MODULES)

    def get_source(self, name):
        return "\\n".join(MODULES[name])


installed = find_spec("{package}")
if installed is None or installed.origin is None:  # not installed, or just a folder of that name
    sys.meta_path.insert(0, CarriedModules())

{class_name} = import_module("{module}").{class_name}
'''

COMPONENT_FILE = '''\
"""{class_name}, where diffusers looks for it; its source is in pipeline.py."""

from importlib import import_module

{class_name} = import_module("{module}").{class_name}
'''


def carried_code(index: dict[str, object]) -> dict[str, str]:
    """The files that make a pipeline's folder loadable with diffusers alone.

    Args:
        index: ``model_index.json`` as ``save_pretrained`` wrote it.

    Returns:
        Path → text: the code files, and the index that refers to them.
    """
    file, module, class_name = PIPELINE
    index = dict(index)
    index["_class_name"] = [file, class_name]
    files = {}
    needed = {module}
    for component, entry in index.items():
        if isinstance(entry, list) and str(entry[0]).startswith(f"{NAME}."):
            library, component_class = entry
            files[f"{component}/{component}.py"] = COMPONENT_FILE.format(
                module=library, class_name=component_class
            )
            index[component] = [component, component_class]
            needed.add(library)
    files[f"{file}.py"] = PIPELINE_FILE.format(
        title=class_name,
        package=NAME,
        module=module,
        class_name=class_name,
        modules="".join(_as_literal(name) for name in sorted(_with_imports(needed))),
    )
    files["model_index.json"] = json.dumps(index, indent=2, sort_keys=True) + "\n"
    return files


def _as_literal(module: str) -> str:
    """A module's lines as an entry of a dict.

    Each line is a string of its own, for readability and because diffusers searches the file for
    lines that begin with an import.
    """
    lines = _file(module).read_text().splitlines()
    body = "".join(f"        {line!r},\n" for line in lines)
    return f"    {module!r}: [\n{body}    ],\n"


def _with_imports(modules: set[str]) -> set[str]:
    """The modules, their imports from this package, recursively, and their parent packages."""
    found: set[str] = set()
    pending = set(modules)
    while pending:
        module = pending.pop()
        found.add(module)
        parent = module.rpartition(".")[0]
        pending |= {*_imports(module), *([parent] if parent else [])} - found
    return found


def _imports(module: str) -> Iterator[str]:
    """The modules of this package that a module imports, also within functions."""
    file = _file(module)
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        source = resolve_name("." * node.level + (node.module or ""), package)
        yield source
        for alias in node.names:  # the name may be a module, as in "from . import models"
            if _exists(f"{source}.{alias.name}"):
                yield f"{source}.{alias.name}"


def _file(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _exists(module: str) -> bool:
    return _file(module).is_file()
