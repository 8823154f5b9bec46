"""One family of errors: each says what was given, where, what is allowed, and how to mend it."""

from __future__ import annotations


class GammagymError(Exception):
    """Base of every error that gammagym raises on purpose; the command line prints one line."""


class ScenarioError(GammagymError, ValueError):
    """A scenario, venue or task is malformed or asks for something impossible."""


class DataError(GammagymError, ValueError):
    """A file of market data is missing, broken or out of order."""


class AgentError(GammagymError):
    """An agent cannot be found or loaded, raised, or returned something that is not an action."""


class ActionError(GammagymError, ValueError):
    """An action has the wrong shape or is not a number."""


class RewardError(GammagymError, ValueError):
    """A reward function has returned something that is not one finite number a world."""


class CapacityError(GammagymError):
    """A world has no room for what was asked of it."""


class OrderError(GammagymError, ValueError):
    """An order given through the Python interface is impossible (unknown id, zero quantity ...)."""


class MissingExtraError(GammagymError, ImportError):
    """An optional dependency is not installed."""


class InvariantError(GammagymError, AssertionError):
    """A debug build (GAMMAGYM_DEBUG=1) has found a book that contradicts itself: our mistake."""


def nearest(name: str, known: list[str]) -> str:
    """Return a hint that names the closest valid choice.

    >>> nearest("whaley_wilmott", ["no_hedge", "whalley_wilmott"])
    "did you mean 'whalley_wilmott'? known: no_hedge, whalley_wilmott"
    """
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known: {', '.join(sorted(known))}"
