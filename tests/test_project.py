"""The project's own promises: what README, pins, package and code say of each other."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support import ROOT

PACKAGE = ROOT / "sketchcolor"
README = (ROOT / "README.md").read_text()
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LAYERS = (  # from low to high, as CONTRIBUTING.md has them
    ("colour_space", "geometry", "images", "precision", "cache"),
    ("lineart",),
    ("conditions",),
    ("models",),
    ("sampling", "postprocess"),
    ("parts",),
    ("calls", "colouring", "layers"),
    ("hub",),
    ("pipeline",),
    ("loading", "session", "engine", "style"),
    ("evaluation", "training"),
    ("ui", "cli"),
)
RUNTIME = (ROOT / "requirements.txt").read_text().splitlines()


def runtime_pins() -> dict[str, str]:
    """Name → version of every line of requirements.txt."""
    lines = [line.partition("#")[0] for line in RUNTIME]
    pins = [Requirement(line) for line in lines if line.strip()]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}


def test_every_requirement_is_pinned_and_has_a_reason() -> None:
    for line in RUNTIME[1:]:
        assert re.fullmatch(r"[a-z-]+(\[[a-z]+\])?==[\d.]+ +# \w.+", line), line
    for extra, requirements in PROJECT["project"]["optional-dependencies"].items():
        for requirement in requirements:
            assert re.fullmatch(r"[a-z-]+==[\d.]+|sketchcolor\[train\]", requirement), extra


def third_party_imports() -> dict[str, Path]:
    """Top-level module → a file of the package or a script that imports it."""
    found = {}
    for file in [*ROOT.glob("*.py"), *PACKAGE.rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                modules = [node.module]
            else:
                modules = []
            found |= {module.partition(".")[0]: file for module in modules}
    return {
        module: file
        for module, file in found.items()
        if module != PACKAGE.name and module not in sys.stdlib_module_names
    }


def test_the_code_imports_what_is_required_and_nothing_else() -> None:
    required = runtime_pins().keys()
    extras = PROJECT["project"]["optional-dependencies"]
    pins = [pin for name in ("metrics", "zerogpu") for pin in extras[name]]
    optional = {canonicalize_name(Requirement(pin).name) for pin in pins}
    distributions = packages_distributions()
    imported = set()
    for module, file in third_party_imports().items():
        # What is optional need not be installed; it goes by its module's name then.
        names = {canonicalize_name(name) for name in distributions.get(module, [module])}
        named = file.relative_to(ROOT)
        assert names & (required | optional), f"{named} imports {module}, which is not required"
        imported |= names
    assert required <= imported


def test_readme_is_a_space_page() -> None:
    card = SpaceCard.load(ROOT / "README.md")
    data = card.data
    assert data.sdk == "gradio"
    assert data.sdk_version == runtime_pins()["gradio"]
    assert data.python_version == "3.11"  # a string: YAML would read 3.10 as 3.1
    assert (ROOT / data.app_file).is_file()
    assert data.license == PROJECT["project"]["license"].lower() == "apache-2.0"
    assert data.title == PROJECT["project"]["name"]
    assert len(data.short_description) <= 60  # the Hub refuses longer ones
    colors = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
    assert {data.colorFrom, data.colorTo} <= colors
    assert data.tags


def test_ci_runs_the_line_that_readme_promises() -> None:
    start, tests = README.partition("```bash\n")[2].partition("```")[0].splitlines()
    script = ROOT / ".ci" / "run"
    assert script.read_text().splitlines()[-1] == tests
    assert os.access(script, os.X_OK)
    assert start.endswith("app.py")


def test_readme_lists_files_that_exist() -> None:
    section = README.partition("\n## Files\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \|", section, flags=re.MULTILINE)
    assert rows
    for row in rows:
        first, *siblings = re.findall(r"`(.+?)`", row)
        for path in [ROOT / first, *((ROOT / first).parent / name for name in siblings)]:
            assert path.exists(), path


def test_licence_is_the_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert text.rstrip().endswith("limitations under the License.")


def test_importing_the_package_is_cheap() -> None:
    script = "import sys, sketchcolor; print(*{'torch', 'PIL', 'gradio'} & sys.modules.keys())"
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert process.stdout == "\n", process.stderr


def test_every_public_name_is_there() -> None:
    import sketchcolor

    for name in sketchcolor.__all__:
        assert getattr(sketchcolor, name)
        assert name in dir(sketchcolor)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sketchcolor.nothing  # noqa: B018


def test_nothing_below_the_page_imports_the_page() -> None:
    pattern = re.compile(r"^\s*(from|import) (sketchcolor)?\.*ui\b", flags=re.MULTILINE)
    below = [file for file in PACKAGE.rglob("*.py") if PACKAGE / "ui" not in file.parents]
    assert below
    assert not [file for file in below if pattern.search(file.read_text())]


def imported_modules(file: Path) -> Iterator[str]:
    """Modules and packages directly in ours that a file imports, by their names there."""
    package = [PACKAGE.name, *file.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            named = [f"{base}.{alias.name}" for alias in node.names]
        else:
            named = []
        for name in named:
            root, _, inside = name.partition(".")
            if root == PACKAGE.name and inside:
                yield inside.partition(".")[0]


def test_imports_point_one_way() -> None:
    layer = {name: height for height, names in enumerate(LAYERS) for name in names}
    rooms = {file: file.relative_to(PACKAGE).parts[0] for file in PACKAGE.rglob("*.py")}
    rooms = {file: room.removesuffix(".py") for file, room in rooms.items()}
    entrances = {"__init__", "__main__"}
    assert set(rooms.values()) - entrances == layer.keys()
    for file, room in rooms.items():
        for imported in imported_modules(file) if room in layer else ():
            if imported in layer:
                named = file.relative_to(ROOT)
                assert layer[imported] <= layer[room], f"{named} imports {imported}, a layer above"


def test_contributing_names_the_layers() -> None:
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("## Layers")[2].partition("\n## ")[0]
    rows = re.findall(r"^\d+\. (.+)$", section, flags=re.MULTILINE)
    assert [tuple(re.findall(r"`(.+?)`", row)) for row in rows] == list(LAYERS)


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_code_is_clean(command: list[str]) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache", ROOT], capture_output=True, text=True
    )
    assert process.returncode == 0, process.stdout


def test_types_are_right() -> None:
    command = [sys.executable, "-m", "mypy", "--no-incremental"]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout


def test_what_texts_link_to_exists() -> None:
    for text in TEXTS:
        for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text.read_text()):
            if "://" not in link:
                assert (text.parent / link).exists(), f"{text.relative_to(ROOT)} links to {link}"


def test_modules_that_texts_name_exist() -> None:
    for text in (ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"):
        named = re.findall(r"`([\w/]+\.py)`", text.read_text())
        assert named
        for name in named:
            assert (ROOT / name).exists() or (PACKAGE / name).exists(), name


def test_pictures_of_the_texts_are_small_and_all_shown() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    assert pictures
    for picture in pictures:
        assert picture.stat().st_size < 200_000, picture
        assert f"(docs/images/{picture.name})" in README


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").read_text() == ""
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"][PACKAGE.name]


def test_the_changelog_has_this_version() -> None:
    from sketchcolor import __version__

    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## [Unreleased]" in text and f"\n## {__version__}" in text


def test_the_container_has_what_the_page_needs_and_no_rights() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    copied.discard("--chown=artist")
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in kept if line.startswith("!")} == copied
    assert "*" in kept and all((ROOT / path).exists() for path in copied)
    assert lines.index("USER artist") < next(
        number for number, line in enumerate(lines) if line.startswith("CMD")
    )
    assert "EXPOSE 7860" in lines and any(line.startswith("HEALTHCHECK") for line in lines)
