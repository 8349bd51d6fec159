"""The terminal that commands speak to: a rich console on which text from outside is text."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from gateline.settings.secrets import redacted
from gateline.settings.shown import no_command, one_line


class Terminal(Console):
    """A console that shows signs which steer a terminal, and lines that command a CI runner, in place of obeying them.

    rich's own styles are made after this, and stay. Markup is not interpreted unless a call asks for it.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False, **options})

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return what is written, made harmless."""
        begins = True
        for segment in super().render(renderable, options):
            if segment.control:
                yield segment
                continue
            lines = [one_line(line) for line in redacted(segment.text).split("\n")]
            lines = [no_command(line) if begins or place else no_command(f".{line}")[1:] for place, line in enumerate(lines)]
            begins = not lines[-1].strip() and (begins or len(lines) > 1)
            yield segment._replace(text="\n".join(lines))
