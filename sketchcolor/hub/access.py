"""Calls to the Hub: patience with a busy one, and one sentence for each way in which they fail."""

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

MODEL_VARIABLE = "SKETCHCOLOR_MODEL"  # names the models of an app
MODEL_FILES = ["*.json", "*.safetensors", "README.md"]  # all that is fetched of a model

TRIES = 4
LONGEST_WAIT = 120  # s; whoever is asked to wait longer is told so instead
USUAL_WAIT = 5  # s, where the Hub names no time

P = ParamSpec("P")
T = TypeVar("T")


class ModelLoadError(RuntimeError):
    """A model that cannot be fetched or read; the message is one sentence saying what to do."""


def patiently(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls, and calls again after the wait that a busy Hub asks for (429 with Retry-After).

    The client itself does so for files only, not when it asks what a repository holds.

    Raises:
        Exception: what the call raises, when it is no 429, the fourth one, or the wait too long.
    """
    for _ in range(TRIES - 1):
        try:
            return call(*args, **kwargs)
        except Exception as error:
            answer = _answer(error)
            if answer is None or answer.response.status_code != 429:
                raise
            asked = answer.response.headers.get("Retry-After", "")
            wait = int(asked) if asked.isdigit() else USUAL_WAIT
            if wait > LONGEST_WAIT:
                raise
            time.sleep(wait)
    return call(*args, **kwargs)


def sentence(error: Exception, repo: str, revision: str | None = None, kind: str = "model") -> str:
    """What went wrong with a model or Space ``owner/name``, and what to do about it."""
    match error:
        case HFValidationError():
            return f"{repo!r} is neither a folder nor a Hub {kind}'s name, owner/name."
        case GatedRepoError():
            return f"Hub {kind} {repo!r} is gated: accept its terms there and set HF_TOKEN."
        case RepositoryNotFoundError():
            return f"The Hub shows no {kind} {repo!r}: check the name, or set HF_TOKEN to see it."
        case RevisionNotFoundError():
            return f"Hub {kind} {repo!r} has no revision {revision!r}: name another or none."
    answer = _answer(error)
    if answer is not None:
        return _sentence_for_status(answer.response.status_code, repo)
    if isinstance(error, LocalEntryNotFoundError):
        return (
            f"The Hub cannot be reached and {repo!r} is not in the local cache: "
            "check the connection, or name a folder."
        )
    return f"Hub {kind} {repo!r} could not be used: {first_line(error)}"


def first_line(error: Exception) -> str:
    """The first line of an error's message, or the name of its class."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _sentence_for_status(status: int, repo: str) -> str:
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


def _answer(error: BaseException | None) -> HfHubHTTPError | None:
    """The Hub's own refusal, which the client may have wrapped in another error."""
    while error is not None and not isinstance(error, HfHubHTTPError):
        error = error.__cause__
    return error
