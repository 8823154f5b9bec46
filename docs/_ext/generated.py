"""Tables of the documentation that are made from the code, so that they cannot drift from it.

A page asks for one with a line such as `<!-- generated: world -->`; the line is replaced before the
page is read. A name that is not known stops the build.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import textwrap
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from markup import percent, table
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from venue_matrix import venue_matrix

from gammagym import content, world
from gammagym.agent import OBSERVATION_FIELDS
from gammagym.evaluation.history.results import COLUMNS
from gammagym.quantities import format_duration, format_percent
from gammagym.scenario import markets, options, order_flow, prices, schema, sentiment
from gammagym.scenario.crowd import LeverageShare
from gammagym.scenario.load import list_scenarios, list_venues, load_flow, load_venue
from gammagym.scenario.tasks import TASKS, Hedge, Leg, Task
from gammagym.venues import calendar as venue_calendar
from gammagym.venues import dates as venue_dates
from gammagym.venues import fees as venue_fees
from gammagym.venues import liquidation as venue_liquidation
from gammagym.venues import listings as venue_listings
from gammagym.venues import margins as venue_margins
from gammagym.venues import marks as venue_marks
from gammagym.venues import portfolio as venue_portfolio
from gammagym.venues import schema as venue_schema
from gammagym.world import codes
from gammagym.world.layout import World

_MARK = re.compile(r"^<!-- generated: ([a-z_]+) -->$", re.MULTILINE)
_STATIC = Path(__file__).parents[1] / "_static"
_CODES = {
    "i8": "int64",
    "i4": "int32",
    "u8": "uint64",
    "u1": "uint8",
    "f8": "float64",
    "f4": "float32",
}


def _first_line(thing: Any) -> str:
    return (thing.__doc__ or "").strip().splitlines()[0]


# --- The world -------------------------------------------------------------------------------


def world_tables() -> str:
    """Return every table of a world: the world itself, then the others as it names them."""
    done: list[type] = []
    waiting: list[type] = [World]
    while waiting:
        one = waiting.pop(0)
        if one in done:
            continue
        done.append(one)
        inner = [code for code, _, _ in world.fields(one).values() if not isinstance(code, str)]
        waiting += inner
    return "\n\n".join(_world_table(one) for one in done)


def _world_table(one: type) -> str:
    rows = []
    for name, (code, shape, meaning) in world.fields(one).items():
        kind = _CODES[code] if isinstance(code, str) else f"[{code.__name__}](#{_slug(code)})"
        size = " x ".join(str(length) for length in shape)
        rows.append((f"`{name}`", kind, size, meaning))
    head = f"### {one.__name__}\n\n{(one.__doc__ or '').strip()}\n"
    return head + "\n" + table(("field", "type", "shape", "meaning and unit"), rows)


def _slug(one: type) -> str:
    return one.__name__.lower()


def capacities() -> str:
    """Return how many rows the tables of each capacity have."""
    capacities = (world.SMALL, world.STANDARD, world.LARGE)
    names = [field.name for field in dataclasses.fields(world.Capacity)]
    rows = [(name, *(str(getattr(each, name)) for each in capacities)) for name in names]
    worlds = (world.SMALL_WORLD, world.STANDARD_WORLD, world.LARGE_WORLD)
    sizes = ("**bytes of one world**", *(f"{dtype.itemsize:,}" for dtype in worlds))
    return table(("rows of", "small", "standard", "large"), [*rows, sizes])


def enumerations() -> str:
    """Return the names of numbers that fields of a world hold."""
    families = {
        "side": ("BUY", "SELL"),
        "kind of a message": (
            "NEW",
            "CANCEL",
            "MODIFY",
            "CANCEL_ALL",
            "DISCONNECT",
            "ACKNOWLEDGEMENT",
        ),
        "type of an order": (
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_LIMIT",
            "TAKE_PROFIT",
            "TAKE_PROFIT_LIMIT",
            "TRAILING_STOP",
        ),
        "time in force": ("GTC", "IOC", "FOK", "POST_ONLY", "GTT"),
        "price of a trigger": ("ON_LAST", "ON_MARK", "ON_INDEX"),
        "self-trade mode": (
            "UNSET",
            "EXPIRE_TAKER",
            "EXPIRE_MAKER",
            "EXPIRE_BOTH",
            "DECREMENT",
        ),
        "kind of an instrument": ("SPOT", "PERPETUAL", "FUTURE", "CALL", "PUT"),
        "order flow": ("FLOW_NONE", "FLOW_IDEAL", "FLOW_CROWD"),
        "price model": (
            "PRICE_GBM",
            "PRICE_REPLAY",
            "PRICE_MERTON",
            "PRICE_HESTON",
            "PRICE_SVCJ",
            "PRICE_REGIME",
        ),
        "regime of the price": ("REGIME_RANGE", "REGIME_UP", "REGIME_DOWN"),
        "shock": (
            "SHOCK_PRICE",
            "SHOCK_SPREAD",
            "SHOCK_DEPTH",
            "SHOCK_MAKERS",
            "SHOCK_ORDERS",
            "SHOCK_OUTAGE",
            "SHOCK_LATENCY",
            "SHOCK_MAKER_FEE",
            "SHOCK_TAKER_FEE",
            "SHOCK_FUNDING",
            "SHOCK_INDEX",
            "SHOCK_BASIS",
            "SHOCK_COLLATERAL",
            "SHOCK_IMPLIED_VOLATILITY",
            "SHOCK_VOLATILITY",
            "SHOCK_TRANSFERS",
            "SHOCK_DELEVERAGING",
            "SHOCK_LARGE_ORDER",
            "SHOCK_DEFAULT",
        ),
        "outage": ("OUTAGE_MATCHING", "OUTAGE_DATA", "OUTAGE_CANCELS"),
        "latency": ("LATENCY_CONSTANT", "LATENCY_LOGNORMAL", "LATENCY_TABLE"),
        "way of a message": ("WAY_ENTRY", "WAY_CANCEL", "WAY_ACKNOWLEDGEMENT", "WAY_DATA"),
        "mark": ("MARK_INDEX", "MARK_MEDIAN", "MARK_AVERAGE_BASIS"),
        "funding": ("FUNDING_IMPOSED", "FUNDING_PREMIUM", "FUNDING_CONTINUOUS"),
        "margin mode": ("MARGIN_CROSS", "MARGIN_ISOLATED", "MARGIN_PORTFOLIO"),
        "step of a liquidation": (
            "STEP_REDUCE_TO_RESTORE",
            "STEP_REDUCE_TO_LOWER_TIER",
            "STEP_REDUCE_TWO_TIERS",
            "STEP_REDUCE_SLICE",
            "STEP_CLOSE_IN_BOOK",
            "STEP_TAKE_OVER",
        ),
        "backstop": ("BACKSTOP_INSURANCE", "BACKSTOP_DELEVERAGING", "BACKSTOP_SOCIALISED_LOSS"),
        "rank of deleveraging": ("RANK_MARGIN_RATIO", "RANK_LEVERAGE", "RANK_SIGNED_LEVERAGE"),
        "rule that changes": (
            "CHANGE_MAKER_FEE",
            "CHANGE_TAKER_FEE",
            "CHANGE_LIQUIDATION_FEE",
            "CHANGE_FUNDING_INTEREST",
            "CHANGE_FUNDING_CLAMP",
            "CHANGE_FUNDING_CAP",
        ),
        "cause of a fill": ("FILL_ORDERED", "FILL_LIQUIDATION", "FILL_DELEVERAGING"),
        "currency": ("QUOTE", "COIN"),
        "fees of an instrument": ("FEES_DERIVATIVE", "FEES_SPOT", "FEES_OPTION"),
        "the world's own accounts": (
            "CROWD",
            "MAKERS",
            "FEE_INCOME",
            "INSURANCE",
            "ROUNDING",
            "TRANSIT",
        ),
        "nothing there": ("NO_ORDER", "NO_LEVEL", "NO_TERMS", "NO_ACCOUNT", "NO_INSTRUMENT"),
    }
    rows = [
        (family, ", ".join(f"`{name}` {getattr(codes, name)}" for name in names))
        for family, names in families.items()
    ]
    return table(("family", "names and codes"), rows)


def reject_reasons() -> str:
    """Return the reasons for which an order is refused."""
    rows = [(str(code), reason) for code, reason in enumerate(codes.REJECT_REASONS)]
    return table(("code", "reason"), rows)


# --- History ---------------------------------------------------------------------------------


def history() -> str:
    """Return what historical scenarios make of what was recorded: a table for each."""
    found = json.loads((_STATIC / "history.json").read_text(encoding="utf-8"))
    parts: list[str] = []
    for name in dict.fromkeys(each["scenario"] for each in found):
        own = [each for each in found if each["scenario"] == name]
        parts.append(f"### {name}\n\n" + table(COLUMNS, [tuple(each["cells"]) for each in own]))
        misses = [f"- {each['measure']}: {each['miss']}" for each in own if each["miss"]]
        if misses:
            parts.append("Off, and why:\n\n" + "\n".join(misses))
    return "\n\n".join(parts)


# --- The environment -------------------------------------------------------------------------


def observation() -> str:
    """Return the fields of the observation."""
    rows = [
        (str(place), f"`{field.name}`", f"{field.low:g} to {field.high:g}", field.meaning)
        for place, field in enumerate(OBSERVATION_FIELDS)
    ]
    return table(("index", "name", "clipped to", "meaning and scale"), rows)


def _collateral(task: Task) -> str:
    """Return the collateral of a task; left out, it is as large as its venue needs."""
    return "10 % or more" if task.collateral is None else f"{task.collateral * 100:g} %"


def tasks() -> str:
    """Return the tasks: one row each."""
    facts: dict[str, Callable[[Task], str]] = {
        "`gammagym/...`": lambda task: f"`{task.name}-v0`",
        "book (units)": lambda task: "<br>".join(_leg(leg) for leg in task.book) or "none",
        "hedge": _hedges,
        "episode": lambda task: _seconds(task.horizon_seconds),
        "decision every": lambda task: _seconds(task.decision_interval),
        "largest order (units)": lambda task: f"{task.largest_order * task.gross_quantity:g}",
        "collateral of the hedge, of notional": _collateral,
        "order flow": lambda task: task.flow or "the scenario's",
        "venues, of hedge and book": lambda task: ", ".join(
            venue for venue in (task.venue, task.book_venue) if venue
        ),
    }
    rows = [tuple(fact(task) for fact in facts.values()) for task in TASKS.values()]
    return table(tuple(facts), rows)


def _leg(leg: Leg) -> str:
    if leg.kind == "spot":
        return f"{leg.quantity:+g} spot"
    return (
        f"{leg.quantity:+g} {leg.kind}, strike {leg.moneyness * 100:g} %, {leg.expiry_days:g} days"
    )


def _hedges(task: Task) -> str:
    return "<br>".join(
        f"future, {hedge.expiry_days:g} days" if hedge.kind == "future" else hedge.kind
        for hedge in task.hedges or (Hedge(),)
    )


def _seconds(seconds: float) -> str:
    for size, name in ((86_400.0, "days"), (3_600.0, "h"), (1.0, "s")):
        if seconds >= size and seconds % size == 0:
            count = seconds / size
            return f"{count:g} {'day' if name == 'days' and count == 1 else name}"
    return f"{seconds:g} s"


def task_options() -> str:
    """Return the attributes of a task that `gym.make` can change."""
    meanings = dict(
        re.findall(r"^        (\w+): (.+?)(?=^        \w+: |\Z)", Task.__doc__ or "", re.M | re.S)
    )
    rows = [
        (
            f"`{field.name}`",
            "" if field.default is dataclasses.MISSING else f"`{field.default!r}`",
            meanings[field.name].strip().rstrip("."),
        )
        for field in dataclasses.fields(Task)
        if field.name != "name"
    ]
    return table(("option", "default", "meaning"), rows)


def moves() -> str:
    """Return the moves of the action scheme `discrete`."""
    from gammagym.envs.kernels.moves import MOVES

    return table(("action", "move"), [(str(row), move.name) for row, move in enumerate(MOVES)])


# --- Agents ----------------------------------------------------------------------------------


def agents() -> str:
    """Return the agents that ship with gammagym: title and parameters, read from their files."""
    import ast

    rows = []
    for name in content.available("agents"):
        text = content.resolve("agents", name).read_text(encoding="utf-8")
        title = (ast.get_docstring(ast.parse(text)) or "").splitlines()[0]
        rows.append((f"`{name}`", title, "<br>".join(_params(text)) or "none"))
    return table(("name", "idea", "parameters"), rows)


def _params(text: str) -> list[str]:
    found = re.search(r"^class Params:\n(.*?)(?=^\S)", text, re.M | re.S)
    lines = re.findall(r"^    (\w+): \w+ = ([^#\n]+?)  # (.+)$", found[1] if found else "", re.M)
    return [f"`{name}={value.strip()}`: {meaning}" for name, value, meaning in lines]


# --- Scenarios and venues --------------------------------------------------------------------


def scenarios() -> str:
    """Return the scenarios that ship with gammagym."""
    return table(
        ("name", "purpose"), [(f"`{key}`", text) for key, text in list_scenarios().items()]
    )


def venues() -> str:
    """Return the venues that ship with gammagym, and their main figures."""
    rows = []
    for name, purpose in list_venues().items():
        venue = load_venue(name)
        first = (venue.perpetual or venue.future).tiers[0]
        margins = (1 / Decimal(str(first.leverage)), first.maintenance)
        fees = (venue.maker_fee, venue.taker_fee)
        cells = [" / ".join(map(percent, pair)) for pair in (fees, margins)]
        rows.append((f"`{name}`", purpose, *cells, str(venue.as_of)))
    header = ("name", "purpose", "maker / taker fee", "initial / maintenance margin", "as of")
    return table(header, rows)


def scenario_keys() -> str:
    """Return every key of a scenario file, table by table."""
    parts = {
        "Top level": schema.Scenario,
        "`[account]`": schema.AccountTerms,
        "`[price]`": schema.Price,
        "`[options]`": options.Options,
        "`[[options.spreads]]`": options.Spread,
        "`[options.customers]`": options.Customers,
        "`[flow]`": order_flow.Flow,
        "`flow.sentiment`": sentiment.SentimentTerms,
        "`[[markets]]`": markets.MarketSpec,
        "`[crowd]`": schema.CrowdSpec,
        "`[[crowd.leverages]]`": LeverageShare,
        "`[[hedgers]]`": schema.HedgerSpec,
        "`[carry]`": schema.CarryTerms,
        "`[[arbitrageurs]]`": schema.ArbitrageurSpec,
        "`[[shocks]]`": schema.Shock,
    }
    own = set(order_flow.FlowParameters.model_fields)
    result = []
    for title, model in parts.items():
        skip = own if model is order_flow.Flow else set()
        result.append(f"### {title}\n\n{_first_line(model)}\n\n{_keys(model, skip)}")
    return "\n\n".join(result)


def price_presets() -> str:
    """Return the parameters of price processes, with the values of the presets."""
    names = list(prices.PROCESS_PRESETS)
    rows = [
        (
            f"`{key}`",
            *(f"{prices.PROCESS_PRESETS[name].get(key, '')}" for name in names),
        )
        for key in ("volatility", *prices.ProcessParameters.model_fields)
        if any(key in preset for preset in prices.PROCESS_PRESETS.values())
    ]
    return table(("key", *(f"`{model}` {coin}" for model, coin in names)), rows)


def surface_presets() -> str:
    """Return the presets of the volatility surface, without those of its makers."""
    names, presets = list(options.SURFACE_PRESETS), options.SURFACE_PRESETS.values()
    keys = [
        key
        for key in options.Options.model_fields
        if any(isinstance(preset.get(key), int | float) for preset in presets)
    ]
    rows = [
        (f"`{key}`", *(_preset_value(key, options.SURFACE_PRESETS[name]) for name in names))
        for key in keys
    ]
    return table(("key", *(f"`{name}`" for name in names)), rows)


def smile_figure() -> str:
    """Return a drawing of the smiles of the preset for bitcoin, as SVG in the page's own colour."""
    own = options.Options(preset="btc").parameters(0.0)
    rho, eta, gamma = options.ssvi(own)
    lines = []
    for days, dashes in ((7, ""), (30, "6 4"), (180, "2 3")):
        theta = options.term_volatility(own, days / 365) ** 2 * days / 365
        points = []
        for step in range(61):
            strike = 0.7 + 0.01 * step
            bent = eta * theta**-gamma * math.log(strike)
            total = theta / 2 * (1 + rho * bent + math.sqrt((bent + rho) ** 2 + 1 - rho**2))
            height = 260 - 500 * (math.sqrt(total * 365 / days) - 0.4)
            points.append(f"{50 + 800 * (strike - 0.7):.0f},{height:.1f}")
        lines.append(f'<polyline points="{" ".join(points)}" stroke-dasharray="{dashes}"/>')
    axes = [
        f'<text x="{50 + 800 * (strike - 0.7):.0f}" y="285">{strike:.1f}</text>'
        for strike in (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
    ]
    axes += [
        f'<text x="25" y="{265 - 500 * (level - 0.4):.0f}">{level:.0%}</text>'
        for level in (0.4, 0.5, 0.6, 0.7, 0.8)
    ]
    return (
        '<svg viewBox="0 0 580 300" role="img" aria-label="smiles of three expiries">'
        f'<g fill="none" stroke="currentColor" stroke-width="1.5">{"".join(lines)}</g>'
        f'<g fill="currentColor" font-size="12" text-anchor="middle">{"".join(axes)}</g></svg>'
    )


def _preset_value(key: str, preset: dict[str, Any]) -> str:
    value = preset.get(key)
    if value is None:
        return ""
    return f'"{format_duration(value)}"' if key.endswith("half_life") else f"{value:g}"


def flow_keys() -> str:
    """Return the parameters of order flow, with the values of the presets."""
    presets = {name: load_flow(name) for name in content.available("flows")}
    rows = [
        (
            f"`{name}`",
            *(f"{values[name]:g}" for values in presets.values()),
            field.description or "",
        )
        for name, field in order_flow.FlowParameters.model_fields.items()
    ]
    return table(("key", *(f"`{name}`" for name in presets), "meaning"), rows)


def venue_keys() -> str:
    """Return every key of a venue file, table by table."""
    parts = {
        "Top level": venue_schema.Venue,
        "Latencies": venue_schema.Latency,
        "`[orders]`": venue_schema.OrderRules,
        "`[margin]`": venue_margins.MarginRules,
        "`[liquidation]`": venue_liquidation.Liquidation,
        "`[index]`": venue_marks.Index,
        "`[calendar]`": venue_calendar.Calendar,
        "`[portfolio_margin]`": venue_portfolio.PortfolioMargin,
        "`[[fee_tiers]]`": venue_fees.FeeTier,
        "`[spot]`": venue_listings.Listing,
        "`[perpetual]`": venue_listings.PerpetualListing,
        "`[future]`": venue_listings.FutureListing,
        "`tiers` of `[perpetual]` and `[future]`": venue_margins.Tier,
        "`mark` of `[perpetual]` and `[future]`": venue_marks.Mark,
        "`[perpetual.funding]`": venue_marks.Funding,
        "`[option]`": venue_listings.OptionListing,
        "`[[changes]]`": venue_dates.Change,
        "`[[instruments]]`": venue_dates.Listed,
    }
    return "\n\n".join(
        f"### Venue: {title}\n\n{_first_line(model)}\n\n{_keys(model, set())}"
        for title, model in parts.items()
    )


def _keys(model: type[BaseModel], skip: set[str]) -> str:
    shape = model.model_json_schema()["properties"]
    rows = []
    for name, field in model.model_fields.items():
        if name in skip:
            continue
        marks = _marks(field)
        written = _notation(marks) or _type(shape[name])
        allowed = _allowed(marks)
        default = _default(model, name, field)
        rows.append((f"`{name}`", written, allowed, default, field.description or ""))
    return table(("key", "written as", "allowed", "default", "meaning"), rows)


def _marks(field: FieldInfo) -> list[Any]:
    """Return everything that annotates a field, also inside a union."""
    waiting, found = list(get_args(field.annotation)), list(field.metadata)
    while waiting:
        one = waiting.pop()
        found += getattr(one, "__metadata__", ())
        waiting += get_args(one)
    return [
        mark for one in found for mark in (one.metadata if isinstance(one, FieldInfo) else [one])
    ]


_NOTATIONS = {
    "parse_duration": 'duration: `"250ms"`, `"5min"`',
    "parse_decimal": 'decimal in quotes: `"0.1"`',
    "parse_percent": 'percentage: `"-12%"`',
    "parse_rate": 'percentage: `"0.02%"`',
    "parse_span": 'duration or share of the episode: `"90s"`, `"40%"`, `"40%+5min"`',
    "_parse_recovery": 'the same, or `"never"`',
    "_parse_latency": "duration, or a table of [these keys](#venue-latencies)",
}


def _reader(marks: list[Any]) -> str:
    names = [getattr(getattr(mark, "func", None), "__name__", "") for mark in marks]
    return next((name for name in names if name in _NOTATIONS), "")


def _notation(marks: list[Any]) -> str:
    return _NOTATIONS.get(_reader(marks), "")


def _allowed(marks: list[Any]) -> str:
    """Return the bounds of a value in the notation it is written in."""
    reader = _reader(marks)

    def shown(bound: Any) -> str:
        if reader == "parse_duration":
            return format_duration(int(bound))
        if reader in ("parse_rate", "parse_percent"):
            return format_percent(Decimal(str(bound)))
        return f"{bound:g}" if isinstance(bound, float) else str(bound)

    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    found = {
        f"{sign} {shown(getattr(mark, name))}"
        for mark in marks
        for name, sign in signs.items()
        if getattr(mark, name, None) is not None
    }
    return ", ".join(sorted(found, key=lambda text: "><≥≤".index(text[0]) % 2))


def _default(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "the file's name" if name == "name" else "**required**"
    if field.default is None:
        return "left out" if name != "recovery" else '`"never"`'
    if isinstance(field.default, BaseModel):
        return "its own defaults"
    given: dict[str, Any] = {name: field.default}
    one = model.model_construct(**given)
    value = json.loads(one.model_dump_json(include={name}, warnings=False))[name]
    return f"`{json.dumps(value)}`"


_PLAIN = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "list",
    "object": "table",
}


def _type(shape: dict[str, Any]) -> str:
    """Return how a value is written in TOML."""
    if "enum" in shape:
        return " or ".join(f'`"{each}"`' for each in shape["enum"])
    if "anyOf" in shape:
        kinds = [_type(each) for each in shape["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "$ref" in shape:
        return "table"
    if shape.get("format") == "date":
        return "date"
    return _PLAIN.get(shape.get("type", ""), "text")


# --- Results ---------------------------------------------------------------------------------


def parts() -> str:
    """Return the names of the parts that profit is split into."""
    return ", ".join(f"`{part}`" for part in codes.PARTS)


def commands() -> str:
    """Return every command of the command line, from its own help."""
    import typer.main

    from gammagym.cli import app

    group: Any = typer.main.get_command(app)
    return "\n\n".join(_command(name, one) for name, one in group.commands.items())


def _wrapped(line: str) -> str:
    """Return a command on several lines if it is long."""
    return textwrap.fill(line, 78, break_on_hyphens=False, break_long_words=False).replace(
        "\n", " \\\n      "
    )


def _command(name: str, command: Any) -> str:
    rows = []
    for each in command.params:
        given = ", ".join(
            f"`{' '.join(filter(None, (option, each.metavar)))}`" for option in each.opts
        )
        if each.param_type_name == "argument":
            given = f"`{each.name}` (argument)"
        known = each.default not in (None, "") and each.default is not False
        rows.append((given, f"`{each.default}`" if known else "", each.help or ""))
    text = " ".join((command.help or "").split())
    example = _wrapped((command.epilog or "").removeprefix("Example: "))
    body = f"### gammagym {name}\n\n{text}\n\n```console\n$ {example}\n```\n\n"
    return body + table(("option", "default", "meaning"), rows)


GENERATORS: dict[str, Callable[[], str]] = {
    "agents": agents,
    "capacities": capacities,
    "commands": commands,
    "enumerations": enumerations,
    "flow_keys": flow_keys,
    "observation": observation,
    "parts": parts,
    "smile_figure": smile_figure,
    "surface_presets": surface_presets,
    "price_presets": price_presets,
    "reject_reasons": reject_reasons,
    "scenario_keys": scenario_keys,
    "history": history,
    "moves": moves,
    "scenarios": scenarios,
    "task_options": task_options,
    "tasks": tasks,
    "venue_keys": venue_keys,
    "venue_matrix": venue_matrix,
    "venues": venues,
    "world": world_tables,
}


def _replace(app: Sphinx, docname: str, source: list[str]) -> None:
    def generated(match: re.Match[str]) -> str:
        if match[1] not in GENERATORS:
            raise ExtensionError(f"{docname}: nothing generates {match[1]!r}: {sorted(GENERATORS)}")
        return GENERATORS[match[1]]()

    if _MARK.search(source[0]):
        app.env.note_reread()  # the code may have changed where the page did not
        source[0] = _MARK.sub(generated, source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Let Sphinx call the generators."""
    app.connect("source-read", _replace)
    return {"parallel_read_safe": True}
