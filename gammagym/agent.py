"""What an agent is: observation in, action out; and how it reads one and writes the other.

An agent file defines ``make_agent(spec) -> Agent``. Everything an agent may know of its task before
it starts is in the ``AgentSpec``; everything it may know later is in the observation, a flat
float32 vector (gammagym/fields.py). Agents work on the last axis, so that one call serves one world
or a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gammagym.errors import AgentError
from gammagym.fields import FIELD_NAMES, OBSERVATION_FIELDS, Field

__all__ = [
    "FIELD_NAMES",
    "OBSERVATION_FIELDS",
    "Agent",
    "AgentSpec",
    "Array",
    "Field",
    "Reading",
]

Array = NDArray[np.float32]


class Reading(NamedTuple):
    """An observation in physical units; entries have the observation's shape less its last axis."""

    net_delta: NDArray[Any]  # units of the underlying
    book_delta: NDArray[Any]  # units of the underlying
    hedge: NDArray[Any]  # units of the underlying
    gamma: NDArray[Any]  # units of the underlying per price unit
    price: NDArray[Any]  # mid of the hedge instrument
    spread: NDArray[Any]  # price units
    time_to_expiry: NDArray[Any]  # years
    time_left: NDArray[Any]  # share of the episode
    implied_volatility: NDArray[Any]  # annual
    realised_volatility: NDArray[Any]  # annual
    working: NDArray[Any]  # signed open quantity, units of the underlying


@dataclass(frozen=True)
class AgentSpec:
    """What an agent is told before the first observation.

    Attributes:
        task: name of the task, such as ``GammaScalp``.
        action_scheme: name of the action scheme, such as ``hedge``.
        action_shape: shape of an action.
        observation_fields: names of the observation's entries, in order.
        gross_quantity: sum of the absolute quantities of the book (units of the underlying; a
            straddle on one unit counts one).
        largest_order: largest hedge order (units of the underlying).
        dead_zone: smallest order, as a share of the largest.
        maker_fee: fee for resting, share of notional.
        taker_fee: fee for taking, share of notional.
        reference_price: price that the field ``price`` is scaled by.
        stake: expected gamma profit over the horizon (currency; notional without options).
        risk_aversion: weight of variance that the task's reward uses (1 / currency).
        decision_seconds: time between two decisions (s).
        horizon_seconds: length of an episode (s).
        hedge_instruments: names of what it hedges with, in the order of the action's numbers.
    """

    task: str
    action_scheme: str
    action_shape: tuple[int, ...]
    observation_fields: tuple[str, ...]
    gross_quantity: float
    largest_order: float
    dead_zone: float
    maker_fee: float
    taker_fee: float
    reference_price: float
    stake: float
    risk_aversion: float
    decision_seconds: float
    horizon_seconds: float
    hedge_instruments: tuple[str, ...] = ("perpetual",)

    def field(self, observation: Array, name: str) -> NDArray[Any]:
        """Return one named entry of an observation, shape: the observation's less its last axis."""
        return observation[..., self.observation_fields.index(name)].astype(np.float64)

    def read(self, observation: Array) -> Reading:
        """Return an observation in physical units.

        Args:
            observation: shape ``(..., fields)``.
        """
        gross = self.gross_quantity
        price = self.field(observation, "price") * self.reference_price
        return Reading(
            net_delta=self.field(observation, "net_delta") * gross,
            book_delta=self.field(observation, "book_delta") * gross,
            hedge=self.field(observation, "hedge") * gross,
            gamma=self.field(observation, "gamma") * gross / np.maximum(0.01 * price, 1e-12),
            price=price,
            spread=self.field(observation, "spread") * 1e-4 * price,
            time_to_expiry=self.field(observation, "time_to_expiry") * 7 / 365,
            time_left=self.field(observation, "time_left"),
            implied_volatility=self.field(observation, "implied_volatility"),
            realised_volatility=self.field(observation, "realised_volatility"),
            working=self.field(observation, "working") * self.largest_order,
        )

    def order(self, units: NDArray[Any] | float, urgency: NDArray[Any] | float = 1.0) -> Array:
        """Return the action of the ``hedge`` scheme that wishes for one order in the first hedge.

        With several hedges it is for the first, and none is wished for in the others; where options
        are traded, none are.

        Args:
            units: signed size in units of the underlying, shape ``(...)``; > 0 buys. Larger sizes
                than the largest order are clipped.
            urgency: +1 crosses the spread now, 0 joins the best price, -1 rests well behind;
                shape ``(...)`` or a number.

        Returns:
            float32 array of shape ``(..., *action_shape)``.

        Raises:
            AgentError: actions are of another scheme.
        """
        if self.action_scheme != "hedge":
            raise AgentError(
                f"task {self.task}: this agent acts by the action scheme 'hedge', the task's is "
                f"{self.action_scheme!r}: make the environment without action_scheme, or write "
                f"actions of shape {self.action_shape} yourself"
            )
        size = np.clip(np.asarray(units, dtype=np.float64) / self.largest_order, -1.0, 1.0)
        wish = np.stack([size, np.broadcast_to(urgency, size.shape)], axis=-1)
        return self.in_first_hedges(wish.astype(np.float32))

    def in_first_hedges(self, wishes: Array) -> Array:
        """Return an action of the ``hedge`` scheme that wishes for nothing in the hedges left out.

        Args:
            wishes: two numbers for each of the first hedges, shape ``(..., 2 hedges or fewer)``.
        """
        missing = self.action_shape[-1] - wishes.shape[-1]
        if missing <= 0:
            return wishes
        nothing = np.zeros((*wishes.shape[:-1], missing), np.float32)
        return np.concatenate([wishes, nothing], axis=-1)


class Agent(Protocol):
    """A decision rule."""

    def reset(self, info: dict[str, Any], worlds: NDArray[np.bool_] | None = None) -> None:
        """Forget what was remembered of the worlds that start anew (a mask; None: all)."""
        ...

    def act(self, observation: Array) -> Array:
        """Return the action for an observation of shape ``(fields,)`` or ``(worlds, fields)``."""
        ...
