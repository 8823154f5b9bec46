"""The screen of ``gammagym play``: the ladder, how everyone stands, and a line to type in."""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import RenderableType

    from gammagym.cli.game import Game
    from gammagym.envs.ladder import Rung

_LEVELS = 7
_END, _ESCAPE = "\x04", "\x1b"
_BAR = 8


class Show(Protocol):
    """Draws the screen anew."""

    def __call__(self, game: Game, typed: str, message: str) -> None:
        """Show how things are, what is being typed, and what there is to tell."""
        ...


class Keyboard:
    """Reads a line key by key, so that the market can go on while one types.

    Without terminal control (`termios`), as on Windows, whole lines are read, and nothing goes on
    meanwhile.
    """

    def __init__(self) -> None:
        self.typed = ""
        self._pending = ""  # pressed, but not yet looked at
        self._restore: Callable[[], Any] = lambda: None
        self._by_key = False

    def __enter__(self) -> Keyboard:
        with contextlib.suppress(ImportError):
            import termios
            import tty

            before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
            self._restore = lambda: termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
            self._by_key = True
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def line(self, wait: float | None) -> str | None:
        """Return a line that was finished, or None after a key or when time is up.

        Args:
            wait: longest wait (s); None: until a key is pressed.
        """
        if not self._by_key:
            return sys.stdin.readline() or "quit"
        if not self._pending:
            if not select.select([sys.stdin], [], [], wait)[0]:
                return None
            pressed = os.read(sys.stdin.fileno(), 4096)
            # Nothing to read: the terminal is gone.
            self._pending = pressed.decode(errors="ignore") if pressed else _END
        return self._press()

    def _press(self) -> str | None:
        """Carry out one key; returns a line if that finishes it."""
        key, self._pending = self._pending[0], self._pending[1:]
        if key == _END:
            return "quit"
        if key in "\r\n":
            line, self.typed = self.typed, ""
            return line
        if key in "\x7f\b":
            self.typed = self.typed[:-1]
        elif key == _ESCAPE:  # also what arrows begin with
            self.typed = self._pending = ""
        elif key.isprintable():
            self.typed += key
        return None


@contextlib.contextmanager
def live_screen() -> Generator[Show]:
    """Take the whole terminal, and yield what draws it."""
    from rich.console import Console
    from rich.live import Live

    with Live(console=Console(stderr=True), screen=True, auto_refresh=False) as live:

        def show(game: Game, typed: str, message: str) -> None:
            live.update(screen(game, typed, message), refresh=True)

        yield show


def screen(game: Game, typed: str, message: str) -> RenderableType:
    """Return everything that is shown."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    dark = " (no market data: as last seen)" if game.is_dark() else ""
    panels = Table.grid(padding=(0, 1))
    panels.add_row(Panel(_ladder(game), title=f"book{dark}"), Panel(_standing(game), title="you"))
    # What is typed comes first: a small terminal cuts off what is below.
    return Group(
        Text(game.title(), style="bold"),
        Text.assemble(("> ", "bold"), typed, ("_", "blink")),
        Text(message, style="red" if message.startswith("error") else "dim"),
        panels,
    )


def _ladder(game: Game) -> RenderableType:
    from rich.table import Table

    from gammagym.envs.ladder import shown

    asks, bids = shown(game.seen.asks, _LEVELS), shown(game.seen.bids, _LEVELS)
    largest = max((rung.quantity for rung in asks + bids), default=1.0)
    table = Table(box=None, padding=(0, 1))
    for title in ("price", "size", "yours", ""):
        table.add_column(title, justify="left" if title == "" else "right", no_wrap=True)
    for rung in reversed(asks):
        table.add_row(*_cells(rung, largest), style="red")
    table.add_row()
    for rung in bids:
        table.add_row(*_cells(rung, largest), style="green")
    return table


def _cells(rung: Rung, largest: float) -> tuple[str, ...]:
    own = f"[bold yellow]{rung.own:.3f}[/]" if rung.own > 0.0 else ""
    bar = "\N{FULL BLOCK}" * round(_BAR * rung.quantity / largest)
    return f"{rung.price:.2f}", f"{rung.quantity:.3f}", own, bar


def _standing(game: Game) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    seen, wish = game.seen, game.wish
    table = Table(box=None, show_header=False, padding=(0, 1))
    table.add_column()
    table.add_column(justify="right")
    wished = "none"
    if wish is not None:
        left = wish.target - seen.hedge
        wished = f"{'buy' if left > 0.0 else 'sell'} {abs(left):.3f} at {wish.place}"
    table.add_row("time", f"{seen.seconds:,.0f} s")
    table.add_row("position", f"{seen.position:+.3f}")
    table.add_row("net delta", f"{seen.net_delta:+.3f}")
    table.add_row("wish", wished)
    table.add_row("refused orders", str(game.rejects()))
    table.add_row("profit", f"{seen.profit:+,.2f}", style="bold")
    for name, profit in game.profits():
        table.add_row(Text(name), f"{profit:+,.2f}", style="cyan")
    return table
