"""The subject ``data`` of ``validate``: rebuilt books against the quotes of their streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import typer

from gammagym.cli.common import note, print_json, print_table
from gammagym.errors import GammagymError

_LABELS = {
    "updates": "depth updates",
    "updates_applied": "  taken into the book",
    "updates_old": "  contained in a snapshot",
    "updates_unused": "  without a snapshot that fits",
    "gaps": "gaps between updates",
    "gaps_open": "  never mended by a snapshot",
    "states": "states of the book",
    "states_equal": "  equal to the newest quote",
    "states_different": "  different: UNEXPLAINED",
    "states_beyond_snapshot": "  quote is better, beyond the end of the snapshot",
    "states_before_quotes": "  before the first quote",
    "quotes": "best quotes",
    "quotes_both_sides": "  compared: bid and ask",
    "quotes_one_side": "  compared: one side; the other changed again in one update",
    "quotes_inside_update": "  both sides changed again in one update",
    "quotes_beyond_snapshot": "  better than the book, beyond the end of the snapshot",
    "quotes_before_snapshot": "  before the first snapshot",
    "quotes_after_gap": "  after a gap",
    "quotes_after_last_update": "  after the last update",
    "sides_equal": "bids and asks compared: equal",
    "sides_other_size": "  other size: UNEXPLAINED",
    "sides_other_price": "  other price: UNEXPLAINED",
    "trades": "trades",
    "trades_at_level": "  at a level of the maker that changed",
    "trades_other_side": "  at a level of the taker only",
    "trades_no_level": "  at no level that changed",
    "trades_after_last_update": "  after the last update",
}


def validate_data(paths: Sequence[str], as_json: bool) -> None:
    """Check files and print the counts; exit code 1 if anything is unexplained.

    Raises:
        GammagymError: no files are given, or one cannot be read.
    """
    from gammagym.data.stream_check import check_stream

    if not paths:
        raise GammagymError(
            "validate data needs recorded streams: gammagym validate data FILE..., "
            "such as binance_usdm_btcusdt_20240808.gz"
        )
    checks = []
    for path in paths:
        note(f"{path} ...")
        checks.append(check_stream(path))
    if as_json:
        derived = ("unexplained", "passed")
        names = [field.name for field in fields(checks[0])]
        print_json([{name: getattr(each, name) for name in (*names, *derived)} for each in checks])
    else:
        rows = [
            [label, *(f"{getattr(each, name):,}" for each in checks)]
            for name, label in _LABELS.items()
        ]
        rows.append(["agrees", *("yes" if each.passed else "NO" for each in checks)])
        print_table(["", *(each.file.name for each in checks)], rows)
    if not all(each.passed for each in checks):
        raise typer.Exit(1)
