"""A style transfer in a thread of its own, which reports progress and can be stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from PIL import Image

from sketchcolor.style.optimisation import OnStep, Progress

PAUSE = 0.7  # s between two previews; a browser needs some time to show one


class StyleRun:
    """One run of a style transfer.

    Args:
        work: does the work; it must call its argument with its progress after every step and stop
            when that returns False.
        visitor: whose run it is, or None. A visitor has one run: a new one stops the one before.
    """

    _running: dict[str | None, StyleRun] = {}

    def __init__(self, work: Callable[[OnStep], Image.Image], visitor: str | None = None) -> None:
        self._work, self._visitor = work, visitor
        self._stopped = threading.Event()
        self._updated = threading.Event()
        self._latest: Progress | None = None
        self._picture: Image.Image | None = None
        self._fault: Exception | None = None
        if visitor is not None:
            StyleRun.stop_of(visitor)
            StyleRun._running[visitor] = self

    @classmethod
    def stop_of(cls, visitor: str | None) -> None:
        """Stops a visitor's run after the current iteration; what is painted so far is kept."""
        running = cls._running.get(visitor)
        if running is not None:
            running._stopped.set()

    def watch(self) -> Iterator[Progress]:
        """Starts the work and yields the latest progress every `PAUSE` until it is over.

        Closing the iterator before that, as a closed page does, stops the work.
        """
        worker = threading.Thread(target=self._run, daemon=True)
        worker.start()
        try:
            while worker.is_alive() or self._updated.is_set():
                if self._updated.wait(PAUSE):
                    self._updated.clear()
                    assert self._latest is not None
                    yield self._latest
                worker.join(PAUSE)
        finally:
            self._stopped.set()
            if StyleRun._running.get(self._visitor) is self:
                del StyleRun._running[self._visitor]

    def picture(self) -> Image.Image:
        """The painted picture, once `watch` is over.

        Raises:
            Exception: the work has raised it.
        """
        if self._fault is not None:
            raise self._fault
        assert self._picture is not None
        return self._picture

    def _run(self) -> None:
        def on_step(progress: Progress) -> bool:
            self._latest = progress
            self._updated.set()
            return not self._stopped.is_set()

        try:
            self._picture = self._work(on_step)
        except Exception as error:  # raised again by `picture`
            self._fault = error
