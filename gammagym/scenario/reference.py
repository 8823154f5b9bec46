"""References of scenarios: a name or a path, and perhaps a venue and what an account is like there.

`calm@binance` is the scenario calm played at the venue binance. A colon begins terms of the
competitor's account: `calm@binance:discounts=all,fee_credit=100`. A path that has an "@" in it and
exists is a path.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gammagym import content
from gammagym.errors import ScenarioError, nearest
from gammagym.scenario.schema import ALL_DISCOUNTS, AccountTerms

# A colon begins terms only where `key=` follows: paths may contain colons too.
_TERMS = re.compile(r":(?=[A-Za-z_]\w*=)")
_BETWEEN = "+"


@dataclass(frozen=True)
class Reference:
    """A reference of a scenario, taken apart.

    Attributes:
        scenario: name or path.
        venue: name or path of the venue it is played at; empty: the scenario's own.
        terms: values of the scenario's table `account`.
    """

    scenario: str
    venue: str = ""
    terms: dict[str, Any] = field(default_factory=dict[str, Any])

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
    return f"discounts {_BETWEEN.join(value)}" if value else "no discounts"


def parse_scenario(given: str) -> Reference:
    """Take a reference apart.

    Args:
        given: such as "calm", "./mine.toml", "calm@binance", "calm@./venue.toml:leverage=5".

    Raises:
        ScenarioError: the terms are malformed.

    >>> parse_scenario("calm@bybit")
    Reference(scenario='calm', venue='bybit', terms={})
    """
    if "@" not in given or _is_file(given):
        return Reference(given)
    scenario, _, rest = given.rpartition("@")
    venue, *texts = _TERMS.split(rest, maxsplit=1)
    if not (scenario and venue):
        raise ScenarioError(f"scenario {given!r}: expected SCENARIO@VENUE, such as calm@binance")
    return Reference(scenario, venue, _terms(given, texts[0]) if texts else {})


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
        return () if text == "none" else tuple(text.split(_BETWEEN))
    if key == "leverage":
        try:
            return float(text)
        except ValueError:
            return text
    return text
