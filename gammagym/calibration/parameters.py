"""From figures to the parameters of a scenario, each with the reason for its value.

Steps follow each other; each takes the parameters so far and returns them with its own. What is
read off directly comes first. What a book makes of its flow, such as its depth, cannot be read off.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from gammagym.calibration.estimates import Estimate
from gammagym.calibration.measure import Measurement, OrderMeasures, PriceMeasures
from gammagym.scenario.load import load_flow

# A better model must be better by this much of Akaike's criterion.
_CLEARLY = 10.0
_HIGHEST_RATE = 20_000.0
_PRESET = "full"
# Median size of the touch by time that the preset makes of its touch_size: 2.63 +- 0.02, in eight
# records of four minutes of the scenario calm.
_PRESET_TOUCH = 2.63
_MOST_REVERSION, _MOST_VARIANCE_VOLATILITY = 10_000.0, 1_000.0


@dataclass(frozen=True)
class Parameter:
    """A value of a scenario's key, and where it comes from."""

    value: float | str
    reason: str


@dataclass(frozen=True)
class Parameters:
    """Keys of the tables `[price]` and `[flow]` of a scenario."""

    price: dict[str, Parameter]
    flow: dict[str, Parameter]


Step = Callable[[Measurement, Parameters], Parameters]


def choose_parameters(measurement: Measurement) -> Parameters:
    """Return the parameters of a scenario that resembles what was measured."""
    parameters = Parameters({}, {})
    for step in STEPS:
        parameters = step(measurement, parameters)
    return parameters


# --- Price -----------------------------------------------------------------------------------


def read_price(measurement: Measurement, parameters: Parameters) -> Parameters:
    """Read off `[price]`: the model that the data bear out, from the last price on.

    Heston's, if the memory of the variance is certain; or Merton's, if jumps are; or a geometric
    Brownian motion.
    """
    price = measurement.price
    if price is None:
        return parameters
    keys = _heston(price) or _merton(price) or _brownian(price)
    start = Parameter(f"{price.series.prices[-1]:.8f}".rstrip("0").rstrip("."), "the last price")
    return replace(parameters, price={"model": keys.pop("model"), "start": start, **keys})


def _brownian(price: PriceMeasures) -> dict[str, Parameter]:
    count, step = len(price.returns.values), price.series.step_ns / 1e9
    reason = f"{_told(price.volatility)}, from {count:,} returns over {step:g} s"
    return {
        "model": Parameter("gbm", "too few returns, or neither jumps nor clusters are certain"),
        "volatility": Parameter(rounded(price.volatility.value), reason),
    }


def _merton(price: PriceMeasures) -> dict[str, Parameter]:
    if "merton" not in price.models:
        return {}
    fit = price.models["merton"]
    gain = price.models["gbm"].aic - fit.aic
    certain = ("volatility", "jump_rate", "jump_sigma")
    if gain < _CLEARLY or not all(fit.parameters[key].identified for key in certain):
        return {}
    reason = f"better than gbm by {gain:,.0f} of AIC"
    return {"model": Parameter("merton", reason)} | {
        key: Parameter(rounded(each.value), f"{_told(each)}, maximum likelihood")
        for key, each in fit.parameters.items()
    }


def _heston(price: PriceMeasures) -> dict[str, Parameter]:
    found = price.variance
    if found is None or found.reversion is None or found.variance_volatility is None:
        return {}
    reversion, wildness = found.reversion, found.variance_volatility
    usable = reversion.value <= _MOST_REVERSION and wildness.value <= _MOST_VARIANCE_VOLATILITY
    if not (usable and reversion.identified and wildness.identified):
        return {}
    half_life = math.log(2.0) / reversion.value * 365 * 24
    variance = rounded(found.long_run_variance.value)
    correlation = found.correlation or Estimate(0.0)
    leverage = correlation.identified and abs(correlation.value) <= 1.0
    how = "from the autocovariance of realised variance"
    return {
        "model": Parameter("heston", f"shocks of the variance fade by half in {half_life:.1f} h"),
        "initial_variance": Parameter(variance, "as in the long run"),
        "long_run_variance": Parameter(
            variance, f"{_told(found.long_run_variance)}, mean squared return"
        ),
        "reversion": Parameter(rounded(reversion.value), f"{_told(reversion)}, {how}"),
        "variance_volatility": Parameter(rounded(wildness.value), f"{_told(wildness)}, {how}"),
        "correlation": Parameter(
            rounded(correlation.value) if leverage else 0.0,
            f"{_told(correlation)}" + ("" if leverage else ": not told from 0"),
        ),
    }


# --- Flow ------------------------------------------------------------------------------------


def read_flow(measurement: Measurement, parameters: Parameters) -> Parameters:
    """Read off `[flow]`: how often what happens, how large market orders are, how they are split.

    What is not read off stays as in the preset `full`.
    """
    measures = measurement.orders
    if measures is None:
        return parameters
    preset = load_flow(_PRESET)
    market_rate = measures.orders.rate
    share = preset["probability_market"]
    if measurement.book:
        rate = measurement.book.updates
        why = "changes of levels a second"
    else:
        rate = market_rate.value / share
        why = f"no book in the files: {1 / share:.0f} events to a market order, as in the preset"
    rate = min(rate, _HIGHEST_RATE)
    sizes, signs = measures.sizes, measures.signs
    keys = {
        "kind": Parameter("hawkes", "market orders that set off others"),
        "preset": Parameter(_PRESET, "what could not be read off is as there"),
        "rate": Parameter(rounded(rate), why),
        "probability_market": Parameter(
            rounded(min(market_rate.value / rate, 1.0 - preset["probability_add"])),
            f"{_told(market_rate)} marketable orders a second",
        ),
        "market_size": Parameter(rounded(sizes.median.value), f"median, {_told(sizes.median)}"),
        "market_size_sigma": Parameter(
            rounded(sizes.sigma.value), f"makes the mean {_told(sizes.mean)}"
        ),
    }
    # The orders of those who are informed are measured with the others.
    keys["informed_size"] = Parameter(keys["market_size"].value, "as market_size")
    keys["informed_size_sigma"] = Parameter(keys["market_size_sigma"].value, "as market_size_sigma")
    keys |= _bursts(measures)
    if signs.split_probability and signs.split_exponent:
        why = f"{len(signs.autocorrelation)} autocorrelations of signs"
        for key in ("split_probability", "split_exponent"):
            found: Estimate = getattr(signs, key)
            keys[key] = Parameter(rounded(found.value), f"{_told(found)}, from {why}")
    else:
        keys["split_probability"] = Parameter(0.0, "signs have no memory that can be told from 0")
    if measurement.touch:
        touch = sum(measurement.touch.size) / 2.0
        value = preset["touch_size"] * touch / _PRESET_TOUCH
        own = f"{preset['touch_size']:g} of the preset"
        why = f"{own} x {rounded(touch):g} measured / {_PRESET_TOUCH} that the preset makes of it"
        keys["touch_size"] = Parameter(rounded(value), why)
    return replace(parameters, flow=keys)


def _bursts(measures: OrderMeasures) -> dict[str, Parameter]:
    """Read off how market orders set off others: a Hawkes process with one kernel."""
    if not measures.hawkes:
        return {"branching": Parameter(0.0, "too few orders to tell bursts")}
    found = measures.hawkes[0].parameters
    branching, decay = found["branching"], found["decay"]
    if not branching.identified or branching.value >= 1.0:
        return {"branching": Parameter(0.0, "bursts cannot be told from chance")}
    return {
        "branching": Parameter(rounded(branching.value), f"{_told(branching)}, Hawkes process"),
        "excitation_decay": Parameter(
            rounded(1.0 / decay.value), f"1 / {_told(decay)} a second, Hawkes process"
        ),
    }


STEPS: tuple[Step, ...] = (read_price, read_flow)


def rounded(value: float) -> float:
    """Return a value to four digits: no figure is known better.

    >>> rounded(0.123456), rounded(111910.9)
    (0.1235, 111900.0)
    """
    return float(f"{value:.4g}")


def _told(estimate: Estimate) -> str:
    """Return a value with its error.

    >>> _told(Estimate(0.44, 0.0152)), _told(Estimate(3.0))
    ('0.44 +- 0.015', '3')
    """
    value = f"{rounded(estimate.value):g}"
    return value if math.isnan(estimate.error) else f"{value} +- {estimate.error:.2g}"
