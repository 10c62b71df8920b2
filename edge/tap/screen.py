"""The terminal in the technician's language: says, asks, shows a bar. The only place that knows rich's markup."""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from firmware_config.catalogues import Phrase, Speech, msgid

_BAR_CELLS = 24
_REFRESHES_PER_S = 4


class Screen:
    """One terminal.

    Args:
        console: where to write.
        speech: the technician's language.
    """

    def __init__(self, console: Console, speech: Speech) -> None:
        self._console, self.speech = console, speech

    def say(self, what: str | Phrase, *, style: str = "", **values: object) -> None:
        """A sentence, in the technician's language."""
        self._console.print(self.speech.say(what, **values), style=style, highlight=False, markup=False)

    def item(self, sign: str, words: Phrase, below: Phrase | None, *, style: str) -> None:
        """A line that begins with a sign, and what belongs below it."""
        grid = Table.grid(padding=(0, 1))
        grid.add_row(Text(sign, style=style), Text(self.speech.say(words)))
        if below is not None:
            grid.add_row(
                "", Text(f"→ {self.speech.say(below)}", style="dim" if style == "green" else "italic")
            )
        self._console.print(grid)

    def heading(self, what: str | Phrase, *, style: str = "bold", **values: object) -> None:
        """The title of what follows."""
        self._console.print()
        self.say(what, style=style, **values)

    def pairs(self, rows: Iterable[tuple[str | Phrase, str | Phrase]]) -> None:
        """Names and values, in two columns."""
        table = Table.grid(padding=(0, 2))
        for name, value in rows:
            table.add_row(Text(self.speech.say(name), style="dim"), Text(self.speech.say(value)))
        self._console.print(table)

    def ask_word(self, question: str, *, default: str = "", **values: object) -> str:
        """An answer that is not empty; Enter alone gives the default where there is one."""
        shown = f" [{default}]" if default else ""
        while True:
            asked = escape(f"{self.speech.say(question, **values)}{shown}: ")
            answer = self._console.input(asked).strip() or default
            if answer:
                return answer

    def ask_number(
        self,
        question: str,
        *,
        default: float | None = None,
        within: tuple[float, float] | None = None,
        **values: object,
    ) -> float:
        """A number, finite and within bounds where there are some; a comma for the point is understood."""
        shown = "" if default is None else f"{default:g}"
        low, high = within or (-math.inf, math.inf)
        while True:
            try:
                number = float(self.ask_word(question, default=shown, **values).replace(",", "."))
            except ValueError:
                number = math.nan
            if math.isfinite(number) and low <= number <= high:
                return number
            if math.isfinite(number):
                self.say(
                    msgid("It must lie between %(low)g and %(high)g."), style="yellow", low=low, high=high
                )
            else:
                self.say(msgid("This is not a number."), style="yellow")

    def agrees(self, question: str, *, default: bool, **values: object) -> bool:
        """Yes or no, by the first letter of either word in this language or in English."""
        yes, no = self.speech.say(msgid("yes")), self.speech.say(msgid("no"))
        while True:
            answer = self.ask_word(
                f"{self.speech.say(question, **values)} ({yes}/{no})", default=yes if default else no
            )
            if answer.lower()[0] in (yes[0], "y"):
                return True
            if answer.lower()[0] in (no[0], "n"):
                return False

    def await_enter(self, what: str | Phrase, **values: object) -> None:
        """A sentence, and then wait for the Enter key."""
        self.say(what if isinstance(what, Phrase) else Phrase(what, values))
        waiting = self.speech.say(msgid("Press Enter when ready."))
        self._console.input(escape(f"  {waiting} "))

    @contextmanager
    def bar(self) -> Iterator[Callable[[float, str], None]]:
        """A bar that is told its share, 0 to 1, and a line beside it; it is gone at the end."""
        with Live(console=self._console, refresh_per_second=_REFRESHES_PER_S, transient=True) as live:

            def tell(share: float, beside: str) -> None:
                row = Table.grid(padding=(0, 1))
                row.add_row(
                    Text(" "), ProgressBar(total=1.0, completed=share, width=_BAR_CELLS), Text(beside)
                )
                live.update(row)

            yield tell
