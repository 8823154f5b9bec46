"""References of scenarios: names or paths, and perhaps a venue and what an account is like there.

`calm@binance` is the scenario calm played at the venue binance. A colon begins terms of the
competitor's account: `calm@binance:discounts=all,fee_credit=100`. `calm + exchange_outage` is calm
with what the file of exchange_outage says laid over it; a venue may follow at the end. A path that
has an "@" or a "+" in it and exists is a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gammagym import content
from gammagym.errors import ScenarioError, nearest
from gammagym.scenario.schema import ALL_DISCOUNTS, AccountTerms

# Between the scenarios of a combination, and in the terms between discounts.
PLUS = "+"
# A colon begins terms only where `key=` follows: paths may contain colons too.
_TERMS = re.compile(r":(?=[A-Za-z_]\w*=)")


@dataclass(frozen=True)
class Reference:
    """A reference of a scenario, taken apart.

    Attributes:
        scenarios: names or paths; each is laid over those before it.
        venue: name or path of the venue it is played at; empty: the scenario's own.
        terms: values of the scenario's table `account`.
    """

    scenarios: tuple[str, ...]
    venue: str = ""
    terms: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def title(self) -> str:
        """The scenarios as people read them, without folders.

        >>> parse_scenario("calm+./mine.toml@binance").title
        'calm + mine'
        """
        return f" {PLUS} ".join(Path(scenario).stem for scenario in self.scenarios)

    @property
    def told_terms(self) -> str:
        """The terms as people read them.

        >>> parse_scenario("calm@binance:discounts=all,fee_credit=100").told_terms
        'discounts, fee credit 100'
        """
        return ", ".join(_told(key, value) for key, value in self.terms.items())


def _told(key: str, value: Any) -> str:
    if key != "discounts":
        return f"{key.replace('_', ' ')} {value}"
    if value == ALL_DISCOUNTS:
        return "discounts"
    return f"discounts {PLUS.join(value)}" if value else "no discounts"


def parse_scenario(given: str) -> Reference:
    """Take a reference apart.

    Args:
        given: such as "calm", "./mine.toml", "calm + flash_crash", "calm@binance",
            "calm@./venue.toml:leverage=5".

    Raises:
        ScenarioError: there is nothing where a scenario or a venue should be, or the terms are
            malformed.

    >>> parse_scenario("calm + flash_crash@bybit")
    Reference(scenarios=('calm', 'flash_crash'), venue='bybit', terms={})
    """
    parts = _split(given)
    if not any("@" in part and not _is_file(part) for part in parts):
        return Reference(_checked(given, parts))
    before, _, rest = given.rpartition("@")
    venue, *texts = _TERMS.split(rest, maxsplit=1)
    if not (before.strip() and venue.strip()):
        raise ScenarioError(f"scenario {given!r}: expected SCENARIO@VENUE, such as calm@binance")
    if PLUS in venue and not content.is_path("venues", venue):
        raise ScenarioError(
            f"scenario {given!r}: the venue stands at the end, such as calm + flash_crash@binance"
        )
    terms = _terms(given, texts[0]) if texts else {}
    return Reference(_checked(given, _split(before)), venue.strip(), terms)


def _split(text: str) -> tuple[str, ...]:
    """Split at each plus that is not part of the path of a file that exists."""
    pieces = text.split(PLUS)
    found: list[str] = []
    first = 0
    while first < len(pieces):
        after = len(pieces)
        while after > first + 1 and not _is_file(PLUS.join(pieces[first:after]).strip()):
            after -= 1
        found.append(PLUS.join(pieces[first:after]).strip())
        first = after
    return tuple(found)


def _checked(given: str, scenarios: tuple[str, ...]) -> tuple[str, ...]:
    if len(scenarios) > 1 and not all(scenarios):
        raise ScenarioError(
            f"scenario {given!r}: expected scenarios with a plus between each two, such as "
            "calm + flash_crash"
        )
    return scenarios


def _is_file(given: str) -> bool:
    try:
        return content.is_path("scenarios", given) and Path(given).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _terms(given: str, text: str) -> dict[str, Any]:
    known = list(AccountTerms.model_fields)
    terms: dict[str, Any] = {}
    for part in text.split(","):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not (equals and value) or key in terms:
            raise ScenarioError(
                f"scenario {given!r}: {part!r}: expected key=value, each key once, "
                "such as discounts=all,fee_credit=100"
            )
        if key not in known:
            raise ScenarioError(f"scenario {given!r}: unknown term {key!r}: {nearest(key, known)}")
        terms[key] = _value(key, value)
    return terms


def _value(key: str, text: str) -> Any:
    """Return a term as a scenario file has it; what it may be is for the schema to say."""
    if key == "discounts":
        return () if text == "none" else tuple(text.split(PLUS))
    if key == "leverage":
        try:
            return float(text)
        except ValueError:
            return text
    return text
