"""A style pass that is watched: it works in a thread of its own and can be asked how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from PIL import Image

from sketchcolor.style.optimisation import OnStep, Progress

PAUSE = 0.7  # s between two looks at the picture; a browser needs some time to show one


class Brushwork:
    """One run.

    Args:
        work: the long work, given what it has to tell its progress to.
        visitor: whose it is. A visitor has one run: a new one stops the one before.
    """

    _running: dict[str, Brushwork] = {}

    def __init__(self, work: Callable[[OnStep], Image.Image], visitor: str | None = None) -> None:
        self._work, self._visitor = work, visitor
        self._stopped = threading.Event()
        self._news = threading.Event()
        self._latest: Progress | None = None
        self._picture: Image.Image | None = None
        self._fault: Exception | None = None
        if visitor is not None:
            Brushwork.stop_of(visitor)
            Brushwork._running[visitor] = self

    @classmethod
    def stop_of(cls, visitor: str | None) -> None:
        """Ends a visitor's run within one iteration; what is painted is kept."""
        running = cls._running.get(visitor)
        if running is not None:
            running._stopped.set()

    def watch(self) -> Iterator[Progress]:
        """Starts the work and gives the latest progress every `PAUSE` until it is over.

        Whoever looks away before the end, as a closed page does, stops it.
        """
        worker = threading.Thread(target=self._run, daemon=True)
        worker.start()
        try:
            while worker.is_alive() or self._news.is_set():
                if self._news.wait(PAUSE):
                    self._news.clear()
                    yield self._latest
                worker.join(PAUSE)
        finally:
            self._stopped.set()
            if Brushwork._running.get(self._visitor) is self:
                del Brushwork._running[self._visitor]

    def picture(self) -> Image.Image:
        """What was painted, once `watch` is over.

        Raises:
            Exception: whatever the work raised.
        """
        if self._fault is not None:
            raise self._fault
        return self._picture

    def _run(self) -> None:
        def tell(progress: Progress) -> bool:
            self._latest = progress
            self._news.set()
            return not self._stopped.is_set()

        try:
            self._picture = self._work(tell)
        except Exception as error:  # told to whoever asks for the picture
            self._fault = error
