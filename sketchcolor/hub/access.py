"""Calls to the Hub: retries when it is busy, and a message for each kind of failure."""

import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

MODEL_VARIABLE = "SKETCHCOLOR_MODEL"  # environment variable with the models of an app
MODEL_FILES = ["*.json", "*.safetensors", "README.md"]  # patterns of the files to download

MAX_TRIES = 4
MAX_WAIT = 120  # s; if the Hub asks for a longer wait, the call fails
DEFAULT_WAIT = 5  # s, where the Hub names no time

P = ParamSpec("P")
T = TypeVar("T")


class ModelLoadError(RuntimeError):
    """A model cannot be downloaded or read; the message is one sentence that says what to do."""


def retry_when_busy(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls a function of the Hub's client, and again after a response 429 with Retry-After.

    The client itself retries only downloads of files, not requests about repositories.

    Args:
        call: the function. args, kwargs: its arguments.

    Returns:
        What the function returns.

    Raises:
        Exception: any other error of the call, or the 429 of the last try or with too long a wait.
    """
    for _ in range(MAX_TRIES - 1):
        try:
            return call(*args, **kwargs)
        except Exception as error:
            refusal = _http_error(error)
            if refusal is None or refusal.response.status_code != 429:
                raise
            retry_after = refusal.response.headers.get("Retry-After", "")
            wait = int(retry_after) if retry_after.isdigit() else DEFAULT_WAIT
            if wait > MAX_WAIT:
                raise
            time.sleep(wait)
    return call(*args, **kwargs)


def describe_failure(
    error: Exception, repo: str, revision: str | None = None, kind: str = "model"
) -> str:
    """One sentence on what went wrong and what to do about it.

    Args:
        error: of a call to the Hub.
        repo: ``owner/name``.
        revision: that was asked for.
        kind: ``model`` or ``space``.
    """
    match error:
        case HFValidationError():
            return f"{repo!r} is neither a folder nor a Hub {kind}'s name, owner/name."
        case GatedRepoError():
            return f"Hub {kind} {repo!r} is gated: accept its terms there and set HF_TOKEN."
        case RepositoryNotFoundError():
            return f"The Hub shows no {kind} {repo!r}: check the name, or set HF_TOKEN to see it."
        case RevisionNotFoundError():
            return f"Hub {kind} {repo!r} has no revision {revision!r}: name another or none."
    refusal = _http_error(error)
    if refusal is not None:
        return _describe_status(refusal.response.status_code, repo)
    if isinstance(error, LocalEntryNotFoundError):
        return (
            f"The Hub cannot be reached and {repo!r} is not in the local cache: "
            "check the connection, or name a folder."
        )
    return f"Hub {kind} {repo!r} could not be used: {first_line(error)}"


def first_line(error: Exception) -> str:
    """The first line of an error's message, or the name of its class."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _describe_status(status: int, repo: str) -> str:
    if status == 401:
        return (
            "The Hub does not accept the token: set HF_TOKEN to a valid one, "
            "or log in again with hf auth login."
        )
    if status == 403:
        return f"The token may not do this with {repo!r}: use one with the right to it."
    if status == 429:
        return "The Hub is asked too often from here: try again in a few minutes."
    return f"The Hub failed on {repo!r} (HTTP {status}): try again later."


def _http_error(error: BaseException | None) -> HfHubHTTPError | None:
    """The HTTP error among an error and its causes; the client may wrap it in another one."""
    while error is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error
