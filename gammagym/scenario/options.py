"""What a scenario file may say of options: their volatility surface, its presets, who trades them.

A smile is given as traders speak of it: slope and curvature of the implied volatility in
ln(strike / forward), at the money, 30 days before expiry. `ssvi` turns them into the parameters of
the surface, and `arbitrage` says whether it can be traded against (docs/rules/options).
"""

from __future__ import annotations

import math
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from gammagym.quantities import Duration, Model, Problems

_DAY_NS = 86_400_000_000_000
# Where slope and curvature are measured; the times to expiry that must be free of arbitrage.
SMILE_YEARS = 30.0 / 365.0
LONGEST_YEARS = 1.0
# As far as volatilities may be led from where they began (gammagym.market.surface).
_LARGEST_FACTOR = 3.0
# Gatheral and Jacquier (2014), theorem 4.2.
_BUTTERFLY_LIMIT = 4.0
_MOST_BANDS = 4
_HALF_SPREAD = 0.0005

Level = Annotated[float | None, Field(gt=0, le=20)]


class Spread(Model):
    """How wide makers quote options of a time to expiry."""

    days: float | None = Field(
        default=None,
        gt=0,
        le=10_000,
        description="days to expiry up to which it holds",
    )
    points: float = Field(gt=0, le=100, description="from bid to ask (volatility points)")


class Customers(Model):
    """Customers who send market orders for options, all that are alive alike."""

    rate: float = Field(ge=0, le=1_000, description="orders per second, in all options together")
    size: float = Field(default=0.5, gt=0, le=1e6, description="median size (units)")
    size_sigma: float = Field(default=1.0, ge=0, le=5, description="its lognormal sigma")


# Fits of the surface to smiles of the processes whose parameters are the medians of fits to
# Deribit's quotes, 7 to 180 days, at most 1.3 deviations from the money (docs/rules/options): svcj
# for bitcoin; heston for ether, whose jumps are badly identified. Spreads: Deribit, bitcoin, deltas
# 0.3 to 0.7, 2025-12-30. Customers and inventory are round figures, not measured.
_SPREADS = (
    Spread(days=7, points=2.8),
    Spread(days=35, points=1.25),
    Spread(days=100, points=0.63),
    Spread(points=0.88),
)
_MARKET: dict[str, Any] = {
    "spreads": _SPREADS,
    "inventory": 50.0,
    "customers": Customers(rate=0.02),
}
SURFACE_PRESETS: MappingProxyType[str, dict[str, Any]] = MappingProxyType(
    {
        "btc": {
            "implied_volatility": 0.436,
            "short_volatility": 0.489,
            "term_half_life": 374 * 3_600_000_000_000,
            "skew": -0.265,
            "curvature": 1.57,
            "skew_decay": 0.373,
            "skew_stickiness": 1.0,
            "volatility_of_volatility": 0.59,
            "volatility_half_life": 19 * _DAY_NS,
            **_MARKET,
        },
        "eth": {
            "implied_volatility": 0.673,
            "short_volatility": 0.673,
            "skew": -0.174,
            "curvature": 1.12,
            "skew_decay": 0.487,
            "skew_stickiness": 1.66,
            "volatility_of_volatility": 1.6,
            "volatility_half_life": 13 * _DAY_NS,
            **_MARKET,
        },
    }
)
# What is left out where no preset is named.
_PLAIN: dict[str, Any] = {
    "implied_volatility": None,
    "short_volatility": None,
    "term_half_life": _DAY_NS,
    "skew": 0.0,
    "curvature": 0.0,
    "skew_decay": 0.5,
    "skew_stickiness": 1.0,
    "volatility_of_volatility": 0.0,
    "volatility_half_life": 20 * _DAY_NS,
    "half_spread": _HALF_SPREAD,
    "spreads": (),
    "inventory": 50.0,
    "customers": Customers(rate=0.0),
}


class Smile(NamedTuple):
    """Parameters of SSVI: phi(theta) = eta * theta^-gamma."""

    rho: float
    eta: float
    gamma: float


class Options(Model):
    """How options are priced, quoted and traded."""

    preset: Literal["btc", "eth"] | None = Field(
        default=None, description="where keys that are not given come from: fits to Deribit"
    )
    implied_volatility: Level = Field(
        default=None,
        description="annual implied volatility at the money, of long expiries if short ones "
        "differ; left out: the preset's, or that of the price in the long run, with jumps "
        "(replay: estimated)",
    )
    short_volatility: Level = Field(
        default=None, description="the same of the shortest expiries; left out: no difference"
    )
    term_half_life: Annotated[Duration | None, Field(ge=3_600_000_000_000)] = Field(
        default=None, description="how soon a high or low short volatility is expected to pass"
    )
    skew: Annotated[float | None, Field(ge=-5, le=5)] = Field(
        default=None,
        description="slope of the implied volatility in ln(strike/forward), at the money, 30 days "
        "before expiry; -0.2: a point less for each 5 % of strike",
    )
    curvature: Annotated[float | None, Field(ge=-5, le=50)] = Field(
        default=None, description="slope of that slope, at the same place"
    )
    skew_decay: Annotated[float | None, Field(ge=0, le=0.5)] = Field(
        default=None, description="power of total variance by which the smile flattens"
    )
    skew_stickiness: Annotated[float | None, Field(ge=-2, le=4)] = Field(
        default=None,
        description="how far volatility at the money follows the price along the skew: 0 not at "
        "all (sticky moneyness), 1 as if strikes kept theirs (sticky strike)",
    )
    volatility_of_volatility: Annotated[float | None, Field(ge=0, le=10)] = Field(
        default=None, description="annual volatility of the level's own noise; 0.6 is 60 %"
    )
    volatility_half_life: Annotated[Duration | None, Field(ge=60_000_000_000)] = Field(
        default=None, description="time in which half of a move of the level is gone"
    )
    half_spread: Annotated[float | None, Field(ge=0, le=0.5)] = Field(
        default=None,
        description="half the spread of the makers' quotes, share of spot; left out: 0.0005, or "
        "of options `spreads`",
    )
    spreads: Annotated[tuple[Spread, ...] | None, Field(strict=False, max_length=_MOST_BANDS)] = (
        Field(
            default=None, description="instead of half_spread: quotes of options by time to expiry"
        )
    )
    inventory: Annotated[float | None, Field(gt=0, le=1e9)] = Field(
        default=None,
        description="with spreads: inventory at which makers' quotes have moved by half their "
        "spread (units of an option at the money, 30 days before expiry)",
    )
    size: float = Field(default=10.0, gt=0, le=1e6, description="size of each quote (units)")
    customers: Customers | None = Field(
        default=None, description="customers' market orders; left out: the preset's, or none"
    )

    def parameters(self, level: float) -> dict[str, Any]:
        """Return every key with its value: the file's, then the preset's, then the plain one.

        Args:
            level: what `implied_volatility` is where nothing gives it.

        A short volatility of the preset keeps its ratio to the preset's level.

        >>> own = Options(preset="btc", implied_volatility=0.872).parameters(0.5)
        >>> own["implied_volatility"], round(own["short_volatility"], 9), own["skew"]
        (0.872, 0.978, -0.265)
        """
        preset = SURFACE_PRESETS.get(self.preset or "", {})
        given = {name: getattr(self, name) for name in _PLAIN}
        own = _PLAIN | preset | {key: value for key, value in given.items() if value is not None}
        if self.half_spread is not None:
            own["spreads"] = ()
        if own["implied_volatility"] is None:
            own["implied_volatility"] = level
        if self.short_volatility is None:
            ratio = 1.0
            if preset:
                ratio = preset["short_volatility"] / preset["implied_volatility"]
            own["short_volatility"] = own["implied_volatility"] * ratio
        return own

    @model_validator(mode="after")
    def _keys_fit_each_other(self) -> Options:
        problems = Problems(self)
        if self.spreads is not None:
            problems.forbid("half_spread", "spreads say it by time to expiry; give one of the two")
            self._check_spreads(problems, self.spreads)
        elif self.preset is None:
            problems.forbid("inventory", "makers lean with 'spreads' only, in volatility points")
        if self.short_volatility is not None and self.preset != "btc":
            problems.need("term_half_life", "short_volatility passes over a time, such as '15d'")
        elif self.short_volatility is None and self.preset != "btc":
            problems.forbid("term_half_life", "it needs a short_volatility that passes")
        problems.raise_if_any()
        return self

    def _check_spreads(self, problems: Problems, spreads: tuple[Spread, ...]) -> None:
        if not spreads:
            problems.add("spreads", "must have at least one entry, such as [{points = 1.25}]")
        for place, spread in enumerate(spreads[:-1]):
            later = spreads[place + 1].days
            if spread.days is None:
                problems.add(f"spreads.{place}.days", "is missing: only the last may go without")
            elif later is not None and later <= spread.days:
                problems.add(f"spreads.{place + 1}.days", f"must be > {spread.days:g}: days rise")


def term_volatility(own: dict[str, Any], years: float) -> float:
    """Return the volatility at the money of an expiry (annual), of `Options.parameters`."""
    long, short = own["implied_volatility"], own["short_volatility"]
    fades = math.log(2.0) * 365 * _DAY_NS / own["term_half_life"] * years
    return math.sqrt(long**2 + (short**2 - long**2) * -math.expm1(-fades) / fades)


def ssvi(own: dict[str, Any]) -> Smile:
    """Return the parameters of SSVI that have the slope and curvature of `Options.parameters`.

    At the money, with sigma there: slope = sigma rho phi / 2, curvature = sigma phi^2
    (1 - 2 rho^2) / 4.

    >>> smile = ssvi(Options(implied_volatility=0.6, skew=-0.2, curvature=1.0).parameters(0))
    >>> round(smile.rho, 4), round(smile.eta, 4)
    (-0.2425, 0.4728)
    """
    sigma = term_volatility(own, SMILE_YEARS)
    slope, curvature = own["skew"], own["curvature"]
    square = 4.0 * curvature / sigma + 8.0 * (slope / sigma) ** 2
    if square <= 0.0:
        return Smile(0.0, 0.0, own["skew_decay"])
    phi = math.sqrt(square)
    eta = phi * (sigma**2 * SMILE_YEARS) ** own["skew_decay"]
    return Smile(2.0 * slope / (sigma * phi), eta, own["skew_decay"])


def arbitrage(own: dict[str, Any], longest_years: float = LONGEST_YEARS) -> str | None:
    """Return why a surface could be traded against without risk, or None.

    Total variance at the money rises with time whatever the levels, and with gamma in [0, 1] no
    calendar spread costs less than nothing. What may fail are butterflies: theta phi (1 + |rho|)
    < 4 and theta phi^2 (1 + |rho|) <= 4 rule them out, and both grow with theta. They must hold up
    to the longest expiry, at three times the level.

    Args:
        own: what `Options.parameters` returns.
        longest_years: longest time to expiry.

    Source: Gatheral and Jacquier (2014), theorems 4.1 and 4.2.
    """
    sigma = term_volatility(own, SMILE_YEARS)
    least = -(own["skew"] ** 2) / sigma
    if own["curvature"] < least or (own["curvature"] == least and own["skew"]):
        return (
            f"curvature {own['curvature']:g} must be > {least:.4g}, -skew² / volatility, with a "
            f"skew of {own['skew']:g}: the smile would have no curvature left on one side"
        )
    rho, eta, gamma = ssvi(own)
    highest = max(own["implied_volatility"], term_volatility(own, longest_years))
    theta = (_LARGEST_FACTOR * highest) ** 2 * longest_years
    phi = eta * theta**-gamma
    for name, value in (
        ("theta phi (1 + |rho|)", theta * phi * (1.0 + abs(rho))),
        ("theta phi² (1 + |rho|)", theta * phi**2 * (1.0 + abs(rho))),
    ):
        if value >= _BUTTERFLY_LIMIT:
            return (
                f"butterflies far from the money would cost less than nothing: {name} is "
                f"{value:.3g} at {longest_years:g} years to expiry and {_LARGEST_FACTOR:g} times "
                f"the level, and must be < {_BUTTERFLY_LIMIT:g}: take less skew or curvature, a "
                "larger skew_decay, or a lower volatility"
            )
    return None
