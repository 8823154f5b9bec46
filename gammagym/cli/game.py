"""A game of ``gammagym play``: one person and some agents, each in a copy of the same market.

The person's orders go through the action scheme `hedge`, as those of the agents: one working order,
which is wished for until it is filled, canceled or replaced.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gammagym.agent import Agent
from gammagym.envs.ladder import Ladder, ladder_of
from gammagym.envs.single import HedgeEnv
from gammagym.envs.vector import HedgeVectorEnv
from gammagym.errors import GammagymError, nearest
from gammagym.loading import agent_title, checked_action, load_agent
from gammagym.quantities import parse_duration

# How an order is placed, as urgencies of the scheme `hedge`.
PLACES = {"market": 1.0, "improve": 0.4, "join": 0.0, "behind": -0.5}
HELP = (
    "buy SIZE [at PLACE], sell SIZE [at PLACE], flatten [at PLACE]: wish for an order until it is "
    "filled; PLACE: market (if you say none), improve, join, behind, or a number from -1 to 1. "
    "cancel: wish for none. next [N], or nothing: N decisions later. advance 10min. finish: to the "
    "end. quit: leave."
)
_COMMANDS = ("advance", "buy", "cancel", "finish", "flatten", "help", "next", "quit", "sell")


class Wish(NamedTuple):
    """An order that the person wants."""

    target: float  # hedge when it is filled (units of the underlying)
    urgency: float
    place: str


class Rival:
    """An agent that plays in its own copy of the market.

    Args:
        reference: of the agent.
        env: its copy.
    """

    def __init__(self, reference: str, env: HedgeVectorEnv) -> None:
        self.name = agent_title(reference)
        self.env = env
        self.failure = ""
        self._agent: Agent = load_agent(reference, env.agent_spec())
        self._observations = np.zeros(0, np.float32)

    def start(self, seed: int) -> None:
        """Begin its episode."""
        self._observations, info = self.env.reset(seed=seed)
        self._agent.reset(info)

    def step(self) -> None:
        """Let it take one decision; one that fails takes no more of them."""
        if self.failure:
            return
        try:
            action = self._agent.act(self._observations)
            shape = (1, *self.env.batch.face.action_shape)
            self._observations, *_ = self.env.step(checked_action(action, shape, self.name))
        except Exception as error:
            self.failure = f"{self.name} failed: {type(error).__name__}: {error}"

    def results(self) -> dict[str, Any]:
        """Return what became of it so far."""
        return {key: column[0].item() for key, column in self.env.results().items()}


class Game:
    """What a person and agents do in copies of one market.

    Args:
        task: name of the task.
        scenario: name, path or combination.
        seed: of the market.
        against: references of agents.
        record: folder that the person's episode is recorded into, or None.
        **options: what environments take: `price_file`, `overrides`, attributes of the task.

    Raises:
        GammagymError: something is unknown, malformed or impossible.
    """

    def __init__(
        self,
        task: str,
        scenario: str,
        seed: int,
        against: Sequence[str] = (),
        record: Path | None = None,
        **options: Any,
    ) -> None:
        self._hedge = HedgeEnv(task, scenario, **options)
        self._spec = self._hedge.agent_spec()
        if self._spec.action_scheme != "hedge":
            raise GammagymError(
                f"play: a person trades through the action scheme 'hedge', the task's is "
                f"{self._spec.action_scheme!r}: leave action_scheme out"
            )
        self._env: Any = self._hedge
        self._recorded: list[Path] = []
        if record is not None:
            from gammagym.recording import RecordEpisode

            self._env = RecordEpisode(self._hedge, record, agent="a person")
            self._recorded = self._env.written
        self._scenario, self._seed = scenario, seed
        self.rivals = [
            Rival(
                reference,
                HedgeVectorEnv(1, task, scenario, autoreset_mode="Disabled", **options),
            )
            for reference in against
        ]
        self.over = self.left = False
        self.wish: Wish | None = None
        self._env.reset(seed=seed)
        for rival in self.rivals:
            rival.start(seed)
        self.seen = ladder_of(self._hedge.worlds[0])

    @property
    def decision_seconds(self) -> float:
        """Time between two decisions (s)."""
        return self._spec.decision_seconds

    @property
    def written(self) -> list[Path]:
        """Folders of what was recorded."""
        return self._recorded

    def command(self, line: str) -> str:
        """Carry out what was typed; returns what to tell.

        Raises:
            GammagymError: it makes no sense; nothing has happened.
        """
        words = line.split("#")[0].lower().split() or ["next"]
        verb, rest = words[0], words[1:]
        if verb in ("buy", "sell", "flatten"):
            return self._order(verb, rest)
        if verb in ("next", "advance", "finish"):
            return self.advance(self._decisions(verb, rest))
        if verb not in _COMMANDS:
            raise GammagymError(f"unknown command {verb!r}: {nearest(verb, list(_COMMANDS))}")
        if rest:
            raise GammagymError(f"{verb} takes nothing behind it, was {' '.join(rest)!r}")
        if verb == "cancel":
            self.wish = None
            return "you wish for no order"
        if verb == "quit":
            self.left = True
            return "you leave"
        return HELP

    def advance(self, decisions: int) -> str:
        """Let everyone take decisions, until the episode ends; returns how things are."""
        for _ in range(decisions):
            if self.over:
                break
            _, _, ended, failed, _ = self._env.step(self._spec.order(self._units(), self._urgency))
            self.over = ended or failed
            for rival in self.rivals:
                rival.step()
            self._see()
        return self.told()

    def told(self) -> str:
        """Return how things are, in one line."""
        seen = self.seen
        touch = " / ".join(
            f"{side[0].price:.2f}" if side else "-" for side in (seen.bids, seen.asks)
        )
        parts = [
            f"t {seen.seconds:.0f} s",
            touch,
            f"position {seen.position:+.3f}",
            f"net delta {seen.net_delta:+.3f}",
            f"profit {seen.profit:+,.2f}",
            *(f"{name} {profit:+,.2f}" for name, profit in self.profits()),
        ]
        return "  ".join(parts + (["the episode is over"] if self.over else []))

    def profits(self) -> Iterator[tuple[str, float]]:
        """Yield what each agent has earned so far, by name."""
        for rival in self.rivals:
            yield rival.name, rival.results()["profit"]

    def is_dark(self) -> bool:
        """Return whether the venue publishes no market data: then the last ladder is shown."""
        world = self._hedge.worlds[0]
        account = world["agents"][0]["hedge_account"]
        return bool(world["venues"]["data_halted"][world["accounts"]["venue"][account]])

    def rejects(self) -> int:
        """Return how many orders the venue has refused."""
        return int(self._hedge.worlds["agents"]["rejects"][0, 0].sum())

    def players(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield results by player, nothing for an agent that has failed."""
        yield "you", self._hedge.results()
        for rival in self.rivals:
            yield rival.name, {} if rival.failure else rival.results()

    def failures(self) -> list[str]:
        """Return why agents have failed."""
        return [rival.failure for rival in self.rivals if rival.failure]

    def title(self) -> str:
        """Return what is played."""
        return (
            f"{self._spec.task} in {self._scenario}, seed {self._seed}, t {self.seen.seconds:g} s"
        )

    def summary(self) -> dict[str, Any]:
        """Return everything about the game as plain values."""
        return {
            "task": self._spec.task,
            "scenario": self._scenario,
            "seed": self._seed,
            "time_seconds": self.seen.seconds,
            "over": self.over,
            "players": dict(self.players()),
            "failures": self.failures(),
            "recorded": [str(path) for path in self.written],
        }

    def close(self) -> None:
        """End the game; what was recorded is written."""
        self._env.close()

    @property
    def _urgency(self) -> float:
        return 0.0 if self.wish is None else self.wish.urgency

    def _units(self) -> float:
        """Return the signed size that is still wished for (units)."""
        return 0.0 if self.wish is None else self.wish.target - self._ladder().hedge

    def _ladder(self) -> Ladder:
        return ladder_of(self._hedge.worlds[0])

    def _see(self) -> None:
        """Look at the market, as far as it is published, and drop a wish that has come true."""
        now = self._ladder()
        if self.is_dark():
            # One knows one's own position all the same.
            book_delta = self.seen.net_delta - self.seen.hedge
            now = self.seen._replace(
                seconds=now.seconds,
                position=now.position,
                hedge=now.hedge,
                net_delta=book_delta + now.hedge,
            )
        self.seen = now
        if self.wish is not None and abs(self._units()) < self._smallest:
            self.wish = None

    @property
    def _smallest(self) -> float:
        """Smallest order (units): of one lot, or what the task's dead zone lets through."""
        world = self._hedge.worlds[0]
        lot = float(world["instruments"]["lot_size"][world["agents"]["hedge_instrument"][0]])
        return max(self._spec.dead_zone * self._spec.largest_order * (1 - 1e-6), 0.5 * lot)

    def _order(self, verb: str, rest: list[str]) -> str:
        """Wish for an order."""
        place = "market"
        if len(rest) >= 2 and rest[-2] == "at":
            place, rest = rest[-1], rest[:-2]
        urgency = _urgency_of(place)
        if verb == "flatten":
            if rest:
                raise GammagymError(
                    f"flatten takes only at PLACE behind it, was {' '.join(rest)!r}"
                )
            units = -self.seen.net_delta
        else:
            units = _size_of(verb, rest) * (1.0 if verb == "buy" else -1.0)
        if abs(units) < self._smallest:
            raise GammagymError(
                f"{verb}: {abs(units):.4g} is less than the smallest order of {self._smallest:.4g}"
            )
        self.wish = Wish(self._ladder().hedge + units, urgency, place)
        side, largest = "buy" if units > 0.0 else "sell", self._spec.largest_order
        several = f", {largest:g} at a time" if abs(units) > largest else ""
        return f"you wish to {side} {abs(units):.3f} at {place}{several}"

    def _decisions(self, verb: str, rest: list[str]) -> int:
        """Return how many decisions time goes on for."""
        if len(rest) > (verb != "finish"):
            raise GammagymError(f"{verb}: too many words: {' '.join(rest)!r}")
        if verb == "finish":
            left = self._spec.horizon_seconds - self.seen.seconds
            return math.ceil(left / self.decision_seconds)
        if verb == "advance":
            if not rest:
                raise GammagymError("advance needs a duration behind it, such as advance 10min")
            try:
                seconds = parse_duration(rest[0]) / 1e9
            except ValueError as error:
                raise GammagymError(f"advance: {error}") from None
            return max(math.ceil(seconds / self.decision_seconds), 1)
        text = rest[0] if rest else "1"
        if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 10**6):
            raise GammagymError(f"next: N must be a whole number from 1 to 1000000, was {text!r}")
        return int(text)


def _urgency_of(place: str) -> float:
    """Return the urgency of a place, by name or as a number."""
    if place in PLACES:
        return PLACES[place]
    try:
        number = float(place)
    except ValueError:
        number = math.nan
    if not -1.0 <= number <= 1.0:
        raise GammagymError(f"at {place!r}: expected {', '.join(PLACES)}, or a number from -1 to 1")
    return number


def _size_of(verb: str, rest: list[str]) -> float:
    """Return the size that was typed (units)."""
    try:
        (text,) = rest
        size = float(text)
    except ValueError:
        size = math.nan
    if not 0.0 < size < math.inf:
        raise GammagymError(
            f"{verb} needs a size above 0 behind it, such as {verb} 0.5 or {verb} 0.5 at join, was "
            f"{' '.join(rest)!r}"
        )
    return size
