"""Publishes models and the app on the Hub.

A `Publication` describes the wanted contents of a repository; `push` uploads the files that differ,
so that pushing again changes nothing. No files are deleted. The token comes from HF_TOKEN or from
``hf auth login``.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal

from huggingface_hub import CommitOperationAdd, HfApi, SpaceCard, get_token
from huggingface_hub.hf_api import RepoFile, RepoFolder

from .. import __version__
from .access import MODEL_FILES, MODEL_VARIABLE, describe_failure, retry_when_busy
from .cards import bundled_card, run_card
from .checksums import git_oid, sha256
from .remote_code import carried_code

ROOT = Path(__file__).parents[2]
PACKAGE = Path(__file__).parents[1]
FLAGSHIP = "sketchcolor"  # the bundled model that the app loads by default
VERSION_TAG = f"v{__version__}"
SPACE_FILES = ("app.py", "requirements.txt", "README.md", "LICENSE", PACKAGE.name)


class PublishError(RuntimeError):
    """Publishing failed; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Publication:
    """The wanted state of one repository.

    Attributes:
        repo: ``owner/name``.
        files: path in the repository → local file or content.
        kind: ``model`` or ``space``.
        variables: environment variables of a Space.
    """

    repo: str
    files: dict[str, Path | bytes]
    kind: Literal["model", "space"] = "model"
    variables: dict[str, str] = field(default_factory=dict)

    def content(self, path: str) -> bytes:
        """The content of one of the files."""
        source = self.files[path]
        return source.read_bytes() if isinstance(source, Path) else source


@dataclass(frozen=True)
class Published:
    """A repository after `push`.

    Attributes:
        publication: its contents.
        revision: the commit that has these contents.
        changed: paths of the uploaded files; empty if the repository was up to date.
        tag: of the version, if it has one.
    """

    publication: Publication
    revision: str
    changed: tuple[str, ...]
    tag: str | None


def plan(namespace: str, tag: str, with_space: bool) -> list[Publication]:
    """All that `publish` would put on the Hub; no requests are made.

    Raises:
        PublishError: this is no checkout, or a model has no card.
    """
    return [*bundled_models(namespace, tag), *([space(namespace)] if with_space else [])]


def publish(namespace: str, tag: str, with_space: bool, private: bool) -> Iterator[Published]:
    """Puts the bundled models on the Hub, and the app as a Space that loads the flagship.

    Args:
        namespace: user or organization.
        tag: of the version.
        with_space: publish the app, too.
        private: make new repositories private. The Space then uses the bundled weights, because it
            has no token to load a private model.

    Yields:
        Each repository after it was pushed.

    Raises:
        PublishError: as `plan` and `push`; repositories pushed before remain published.
    """
    flagship = None
    for model in bundled_models(namespace, tag):
        published = push(model, private, tag)
        if model.repo == f"{namespace}/{FLAGSHIP}" and not private:
            flagship = published
        yield published
    if with_space:
        yield push(space(namespace, flagship), private, tag)


def bundled_models(namespace: str, tag: str) -> list[Publication]:
    """All models that are part of the package, with card, pictures, remote code and licence.

    Raises:
        PublishError: this is no checkout, or a model has no card.
    """
    return [
        _bundled_model(folder, f"{namespace}/{folder.name}", tag)
        for folder in sorted(path for path in (PACKAGE / "weights").iterdir() if path.is_dir())
    ]


def trained_run(repo: str, run: Path, folder: Path, dataset: str | None = None) -> Publication:
    """The result of ``train_accelerate.py``, with a card made from its record.

    Args:
        repo: ``owner/name``.
        run: the run's output folder.
        folder: of the network alone or of a whole pipeline.
        dataset: Hub id of the training data, if they are on the Hub.

    Raises:
        PublishError: there is no licence file because this is no checkout.
    """
    record = run / "recipe.json"
    newest = sorted((run / "sheets").glob("step-*.png"))[-1:]
    files, network = _model_folder(folder)
    files |= {file.name: file for file in [record, *newest, _checkout_file("LICENSE")]}
    card = run_card(
        json.loads(record.read_text()), repo, network, dataset, *(sheet.name for sheet in newest)
    )
    return Publication(repo, files | {"README.md": card.encode()})


def space(namespace: str, model: Published | None = None) -> Publication:
    """The app as a Space, with the bundled weights.

    Args:
        namespace: user or organization.
        model: that it loads, at exactly its commit; None is the bundled weights.

    Raises:
        PublishError: this is no checkout.
    """
    files: dict[str, Path | bytes] = {}
    for name in SPACE_FILES:
        source = _checkout_file(name)
        for file in [source] if source.is_file() else _files_of(source):
            files[file.relative_to(ROOT).as_posix()] = file
    readme = _checkout_file("README.md")
    files |= {path: _checkout_file(path) for path in _linked(readme)}
    repo = f"{namespace}/{PACKAGE.name}"
    if model is None:
        return Publication(repo, files, "space")
    name, revision = model.publication.repo, model.revision
    read = [path for path in model.publication.files if any(fnmatch(path, f) for f in MODEL_FILES)]
    card = SpaceCard.load(readme)
    card.data["models"] = [name]
    card.data["preload_from_hub"] = [f"{name} {','.join(read)} {revision}"]
    files["README.md"] = str(card).encode()
    return Publication(repo, files, "space", {MODEL_VARIABLE: f"{name}@{revision}"})


def prepare(repo: str, kind: str = "model", private: bool = False) -> None:
    """Makes a repository unless it exists, which also checks that the token may write.

    Raises:
        PublishError: there is no token, it is refused, or the Hub cannot be reached.
    """
    if get_token() is None:
        raise PublishError("There is no Hub token: set HF_TOKEN, or log in with hf auth login.")
    sdk = "gradio" if kind == "space" else None
    options = {"repo_type": kind, "private": private, "space_sdk": sdk, "exist_ok": True}
    _ask(repo, kind, HfApi().create_repo, repo, **options)


def push(publication: Publication, private: bool = False, tag: str | None = None) -> Published:
    """Updates a repository in one commit, or makes it.

    Args:
        publication: its wanted state.
        private: whether a new repository is private; an existing one is not changed.
        tag: of the version; an existing tag is never moved.

    Returns:
        The commit, and which files were uploaded.

    Raises:
        PublishError: the token or the Hub refuses, the Hub cannot be reached, or the tag already
            exists for other files.
    """
    repo, kind, api = publication.repo, publication.kind, HfApi()
    prepare(repo, kind, private)
    present = _ask(repo, kind, api.list_repo_tree, repo, recursive=True, repo_type=kind)
    changed = _differing(publication, present)
    tags = {ref.name for ref in _ask(repo, kind, api.list_repo_refs, repo, repo_type=kind).tags}
    if changed and tag in tags:
        raise PublishError(
            f"Version {tag} of {repo} is on the Hub with other files ({', '.join(changed[:3])}"
            f"{', …' * (len(changed) > 3)}): raise the package's version, or give another --tag."
        )
    if changed:
        operations = [CommitOperationAdd(path, publication.files[path]) for path in changed]
        message = f"{PACKAGE.name} {__version__}"
        revision = _ask(
            repo, kind, api.create_commit, repo, operations, commit_message=message, repo_type=kind
        ).oid
    else:
        revision = _ask(repo, kind, api.repo_info, repo, repo_type=kind).sha
    if tag is not None and tag not in tags:
        _ask(repo, kind, api.create_tag, repo, tag=tag, revision=revision, repo_type=kind)
    _set_variables(publication, api)
    return Published(publication, revision, changed, tag)


def _bundled_model(folder: Path, repo: str, tag: str) -> Publication:
    text = _checkout_file(f"model_cards/{folder.name}.md")
    measured = json.loads(_checkout_file("benchmarks/evaluation.json").read_text())
    name = "bundled" if folder.name == FLAGSHIP else folder.name
    named = [entry for entry in measured if entry["model"] == name]
    files, network = _model_folder(folder)
    files |= {picture: text.parent / picture for picture in _pictures(text)}
    files["LICENSE"] = _checkout_file("LICENSE")
    card = bundled_card(text, repo, network, tag, named)
    return Publication(repo, files | {"README.md": card.encode()})


def _model_folder(folder: Path) -> tuple[dict[str, Path | bytes], str | None]:
    """The files of a pipeline, with its remote code, and None; or of a network, and its class."""
    files: dict[str, Path | bytes] = {
        file.relative_to(folder).as_posix(): file for file in _files_of(folder)
    }
    index = folder / "model_index.json"
    if index.is_file():
        carried = carried_code(json.loads(index.read_text()))
        return files | {path: text.encode() for path, text in carried.items()}, None
    config = json.loads((folder / "config.json").read_text())
    config.pop("_name_or_path", None)  # no local path in published files
    files["config.json"] = f"{json.dumps(config, indent=2, sort_keys=True)}\n".encode()
    return files, config["_class_name"]


def _checkout_file(path: str) -> Path:
    if not (ROOT / path).exists():
        raise PublishError(f"There is no {path}: publish from a checkout of {PACKAGE.name}.")
    return ROOT / path


def _files_of(folder: Path) -> list[Path]:
    """The files in a folder without those that Python and Gradio generate."""
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyi"
    ]


def _pictures(text: Path) -> list[str]:
    """Relative paths of the pictures in a Markdown file."""
    return re.findall(r"!\[[^]]*\]\(([^):]+)\)", text.read_text())


def _linked(text: Path) -> list[str]:
    """Relative paths of the pictures and linked files in a Markdown file."""
    return re.findall(r"\]\(([^):#]+)\)", text.read_text())


def _differing(
    publication: Publication, present: Iterable[RepoFile | RepoFolder]
) -> tuple[str, ...]:
    """Paths of the files that are missing in the repository or have other contents there."""
    remote = {file.path: file for file in present if isinstance(file, RepoFile)}

    def differs(path: str) -> bool:
        content = publication.content(path)
        if path not in remote:
            return True
        large = remote[path].lfs
        if large is not None:
            return large.sha256 != sha256(content)
        return remote[path].blob_id != git_oid(content)

    return tuple(filter(differs, publication.files))


def _set_variables(publication: Publication, api: HfApi) -> None:
    """Sets those of a Space's variables that differ, because setting one restarts the Space."""
    if not publication.variables:
        return
    repo, kind = publication.repo, publication.kind
    present = _ask(repo, kind, api.get_space_variables, repo)
    for name, value in publication.variables.items():
        if name not in present or present[name].value != value:
            _ask(repo, kind, api.add_space_variable, repo, name, value)


def _ask(repo: str, kind: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function of the Hub's client; iterators are read here, to catch their errors.

    Raises:
        PublishError: the call fails.
    """
    try:
        result = retry_when_busy(call, *args, **kwargs)
        return list(result) if isinstance(result, Iterator) else result
    except Exception as error:  # network, server and naming errors share no base class
        raise PublishError(describe_failure(error, repo, kind=kind)) from error
