"""What a scenario file may say of the background order flow of a book."""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gammagym.quantities import Model, Problems
from gammagym.scenario.sentiment import SentimentTerms

Kind = Literal["ideal", "zero_intelligence", "queue_reactive", "hawkes"]
Preset = Literal["full", "medium", "thin", "sparse", "spot", "levels", "santa_fe", "large_tick"]

# Events a second of one book.
MOST_EVENTS = 20_000

# What each preset is a flow of; the first of a kind is its default.
PRESET_KINDS = MappingProxyType(
    {
        "thin": "hawkes",
        "full": "hawkes",
        "medium": "hawkes",
        "sparse": "hawkes",
        "spot": "hawkes",
        "levels": "zero_intelligence",
        "santa_fe": "zero_intelligence",
        "large_tick": "queue_reactive",
    }
)

Probability = Annotated[float | None, Field(ge=0, le=1)]
Share = Annotated[float | None, Field(ge=0, lt=1)]
Positive = Annotated[float | None, Field(gt=0, le=1e9)]
NotNegative = Annotated[float | None, Field(ge=0, le=1e9)]


class FlowParameters(Model):
    """Parameters of the crowd's order flow; `world.Flow` holds them with sizes in lots."""

    slots: Annotated[int | None, Field(ge=1, le=512)] = Field(
        default=None, description="places in the list of background orders; bounds their number"
    )
    touch_slots: Annotated[int | None, Field(ge=1, le=32)] = Field(
        default=None, description="places of that list kept for quotes at the touch, per side"
    )
    anchored: Annotated[int | None, Field(ge=0, le=1)] = Field(
        default=None,
        description="1 if the crowd quotes about a price that it believes in; 0: it looks at the "
        "book alone, as traders of zero intelligence do",
    )
    rate: Annotated[float | None, Field(gt=0, le=MOST_EVENTS)] = Field(
        default=None, description="mean events per second"
    )
    branching: Share = Field(
        default=None, description="share of market orders that others set off, in a burst"
    )
    excitation_decay: Positive = Field(
        default=None, description="time constant of such a burst (s)"
    )
    slow_branching: Share = Field(
        default=None, description="share of market orders that others set off over a longer time"
    )
    slow_decay: Positive = Field(default=None, description="time constant of that (s)")
    probability_market: Probability = Field(
        default=None, description="share of events: market orders"
    )
    probability_add: Probability = Field(
        default=None, description="share of events: new limit orders"
    )
    touch_probability: Probability = Field(
        default=None, description="share of new limit orders that join the touch"
    )
    refill_probability: Probability = Field(
        default=None, description="chance that an event closes an open spread"
    )
    queue_response: NotNegative = Field(
        default=None,
        description="how much a long queue keeps others from joining it: they join with chance "
        "1 / (1 + this x its length in median orders)",
    )
    imbalance_response: NotNegative = Field(
        default=None,
        description="how much market orders take the shorter queue: chance of the shorter over "
        "that of the longer is exp(this x imbalance)",
    )
    touch_size: Positive = Field(
        default=None, description="median size of an order at the touch (units)"
    )
    touch_size_sigma: NotNegative = Field(default=None, description="its lognormal sigma")
    add_size: Positive = Field(
        default=None, description="median size of an order behind the touch (units)"
    )
    add_size_sigma: NotNegative = Field(default=None, description="its lognormal sigma")
    distance_scale: Positive = Field(
        default=None, description="scale of the distance to the touch (ticks)"
    )
    distance_exponent: Annotated[float | None, Field(ge=-1, le=100)] = Field(
        default=None, description="tail exponent of that distance; -1: all distances alike"
    )
    distance_maximum: Positive = Field(
        default=None, description="largest distance to the touch (ticks)"
    )
    growth_distance: Positive = Field(
        default=None,
        description="distance over which orders behind the touch grow by their size near it "
        "(ticks); the further away, the larger they are",
    )
    market_size: Positive = Field(default=None, description="median size of a market order (units)")
    market_size_sigma: NotNegative = Field(default=None, description="its lognormal sigma")
    split_probability: Probability = Field(
        default=None, description="chance that a market order starts a run of one sign"
    )
    split_exponent: Positive = Field(
        default=None, description="Pareto exponent of the length of a run"
    )
    informed_probability: Probability = Field(
        default=None, description="chance that a market order knows the next move of the price"
    )
    informed_scale: Positive = Field(
        default=None, description="size of that move at which the chance is full (ticks)"
    )
    informed_horizon: Positive = Field(
        default=None, description="how far ahead an informed trader sees the price (s)"
    )
    informed_size: Positive = Field(
        default=None, description="median size of an informed order (units)"
    )
    informed_size_sigma: NotNegative = Field(default=None, description="its lognormal sigma")
    market_reach: Positive = Field(
        default=None, description="how far past the reference a market order goes (ticks)"
    )
    impact_ticks: NotNegative = Field(
        default=None, description="impact memory left by an order of one unit (ticks)"
    )
    impact_scale: Positive = Field(
        default=None, description="size at which impact turns from linear to concave (units)"
    )
    impact_decay: Positive = Field(
        default=None, description="time constant of the impact memory (s)"
    )
    surprise_ticks: NotNegative = Field(
        default=None,
        description="what an order of one unit makes the crowd expect of the price, over the "
        "horizon of those who are informed (ticks)",
    )
    lasting_impact: Annotated[float | None, Field(ge=0, le=1_000)] = Field(
        default=None,
        description="lasting move of the price per unit that participants hold (basis points)",
    )
    stale_ticks: NotNegative = Field(
        default=None, description="distance through the reference at which a quote is stale (ticks)"
    )
    widening: NotNegative = Field(
        default=None,
        description="makers: ticks by which the touch is wider for each multiple of the usual "
        "volatility above twice of it",
    )
    pulling: NotNegative = Field(
        default=None,
        description="makers: new orders are divided by 1 + this x the same multiple",
    )


class Flow(FlowParameters):
    """Background order flow: the textbook's infinite depth, or a crowd that trades and quotes."""

    kind: Kind = Field(
        default="hawkes",
        description="ideal: all sizes at the fundamental price plus or minus half a spread; "
        "zero_intelligence: orders that look at the book alone; hawkes: market orders that set "
        "off others; queue_reactive: orders that look at the queues",
    )
    preset: Preset | None = Field(
        default=None,
        description="where parameters that are not given come from; left out: thin (in tasks of "
        "many days sparse), levels, large_tick, by kind",
    )
    intensity: float | None = Field(
        default=None,
        gt=0,
        le=1_000,
        description="how many times as busy as the preset: a factor on the events a second, of all "
        "kinds alike, that leaves their sizes as they are; left out: 1",
    )
    half_spread: float | None = Field(
        default=None, ge=0, le=0.5, description="ideal: half the spread, share of spot"
    )
    size: float | None = Field(
        default=None, gt=0, le=1e9, description="ideal: size of each quote (units)"
    )
    sentiment: SentimentTerms | None = Field(
        default=None,
        description="side that market orders lean to, and the premium that opens; left out: none",
    )

    def overrides(self) -> dict[str, float]:
        """Return the parameters that this flow sets itself instead of taking the preset's.

        >>> Flow(preset="thin", rate=12.0).overrides()
        {'rate': 12.0}
        """
        given = {name: getattr(self, name) for name in FlowParameters.model_fields}
        return {name: value for name, value in given.items() if value is not None}

    def preset_name(self, wish: str | None = None) -> str:
        """Return the preset in use: its own, or a task's wish, or the first of its kind.

        >>> Flow().preset_name("sparse"), Flow(preset="full").preset_name("sparse")
        ('sparse', 'full')
        """
        fitting = [name for name, kind in PRESET_KINDS.items() if kind == self.kind]
        if self.preset is not None:
            return self.preset
        return wish if wish in fitting else fitting[0]

    @model_validator(mode="after")
    def _keys_fit_the_kind(self) -> Flow:
        problems = Problems(self)
        if self.kind == "ideal":
            problems.need("half_spread", "kind 'ideal' needs a share of spot, such as 0.0001")
            problems.need("size", "kind 'ideal' needs the size of each quote, such as 1000")
            problems.forbid("intensity", "kind 'ideal' has no events to be multiplied")
            problems.forbid("sentiment", "kind 'ideal' has no traders who could lean to a side")
            for name in self.overrides():
                problems.add(name, "is a parameter of the other kinds, not of 'ideal'")
        else:
            problems.forbid("half_spread", "it emerges from the flow; only kind 'ideal' sets it")
            problems.forbid("size", "it emerges from the flow; only kind 'ideal' sets it")
        if self.preset is not None and PRESET_KINDS[self.preset] != self.kind:
            fitting = [name for name, kind in PRESET_KINDS.items() if kind == self.kind]
            allowed = f"take one of {', '.join(fitting)}" if fitting else "it has none"
            problems.add("preset", f"is of kind {PRESET_KINDS[self.preset]!r}: {allowed}")
        problems.raise_if_any()
        return self
