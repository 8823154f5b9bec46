"""What an agent is: observation in, action out; and how it reads one and writes the other.

An agent file defines ``make_agent(spec) -> Agent``. Everything an agent may know of its task before
it starts is in the ``AgentSpec``; everything it may know later is in the observation, a flat
float32 vector whose fields are declared here. Agents work on the last axis, so that one call serves
one world or a thousand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Field(NamedTuple):
    """One number of the observation: name, bounds it is clipped to, meaning with its scale."""

    name: str
    low: float
    high: float
    meaning: str


# The order is that in which envs/observe.py writes them; a test compares the two.
OBSERVATION_FIELDS = (
    Field("net_delta", -20, 20, "delta of book and hedge, in gross book quantities"),
    Field("book_delta", -20, 20, "delta of the book alone, in gross book quantities"),
    Field("hedge", -20, 20, "hedge position, in gross book quantities"),
    Field("gamma", -100, 100, "change of book_delta when the price moves 1 %"),
    Field("vega", -100, 100, "change of the book's value per volatility point, in stakes"),
    Field("theta", -100, 100, "change of the book's value per day, in stakes"),
    Field("time_to_expiry", 0, 100, "time to the first expiry of the book, in weeks; 0 without"),
    Field("time_left", 0, 1, "share of the episode that is left"),
    Field("implied_volatility", 0, 10, "annual implied volatility of the book's first option"),
    Field("realised_volatility", 0, 10, "annual volatility of the mid, last 30 minutes weighted"),
    Field(
        "return_1",
        -20,
        20,
        "log return of the mid over a decision, in deviations of the larger volatility",
    ),
    Field("return_5", -20, 20, "the same over about 5 decisions (exponential memory)"),
    Field("return_15", -20, 20, "the same over about 15 decisions (exponential memory)"),
    Field("price", 0, 100, "mid of the hedge instrument, in reference prices"),
    Field("spread", 0, 1000, "best ask less best bid, in basis points"),
    Field("bid_depth", 0, 1000, "quantity at the best bid, in largest orders"),
    Field("ask_depth", 0, 1000, "quantity at the best ask, in largest orders"),
    Field("imbalance", -1, 1, "(bid - ask) / (bid + ask) quantity at the touch"),
    Field("working", -20, 20, "signed open quantity of the working order, in largest orders"),
    Field("working_distance", -1000, 1000, "distance of its price behind the touch, basis points"),
    Field("queue_ahead", 0, 1000, "quantity queued before it, in largest orders"),
    Field("margin_ratio", 0, 10, "maintenance margin as a share of the hedge account's equity"),
    Field("funding_rate", -1000, 1000, "rate of the current funding interval, in basis points"),
    Field("time_to_funding", 0, 1, "share of the funding interval that is left"),
    Field("basis", -1000, 1000, "mid of the hedge instrument over the index, in basis points"),
    Field("maker_fee", -100, 100, "fee for resting, in basis points"),
    Field("taker_fee", -100, 100, "fee for taking, in basis points"),
    Field("halted", 0, 1, "1 while the hedge's venue does not match, or publishes no data"),
    Field("profit", -1000, 1000, "change of equity since the start, in stakes"),
)
FIELD_NAMES = tuple(field.name for field in OBSERVATION_FIELDS)


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

        Args:
            units: signed size in units of the underlying, shape ``(...)``; > 0 buys. Larger sizes
                than the largest order are clipped.
            urgency: +1 crosses the spread now, 0 joins the best price, -1 rests well behind;
                shape ``(...)`` or a number.

        Returns:
            float32 array of shape ``(..., 2)``, with two more numbers for each further hedge, in
            which it wishes for nothing.
        """
        size = np.clip(np.asarray(units, dtype=np.float64) / self.largest_order, -1.0, 1.0)
        wish = np.stack([size, np.broadcast_to(urgency, size.shape)], axis=-1)
        return self.in_first_hedges(wish.astype(np.float32))

    def in_first_hedges(self, wishes: Array) -> Array:
        """Return an action of the ``hedge`` scheme that wishes for nothing in the hedges left out.

        Args:
            wishes: two numbers for each of the first hedges, shape ``(..., 2 hedges or fewer)``.
        """
        missing = 2 * len(self.hedge_instruments) - wishes.shape[-1]
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
