"""What is there to see of a market: tables, and whose account is which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from gammagym.api.positions import positions_table
from gammagym.api.tables import (
    account_table,
    book_table,
    fills_table,
    instrument_table,
    liquidation_table,
    orders_table,
)
from gammagym.errors import OrderError, nearest
from gammagym.world.codes import NO_ACCOUNT, REJECT_REASONS

if TYPE_CHECKING:
    import pandas as pd

# A competitor's accounts, as they are called here.
ACCOUNTS = ("hedge", "book")


class Views:
    """A market as it can be looked at.

    Attributes:
        agents: names of the competitors.
    """

    agents: tuple[str, ...]
    _names: tuple[str, ...]
    _worlds: NDArray[Any]

    @property
    def world(self) -> Any:
        """The world record itself: every table, by name."""
        return self._worlds[0]

    @property
    def time(self) -> float:
        """Seconds since the start."""
        return int(self.world["time_ns"]) * 1e-9

    def book(self, instrument: str, levels: int = 10) -> pd.DataFrame:
        """Return the best levels of both sides: side, price, quantity; asks first."""
        return book_table(self.world, self._instrument(instrument), levels)

    def account(self, agent: str, at: str = "hedge") -> pd.Series:
        """Return cash, coins, equity, margin, fees, funding and positions of a competitor.

        Args:
            agent: whose account.
            at: with two venues, the account at the one of the "hedge" or of the "book".
        """
        account = self._account_at(self._agent(agent), at)
        return account_table(self.world, account, self._names)

    def fills(self, agent: str) -> pd.DataFrame:
        """Return the competitor's latest trades; the log holds the last 64 of all of them."""
        return fills_table(self.world, self._holders(self._agent(agent)), self._names)

    def positions(self, agent: str) -> pd.DataFrame:
        """Return the competitor's positions, with entry, profit and liquidation price.

        In hedge mode a long and a short of the same instrument are two lines.

        Columns: instrument, quantity, entry_price, mark_price, unrealised and isolated_margin (in
        the contract's currency), maintenance_margin (quote currency), liquidation_price,
        bankruptcy_price, deleveraging_rank (1 goes first). NaN: there is none.
        """
        return positions_table(self.world, self._holders(self._agent(agent)), self._names)

    def orders(self, agent: str) -> pd.DataFrame:
        """Return the competitor's orders that rest or wait for a trigger, at the venue, now.

        Columns: order_id, instrument, side, position (in hedge mode: long or short), type, tif,
        price, trigger_price, trigger_by, quantity (open, what is hidden included), displayed,
        queue_ahead (displayed quantity that trades before it at its price) and expires (s since the
        start). Orders on their way are not there.
        """
        return orders_table(self.world, self._holders(self._agent(agent)), self._names)

    def rejects(self, agent: str) -> pd.Series:
        """Return how many of the competitor's orders the venue refused or ended, by reason."""
        import pandas as pd

        counts = self.world["agents"]["rejects"][self._agent(agent)]
        found = {reason: int(count) for reason, count in zip(REJECT_REASONS, counts, strict=True)}
        return pd.Series({reason: count for reason, count in found.items() if count}, dtype=int)

    def liquidation_map(self) -> pd.DataFrame:
        """Return where the leveraged crowd would be liquidated, from the highest price down.

        Columns: instrument, quantity (signed; units, of inverse contracts in contracts),
        leverage, entry_price, liquidation_price, bankruptcy_price and called (whether it is being
        liquidated now). No line: there is no such crowd, or nobody of it is left. Venues do not
        publish this; what traders look at are estimates.
        """
        return liquidation_table(self.world, self._names)

    def instruments(self) -> pd.DataFrame:
        """Return the terms, marks and Greeks of what is listed."""
        return instrument_table(self.world, self._names)

    # --- Names -------------------------------------------------------------------------------

    def _accounts(self, row: int) -> tuple[int, ...]:
        """Return a competitor's accounts: one, or with two venues the hedge's and the book's."""
        agent = self.world["agents"][row]
        both = (int(agent["hedge_account"]), int(agent["book_account"]))
        return both[:1] if both[0] == both[1] else both

    def _one_of_each_account(self, agent: str) -> list[str]:
        """Return the name of one instrument for each of a competitor's accounts."""
        count = len(self._accounts(self._agent(agent)))
        venues = self.world["instruments"]["venue"][: len(self._names)].tolist()
        return [self._names[venues.index(venue)] for venue in range(count)]

    def _account_for(self, row: int, column: int) -> int:
        """Return a competitor's account at the venue of an instrument."""
        accounts = self._accounts(row)
        return accounts[int(self.world["instruments"]["venue"][column]) % len(accounts)]

    def _holders(self, row: int) -> tuple[int, ...]:
        """Return a competitor's accounts, and in hedge mode the one that holds its short legs."""
        accounts = self._accounts(row)
        shorts = int(self.world["accounts"]["partner"][accounts[0]])
        return accounts if shorts == NO_ACCOUNT else (accounts[0], shorts, *accounts[1:])

    def _account_at(self, row: int, at: str) -> int:
        accounts = self._accounts(row)
        names = ACCOUNTS[: len(accounts)]
        if at not in names:
            raise OrderError(f"there is no account at {at!r} here: it is {' or '.join(names)}")
        return accounts[names.index(at)]

    def _agent(self, name: str) -> int:
        if name not in self.agents:
            raise OrderError(f"unknown agent {name!r}: {nearest(name, list(self.agents))}")
        return self.agents.index(name)

    def _instrument(self, name: str) -> int:
        if name not in self._names:
            raise OrderError(f"unknown instrument {name!r}: {nearest(name, list(self._names))}")
        return self._names.index(name)
