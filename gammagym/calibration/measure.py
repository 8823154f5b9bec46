"""Everything that is measured of some files, and a list of figures to print."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from gammagym.calibration.book_measures import (
    DEPTH_POINTS,
    RESPONSE_TIMES,
    Array,
    BookFlow,
    Touch,
    measure_book,
    measure_touch,
    mids_of,
    responses,
)
from gammagym.calibration.estimates import Estimate, Fit
from gammagym.calibration.hawkes import (
    FEWEST_ORDERS,
    Residuals,
    fit_hawkes,
    residuals,
)
from gammagym.calibration.orders import MarketableOrders, Sizes, marketable_orders, measure_sizes
from gammagym.calibration.returns import (
    FEWEST_FOR_MODELS,
    Returns,
    VarianceMoments,
    annual_volatility,
    fit_brownian,
    fit_merton,
    fit_two_volatilities,
    returns_of,
    variance_moments,
)
from gammagym.calibration.signs import SignMemory, measure_signs
from gammagym.data.exchange_stream import ExchangeStream
from gammagym.data.market_files import MarketFiles
from gammagym.data.prices import PriceSeries
from gammagym.errors import DataError
from gammagym.evaluation.facts.estimators import excess_kurtosis

_SHOWN_LAGS = (1, 2, 5, 10, 50)


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        key: Name for machines.
        label: Name for people.
        estimate: Value and standard error (nan: not known).
        unit: Its unit.
        group: What it belongs to.
    """

    key: str
    label: str
    estimate: Estimate
    unit: str
    group: str


@dataclass(frozen=True)
class PriceMeasures:
    """What prices alone say. The models are None where there are too few returns.

    Attributes:
        series: The prices.
        returns: Their returns.
        volatility: Annual.
        kurtosis: Excess, of the returns.
        models: Fits by likelihood: `gbm`, `merton`, `two volatilities`.
        variance: Heston's parameters by moments.
    """

    series: PriceSeries
    returns: Returns
    volatility: Estimate
    kurtosis: float
    models: dict[str, Fit]
    variance: VarianceMoments | None


@dataclass(frozen=True)
class OrderMeasures:
    """What trades say of marketable orders.

    Attributes:
        orders: The orders.
        sizes: How large they are.
        signs: How their signs are remembered.
        hawkes: Fits of Hawkes processes with one and with two kernels.
        fits: How good these fits are.
    """

    orders: MarketableOrders
    sizes: Sizes
    signs: SignMemory
    hawkes: tuple[Fit, ...]
    fits: tuple[Residuals, ...]


@dataclass(frozen=True)
class Measurement:
    """All that was measured; None is what the files do not tell."""

    files: MarketFiles
    price: PriceMeasures | None
    orders: OrderMeasures | None
    touch: Touch | None
    book: BookFlow | None
    response: Array | None


def measure(files: MarketFiles, progress: Callable[[str], None] | None = None) -> Measurement:
    """Measure what files tell. Prices count before the mid of a stream, the mid before its trades.

    Args:
        files: What was read.
        progress: Called with the name of each group before it is measured.

    Raises:
        DataError: There is too little to measure anything.
    """
    tell = progress or (lambda _: None)
    stream = files.stream
    has_quotes = stream is not None and len(stream.tickers) > 1
    series = files.prices
    if series is None and stream is not None:
        series = mids_of(stream) if has_quotes else _trade_prices(stream)
    price = orders = touch = book = response = None
    if series is not None:
        tell("prices")
        price = measure_price(series)
    if stream is not None and len(stream.trades):
        tell("marketable orders")
        orders = measure_orders(stream)
    if stream is not None and has_quotes:
        tell("quotes")
        touch = measure_touch(stream)
        response = responses(stream, orders.orders) if orders else None
    if stream is not None and len(stream.depth) and len(stream.snapshots):
        tell("the book")
        book = measure_book(stream)
    return Measurement(files, price, orders, touch, book, response)


def measure_price(series: PriceSeries) -> PriceMeasures:
    """Measure prices."""
    returns = returns_of(series)
    models: dict[str, Fit] = {}
    volatility = annual_volatility(returns)
    if volatility.value > 0.0 and len(returns.values) >= FEWEST_FOR_MODELS:
        models = {
            "gbm": fit_brownian(returns),
            "merton": fit_merton(returns),
            "two volatilities": fit_two_volatilities(returns),
        }
    kurtosis = excess_kurtosis(returns.values) if volatility.value > 0.0 else 0.0
    return PriceMeasures(series, returns, volatility, kurtosis, models, variance_moments(returns))


def measure_orders(stream: ExchangeStream) -> OrderMeasures:
    """Measure marketable orders."""
    orders = marketable_orders(stream)
    hawkes: list[Fit] = []
    if len(orders.times) >= FEWEST_ORDERS:
        hawkes = [fit_hawkes(orders.times, float(orders.times[-1]), kernels) for kernels in (1, 2)]
    fits = tuple(residuals(orders.times, fit) for fit in hawkes)
    return OrderMeasures(
        orders, measure_sizes(orders), measure_signs(orders.signs), tuple(hawkes), fits
    )


def figures(measurement: Measurement) -> list[Figure]:
    """Return what was measured as a list."""
    found: list[Figure] = []
    if measurement.price:
        found += _price_figures(measurement.price)
    if measurement.orders:
        found += _order_figures(measurement.orders)
    if measurement.touch:
        found += _touch_figures(measurement.touch)
    if measurement.book:
        found += _book_figures(measurement.book)
    if measurement.response is not None:
        found += [
            Figure(
                f"response_{wait:g}s",
                f"move of the mid {wait:g} s after an order",
                Estimate(float(value)),
                "bp",
                "answer to orders",
            )
            for wait, value in zip(RESPONSE_TIMES, measurement.response, strict=True)
        ]
    return [each for each in found if math.isfinite(each.estimate.value)]


def _price_figures(price: PriceMeasures) -> Iterator[Figure]:
    step = price.series.step_ns / 1e9
    group = f"price, returns over {step:g} s"
    plain = (
        ("returns", "returns", Estimate(len(price.returns.values)), ""),
        ("gaps", "  left out: over another time", Estimate(price.returns.left_out), ""),
        ("volatility", "annual volatility", price.volatility, ""),
        ("excess_kurtosis", "excess kurtosis", Estimate(price.kurtosis), ""),
    )
    for key, label, estimate, unit in plain:
        yield Figure(key, label, estimate, unit, group)
    units = {"jump_rate": "a year", "low_duration": "s", "high_duration": "s"}
    for name, fit in price.models.items():
        yield Figure(f"{name}.aic", f"{name}: AIC", Estimate(fit.aic), "", group)
        for key, estimate in fit.parameters.items():
            label = f"  {key.replace('_', ' ')}"
            yield Figure(f"{name}.{key}", label, estimate, units.get(key, ""), group)
    if price.variance:
        for key, estimate in vars(price.variance).items():
            if estimate is not None:
                label = f"heston, by moments: {key.replace('_', ' ')}"
                unit = "a year" if key == "reversion" else ""
                yield Figure(f"heston.{key}", label, estimate, unit, group)


def _order_figures(measures: OrderMeasures) -> Iterator[Figure]:
    group = "marketable orders"
    orders, sizes, signs = measures.orders, measures.sizes, measures.signs
    plain = (
        ("orders", "orders", Estimate(len(orders.times)), ""),
        ("trade_rate", "trades", Estimate(orders.trades / orders.duration), "a second"),
        ("order_rate", "rate", orders.rate, "a second"),
        ("market_size.median", "size: median", sizes.median, "units"),
        ("market_size.mean", "  mean", sizes.mean, "units"),
        ("market_size.q90", "  90 %", Estimate(sizes.quantiles[0]), "units"),
        ("market_size.q99", "  99 %", Estimate(sizes.quantiles[1]), "units"),
        ("market_size.q999", "  99.9 %", Estimate(sizes.quantiles[2]), "units"),
        ("market_size.log_sigma", "  standard deviation of the logarithm", sizes.log_sigma, ""),
        ("market_size.sigma", "  lognormal sigma of this median and mean", sizes.sigma, ""),
        ("market_size.tail", "  tail exponent of the largest 5 %", sizes.tail, ""),
    )
    for key, label, estimate, unit in plain:
        yield Figure(key, label, estimate, unit, group)
    for lag in _SHOWN_LAGS:
        if lag <= len(signs.autocorrelation):
            value = Estimate(float(signs.autocorrelation[lag - 1]), signs.error)
            label = f"autocorrelation of signs at {lag}"
            yield Figure(f"signs.autocorrelation_{lag}", label, value, "", group)
    if signs.split_probability and signs.split_exponent:
        label = "runs: chance that an order starts one"
        yield Figure("split_probability", label, signs.split_probability, "", group)
        label = "  Pareto exponent of their length"
        yield Figure("split_exponent", label, signs.split_exponent, "", group)
    for count, (fit, quality) in enumerate(zip(measures.hawkes, measures.fits, strict=True), 1):
        yield from _hawkes_figures(f"hawkes{count}", count, fit, quality)


def _hawkes_figures(key: str, kernels: int, fit: Fit, quality: Residuals) -> Iterator[Figure]:
    group = f"Hawkes process, {kernels} kernel{'s' if kernels > 1 else ''}"
    for name, estimate in fit.parameters.items():
        unit = "a second" if name.endswith(("rate", "decay")) else ""
        yield Figure(f"{key}.{name}", name.replace("_", " "), estimate, unit, group)
    plain = (
        ("aic", "AIC", fit.aic),
        ("ks_distance", "residuals: distance from exponential", quality.distance),
        ("ks_p_value", "  chance of a larger one", quality.p_value),
        ("dispersion", "  variance (1 if it fitted)", quality.dispersion),
        ("residual_autocorrelation", "  autocorrelation (0)", quality.autocorrelation),
    )
    for name, label, value in plain:
        yield Figure(f"{key}.{name}", label, Estimate(value), "", group)


def _touch_figures(touch: Touch) -> Iterator[Figure]:
    plain = (
        ("spread_ticks", "mean spread", touch.spread_ticks, "ticks"),
        ("tight", "share of the time at one tick", touch.tight, ""),
        ("touch_size.bid", "median size of the best bid", touch.size[0], "units"),
        ("touch_size.ask", "median size of the best ask", touch.size[1], "units"),
    )
    for key, label, value, unit in plain:
        yield Figure(key, label, Estimate(value), unit, "best quotes, by time")


def _book_figures(book: BookFlow) -> Iterator[Figure]:
    plain = (
        ("updates", "changes of levels", book.updates),
        ("increases", "  limit orders, at least", book.increases),
        ("cancels", "  cancels, at least", book.cancels),
        ("takes", "  trades", book.takes),
    )
    for key, label, value in plain:
        yield Figure(key, label, Estimate(value), "a second", "book")
    for row, side in enumerate(("bids", "asks")):
        for column, point in enumerate(DEPTH_POINTS):
            value = Estimate(float(book.depth[row, column]))
            label = f"{side} within {point} bp of the mid"
            yield Figure(f"depth.{side}_{point}bp", label, value, "units", "book")


def _trade_prices(stream: ExchangeStream) -> PriceSeries | None:
    """Return the last traded price of every second; it bounces between bid and ask."""
    if len(stream.trades) < 2:
        return None
    times = np.maximum.accumulate(stream.trades["receive_ns"])
    grid = np.arange(times[0], times[-1] + 1, 1_000_000_000)
    rows = np.searchsorted(times, grid, side="right") - 1
    if len(grid) < 2:
        raise DataError(f"{stream.file}: lasts less than a second: too little to measure")
    prices = stream.trades["price_ticks"][rows] * float(stream.tick)
    return PriceSeries(grid, prices, 1_000_000_000)
