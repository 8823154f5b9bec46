"""What a scenario file may say of the fundamental price: its process, parameters and presets."""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Exact, Model, Problems

_DAY_NS = 86_400_000_000_000
_YEARS_NS = 100 * 365 * _DAY_NS

Number = Annotated[float | None, Field(ge=-5, le=5)]
Volatility = Annotated[float | None, Field(gt=0, le=20)]
Variance = Annotated[float | None, Field(gt=0, le=400)]
Sojourn = Annotated[Duration | None, Field(ge=1_000_000_000, le=_YEARS_NS)]

_HESTON = (
    "initial_variance",
    "long_run_variance",
    "reversion",
    "variance_volatility",
    "correlation",
)
_JUMPS = ("jump_rate", "jump_mean", "jump_sigma")
# What each process reads; all of it must be known, from the file or from the preset.
PROCESS_KEYS = MappingProxyType(
    {
        "merton": ("volatility", *_JUMPS),
        "heston": _HESTON,
        "svcj": (*_HESTON, *_JUMPS, "variance_jump", "jump_correlation"),
        "regime": (
            "range_volatility",
            "range_half_life",
            "range_duration",
            "trend_volatility",
            "trend_drift",
            "trend_duration",
        ),
    }
)


def _preset(model: str, *values: float) -> dict[str, float]:
    return dict(zip(PROCESS_KEYS[model], values, strict=True))


# Fits to quotes of Deribit's options, medians over 388 days, 2025-12-30 to 2026-04-15
# (docs/rules/price). Merton's: the jumps of svcj without those of its variance, and a constant
# variance that is the long-run mean of svcj's.
PROCESS_PRESETS = MappingProxyType(
    {
        ("merton", "btc"): _preset("merton", 0.422, 1.289, -0.066, 0.158),
        ("merton", "eth"): _preset("merton", 0.545, 2.271, -0.132, 0.0003),
        ("heston", "btc"): _preset("heston", 0.2554, 0.2862, 9.31, 2.335, -0.353),
        ("heston", "eth"): _preset("heston", 0.4792, 0.5009, 19.86, 4.493, -0.217),
        ("svcj", "btc"): _preset(
            "svcj", 0.2243, 0.1077, 13.37, 0.939, -0.425, 1.289, -0.066, 0.158, 0.731, -0.03
        ),
        ("svcj", "eth"): _preset(
            "svcj", 0.377, 0.2489, 15.7, 2.269, 0.142, 2.271, -0.132, 0.0003, 0.334, -0.999
        ),
    }
)


class ProcessParameters(Model):
    """Parameters of prices that jump, or whose variance or regime changes."""

    initial_variance: Annotated[float | None, Field(ge=0, le=400)] = Field(
        default=None,
        description="heston, svcj: annual variance at the start; 0.25 is a volatility of 50 %",
    )
    long_run_variance: Variance = Field(
        default=None, description="heston, svcj: annual variance that it reverts to"
    )
    reversion: Annotated[float | None, Field(ge=0.001, le=10_000)] = Field(
        default=None, description="heston, svcj: speed of that reversion (per year)"
    )
    variance_volatility: Annotated[float | None, Field(ge=0.001, le=1_000)] = Field(
        default=None, description="heston, svcj: volatility of the variance (annual)"
    )
    correlation: Annotated[float | None, Field(ge=-1, le=1)] = Field(
        default=None, description="heston, svcj: correlation of the price and its variance"
    )
    jump_rate: Annotated[float | None, Field(ge=0, le=1e7)] = Field(
        default=None, description="merton, svcj: mean number of jumps a year"
    )
    jump_mean: Number = Field(
        default=None,
        description="merton, svcj: mean jump of the logarithm of the price; svcj: of a jump that "
        "leaves the variance alone",
    )
    jump_sigma: Annotated[float | None, Field(ge=0, le=5)] = Field(
        default=None, description="merton, svcj: its standard deviation"
    )
    variance_jump: Annotated[float | None, Field(ge=0, le=100)] = Field(
        default=None, description="svcj: mean jump of the annual variance (exponential)"
    )
    jump_correlation: Number = Field(
        default=None,
        description="svcj: what a jump of the variance by 1 adds to the jump of the logarithm",
    )
    range_volatility: Volatility = Field(
        default=None, description="regime: annual volatility in a range"
    )
    range_half_life: Sojourn = Field(
        default=None, description="regime: time in which half of a distance to the middle is gone"
    )
    range_duration: Sojourn = Field(default=None, description="regime: mean duration of a range")
    trend_volatility: Volatility = Field(
        default=None, description="regime: annual volatility in a trend"
    )
    trend_drift: Annotated[float | None, Field(ge=0, le=1_000)] = Field(
        default=None,
        description="regime: annual drift in a trend, up or down with equal chance; 2 is 200 %",
    )
    trend_duration: Sojourn = Field(default=None, description="regime: mean duration of a trend")


class Price(ProcessParameters):
    """The fundamental price that everything follows."""

    model: Literal["gbm", "replay", "merton", "heston", "svcj", "regime"] = Field(
        description="gbm: geometric Brownian motion; replay: the prices of a file; merton: jumps; "
        "heston: a variance that moves; svcj: both, which jump together; regime: ranges and trends"
    )
    preset: Literal["btc", "eth"] | None = Field(
        default=None,
        description="merton, heston, svcj: where parameters that are not given come from",
    )
    start: Annotated[Exact, Field(gt=0, le=10**9)] | None = Field(
        default=None, description="all but replay: price at the start (quote currency per unit)"
    )
    drift: float = Field(
        default=0.0,
        ge=-100,
        le=100,
        description="all but replay, regime: annual drift of the price; 0.1 is 10 % a year",
    )
    volatility: float | None = Field(
        default=None,
        ge=0,
        le=20,
        description="annual volatility, 0.6 is 60 %; merton: without jumps; replay: of the bridge "
        "between two prices of the file, left out: estimated from the file; not of others",
    )
    file: str | None = Field(
        default=None,
        min_length=1,
        description="replay: CSV of prices, relative to the scenario's file",
    )
    mirror: bool = Field(
        default=False,
        description="replay: negate the log returns of the file, so that what rose falls: around "
        "its first price",
    )
    tick: Duration = Field(
        default=1_000_000_000,
        ge=1_000_000,
        le=30 * _DAY_NS,
        description="time between two price ticks; left out: 1 s, in flow 'sparse' 10 s where "
        "nothing minds (docs/rules/price)",
    )
    activity_sigma: float = Field(
        default=0.0,
        ge=0,
        le=3,
        description="all but replay: standard deviation of the logarithm of the market's activity, "
        "with which its variance and its events a second go up and down; 0: it is constant",
    )
    activity_half_life: Annotated[Duration, Field(ge=1_000_000_000)] = Field(
        default=600_000_000_000,
        description="time in which half of an unusual activity is gone",
    )
    offset_mode: Literal["random", "start"] = Field(
        default="random",
        description="replay: begin at a place in the file drawn from the seed, or at its start",
    )

    def parameters(self) -> dict[str, float]:
        """Return the parameters of the process: those of the preset, then the price's own.

        >>> Price(model="merton", start="60000", preset="btc", jump_rate=5.0).parameters()
        {'volatility': 0.422, 'jump_rate': 5.0, 'jump_mean': -0.066, 'jump_sigma': 0.158}
        """
        values = {key: getattr(self, key) for key in PROCESS_KEYS.get(self.model, ())}
        own = {key: value for key, value in values.items() if value is not None}
        return PROCESS_PRESETS.get((self.model, self.preset or ""), {}) | own

    def long_run_volatility(self) -> float | None:
        """Return the annual volatility in the long run, with jumps; None if only the file knows.

        It is the root of the expected sum of squared log returns of a year, over ticks so short
        that drift does not matter.

        >>> round(Price(model="svcj", start="60000", preset="btc").long_run_volatility(), 3)
        0.47
        """
        if self.model not in PROCESS_KEYS:
            return self.volatility
        own = self.parameters()
        if self.model == "regime":
            ranges, trends = own["range_duration"], own["trend_duration"]
            variance = ranges * own["range_volatility"] ** 2 + trends * own["trend_volatility"] ** 2
            return math.sqrt(variance / (ranges + trends))
        if self.model == "merton":
            return math.sqrt(own["volatility"] ** 2 + jump_moments(own)[1])
        brought = own.get("jump_rate", 0.0) * own.get("variance_jump", 0.0) / own["reversion"]
        return math.sqrt(own["long_run_variance"] + brought + jump_moments(own)[1])

    @model_validator(mode="after")
    def _keys_fit_the_model(self) -> Price:
        problems = Problems(self)
        model = self.model
        if model == "replay":
            problems.need(
                "file",
                "a replay needs a file of prices: give price.file, or --price-file PATH on the "
                "command line",
            )
            problems.forbid("start", "the prices of the file rule in model 'replay'")
        else:
            problems.need(
                "start", f"model '{model}' needs a price to start from, such as \"60000\""
            )
            problems.forbid("file", f"model '{model}' reads no file; did you mean model 'replay'?")
        if model != "replay" and self.mirror:
            problems.add("mirror", f"model '{model}' reads no file whose returns it could negate")
        if model == "gbm":
            problems.need("volatility", "model 'gbm' needs an annual volatility, such as 0.6")
        if model == "replay" and self.drift:
            problems.add("drift", "must be 0: the prices of the file rule in model 'replay'")
        if model == "regime" and self.drift:
            problems.add("drift", "must be 0: model 'regime' has a drift in trends, trend_drift")
        self._check_process(problems)
        problems.raise_if_any()
        return self

    def _check_process(self, problems: Problems) -> None:
        """Add what is wrong with the parameters of the process, or with their being there."""
        wanted = PROCESS_KEYS.get(self.model, ())
        has_presets = (self.model, "btc") in PROCESS_PRESETS
        if not has_presets:
            problems.forbid("preset", f"model '{self.model}' has no presets")
        own = self.parameters()
        others = [key for key in ProcessParameters.model_fields if key not in wanted]
        if wanted and "volatility" not in wanted:
            others.append("volatility")
        for key in others:
            models = [name for name, keys in PROCESS_KEYS.items() if key in keys]
            problems.forbid(key, f"it is not of model '{self.model}', but of {', '.join(models)}")
        missing = [key for key in wanted if key not in own]
        for key in missing:
            otherwise = ', or a preset, such as "btc"' if has_presets else ""
            problems.add(key, f"is missing: model '{self.model}' needs it{otherwise}")
        if "jump_rate" in wanted and not missing:
            self._check_jumps(problems, own)

    def _check_jumps(self, problems: Problems, own: dict[str, float]) -> None:
        seconds = self.tick / 1e9
        if own["jump_rate"] * self.tick > 365 * _DAY_NS:
            problems.add(
                "jump_rate",
                f"with ticks of {seconds:g} s there may be at most one jump a tick on average, "
                f"{365 * 86_400 / seconds:g} a year",
            )
        if own.get("jump_correlation", 0.0) * own.get("variance_jump", 0.0) >= 1:
            problems.add(
                "jump_correlation",
                "times variance_jump must be < 1: the expected price would be infinite",
            )


def jump_moments(own: dict[str, float]) -> tuple[float, float]:
    """Return the annual drift and the annual variance that jumps bring; 0 without jumps.

    Args:
        own: parameters of a process, as `Price.parameters` gives them.
    """
    if not own.get("jump_rate"):
        return 0.0, 0.0
    linked = own.get("jump_correlation", 0.0) * own.get("variance_jump", 0.0)
    growth = math.exp(own["jump_mean"] + 0.5 * own["jump_sigma"] ** 2) / (1.0 - linked) - 1.0
    mean = own["jump_mean"] + linked
    square = mean**2 + own["jump_sigma"] ** 2 + linked**2
    return own["jump_rate"] * growth, own["jump_rate"] * square
