"""The models that a page offers, by the names that its settings show."""

from typing import TYPE_CHECKING

from sketchcolor.session import Session, model_name
from sketchcolor.ui import texts
from sketchcolor.ui.widgets import refusal

if TYPE_CHECKING:
    from sketchcolor.pipeline import SketchColorPipeline


class Models:
    """A page's models by name. Empty is falsy; `None` selects the first model.

    Args:
        pipelines: loaded models; where several have the same name, a number is appended.
    """

    def __init__(self, *pipelines: "SketchColorPipeline") -> None:
        self._by_name: dict[str, SketchColorPipeline] = {}
        for pipeline in pipelines:
            name = given = model_name(pipeline) or texts.UNNAMED_MODEL
            count = 1
            while name in self._by_name:
                count += 1
                name = f"{given} ({count})"
            self._by_name[name] = pipeline

    def __len__(self) -> int:
        return len(self._by_name)

    @property
    def names(self) -> list[str]:
        """The names, in the order in which they are offered."""
        return list(self._by_name)

    @property
    def first(self) -> str | None:
        """The name of the default model; None if there is no model."""
        return next(iter(self._by_name), None)

    def __getitem__(self, name: str | None) -> "SketchColorPipeline":
        """The model of that name, or the first for None.

        Raises:
            gr.Error: there is no such model, or none at all; a sentence for the visitor.
        """
        if not self._by_name:
            raise refusal(texts.NO_MODEL)
        try:
            return self._by_name[self.names[0] if name is None else name]
        except KeyError:
            raise refusal(texts.UNKNOWN_MODEL.format(", ".join(self.names))) from None

    def name_for(self, session: Session) -> str | None:
        """The name of the session's own model if the page offers it, else of the first."""
        return session.model if session.model in self._by_name else self.first
