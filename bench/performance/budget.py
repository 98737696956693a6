"""What was promised, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.performance.rows import Ratio


@dataclass
class Book:
    """The lines of the budget that were measured."""

    _lines: list[str] = field(default_factory=list)

    def at_least(self, what: str, measured: Ratio, promised: float) -> None:
        """Note a ratio that must not be smaller."""
        self._note(what, str(measured), f"at least {promised:.2f}", kept=measured.median >= promised)

    def at_most(self, what: str, measured: float, promised: float) -> None:
        """Note a figure that must not be larger."""
        self._note(what, _figure(measured), f"at most {_figure(promised)}", kept=measured <= promised)

    def lines(self) -> Iterator[str]:
        """Return the table."""
        yield "| | measured | promised | |"
        yield "|---|---|---|---|"
        yield from self._lines

    def _note(self, what: str, measured: str, promised: str, *, kept: bool) -> None:
        self._lines.append(f"| {what} | {measured} | {promised} | {'kept' if kept else '**missed**'} |")


def _figure(figure: float) -> str:
    return f"{figure:.0f}" if figure == round(figure) or figure >= 10 else f"{figure:.2f}"  # noqa: PLR2004
