"""What an exchange keeps: contracts and their terms, venues and their rules, accounts.

`gammagym.reference.exchange` tells the whole story.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from gammagym.world.codes import (
    CALL,
    COIN,
    FEES_DERIVATIVE,
    FUNDING_IMPOSED,
    MARGIN_CROSS,
    NO_ACCOUNT,
    PUT,
    QUOTE,
)

PAID_AT_ONCE = (CALL, PUT)
CURRENCIES = (QUOTE, COIN)
ZERO = Fraction(0)


@dataclass
class Tier:
    """Margins of positions up to a size: the larger the position, the more is asked.

    Attributes:
        top: largest notional of the tier (quanta of the contract's currency).
        initial: share of the notional that a position needs to be opened.
        maintenance: share below which it is closed.
        amount: what is taken off the maintenance margin, so that it does not jump between tiers.
    """

    top: int
    initial: Fraction
    maintenance: Fraction
    amount: int = 0


@dataclass
class Contract:
    """The terms of one instrument, its marks, and what models say about it.

    Attributes:
        kind: SPOT, PERPETUAL, FUTURE, CALL or PUT.
        tick_quanta: what one tick of one lot is worth; of an inverse contract: what one lot is
            worth at a price of one tick (quanta).
        inverse: whether its value is in coins and falls with the price.
        currency: what it is settled in, QUOTE or COIN.
        lot_coin_quanta: spot, options: coins in one lot (quanta).
        venue: number of the venue that lists it.
        tiers: margin tiers, rising; without tiers no margin is asked.
        fee_class: FEES_DERIVATIVE, FEES_SPOT or FEES_OPTION.
        fee_cap: option: largest fee, as a share of its price; 0 without a cap.
        funding: how a perpetual's funding is found: FUNDING_IMPOSED, FUNDING_PREMIUM or
            FUNDING_CONTINUOUS.
        funding_paid: continuous funding: what one long lot has paid since the beginning (quanta).
        mark: value of one lot at the mark, that margins look at (quanta).
        fair: the same at the fair price, that profit and loss are counted at.
        settled: whether it has expired and been paid out.
        price: mark price, as a number.
        tick_size: price of one tick.
        units: units of the underlying in one lot.
        face: inverse: value of one lot (quote currency).
        delivery_fee: fee at expiry, as a share of the underlying.
        delivery_fee_cap: option: largest of it, as a share of the payoff.
        margin_slope: what every unit of a position adds to its margin rates.
        band: how far orders may be from the mark, as a share; 0: anywhere.
        strike: option: strike price.
        option_value: option: value of one unit (quote currency).
        short_margins: option: initial, least initial and maintenance margin of a short one, as
            shares of the underlying.
        implied_volatility: option: annual volatility of its mark.
        years: option: time to expiry.
    """

    kind: int
    tick_quanta: int
    inverse: bool = False
    currency: int = QUOTE
    lot_coin_quanta: int = 0
    venue: int = 0
    tiers: list[Tier] = field(default_factory=list[Tier])
    fee_class: int = FEES_DERIVATIVE
    fee_cap: Fraction = ZERO
    funding: int = FUNDING_IMPOSED
    funding_paid: Fraction = ZERO
    mark: Fraction = ZERO
    fair: Fraction = ZERO
    settled: bool = False
    price: float = 0.0
    tick_size: float = 1.0
    units: float = 1.0
    face: float = 0.0
    delivery_fee: Fraction = ZERO
    delivery_fee_cap: Fraction = ZERO
    margin_slope: Fraction = ZERO
    band: float = 0.0
    strike: float = 0.0
    option_value: float = 0.0
    short_margins: tuple[float, float, float] = (0.0, 0.0, 0.0)
    implied_volatility: float = 0.0
    years: float = 0.0

    @property
    def is_option(self) -> bool:
        """Whether it is a call or a put."""
        return self.kind in PAID_AT_ONCE

    def traded_value(self, price_ticks: int, lots: int) -> int:
        """Return the value that buying some lots at a price adds to a position (quanta).

        Linear: n x F x P. Inverse: - n x F / P coins. A long position of an inverse contract gains
        n x F x (1 / E - 1 / P): that is its value at P less its value at entry E, if the value is
        taken *negative*. So both kinds share every rule below. Source: Deribit, inverse futures.
        """
        if self.inverse:
            return -(lots * self.tick_quanta // price_ticks)
        return lots * price_ticks * self.tick_quanta

    def value(self, lot_value: Fraction, lots: int) -> int:
        """Return the value of a position, whose lots are worth `lot_value` each (quanta)."""
        return -math.floor(lots * lot_value) if self.inverse else math.floor(lots * lot_value)

    def notional(self, lots: int) -> int:
        """Return the absolute value of a position at the mark (quanta)."""
        return abs(self.value(self.mark, lots))


class Scenario(NamedTuple):
    """One scenario of a portfolio margin: two moves, and how much of the loss counts."""

    move: float  # of the price, relative
    volatility: float  # of volatility, relative, at 30 days to expiry
    share: float  # of the loss that counts
    dampener: float  # taken off what counts (quote currency)


@dataclass
class Venue:
    """The rules of one exchange that are not a contract's.

    Attributes:
        collateral: by currency, which share of it counts as margin (a *haircut* is the rest).
        ladder: rows (30-day volume, maker's fee, taker's fee), rising; empty: one fee for all.
        steps: what a liquidation does, in order.
        interval: time between two steps (ns).
        slice: share of a position that one slice closes.
        liquidation_fee: share of what is liquidated in the book, for the insurance fund.
        counts_closing_fee: whether the fee to close counts as maintenance margin.
        backstop: who pays when the insurance fund is empty.
        rank: order of deleveraging.
        fee_account: account that collects its fees.
        insurance_account: account of its insurance fund.
        halted: whether it is closed.
        transfers_halted: whether nothing can be withdrawn.
        transfer_time: how long a transfer takes (ns).
        scenarios: portfolio margin: what it looks at.
        portfolio: the other numbers of a portfolio margin, as the venue's record has them.
    """

    collateral: tuple[Fraction, Fraction] = (Fraction(1), ZERO)
    ladder: list[tuple[int, Fraction, Fraction]] = field(
        default_factory=list[tuple[int, Fraction, Fraction]]
    )
    steps: tuple[int, ...] = ()
    interval: int = 0
    slice: Fraction = ZERO
    liquidation_fee: Fraction = ZERO
    counts_closing_fee: bool = False
    backstop: int = 0
    rank: int = 0
    fee_account: int = 2
    insurance_account: int = 3
    halted: bool = False
    transfers_halted: bool = False
    transfer_time: int = 0
    scenarios: list[Scenario] = field(default_factory=list[Scenario])
    portfolio: dict[str, float] = field(default_factory=dict[str, float])


@dataclass
class Position:
    """What an account holds of one derivative.

    Attributes:
        quantity: signed lots.
        entry: signed value at which they were entered (quanta).
        margin: isolated: what is set aside for it (quanta).
        funding_paid: continuous funding: up to which it has paid, as `Contract.funding_paid`.
        initial: initial margin that its owner chose, 1 / leverage; 0: as the tier has it.
    """

    quantity: int = 0
    entry: int = 0
    margin: int = 0
    funding_paid: Fraction = ZERO
    initial: Fraction = ZERO


@dataclass
class Account:
    """One account: cash by currency, positions by contract, terms, and totals that are reported.

    Attributes:
        cash: quanta of QUOTE and of COIN.
        positions: by number of the contract.
        venue: number of the venue it is at.
        competitor: the competitor it belongs to, or NO_ACCOUNT.
        maker_fee: by class of fees, the rate when its order rested; negative: a rebate.
        taker_fee: by class of fees, the rate when its order took.
        discount: share that is taken off its fees.
        volume: 30-day volume that it came with (quanta).
        bonus: what counts as margin, but cannot be withdrawn (quanta).
        credit: what pays its fees, until it is used up (quanta).
        margined: whether margin is asked of it.
        mode: MARGIN_CROSS, MARGIN_ISOLATED or MARGIN_PORTFOLIO.
        partner: in hedge mode, the account of its other legs, or NO_ACCOUNT.
        short_legs: whether it is the one of the two that holds short positions, and no money.
        liquidating: whether the liquidation engine has it, at step `step`, due at `next_step`.
    """

    cash: list[int] = field(default_factory=lambda: [0, 0])
    positions: dict[int, Position] = field(default_factory=dict[int, Position])
    venue: int = 0
    competitor: int = NO_ACCOUNT
    maker_fee: dict[int, Fraction] = field(default_factory=dict[int, Fraction])
    taker_fee: dict[int, Fraction] = field(default_factory=dict[int, Fraction])
    discount: Fraction = ZERO
    volume: int = 0
    bonus: int = 0
    credit: int = 0
    margined: bool = False
    mode: int = MARGIN_CROSS
    partner: int = NO_ACCOUNT
    short_legs: bool = False
    liquidating: bool = False
    step: int = 0
    next_step: int = 0
    fees: int = 0
    funding: int = 0
    covered: int = 0
    socialised: int = 0
    traded: int = 0
    liquidations: int = 0
    deleveragings: int = 0

    def position(self, contract: int) -> Position:
        """Return the position in a contract, an empty one if there was none."""
        return self.positions.setdefault(contract, Position())


@dataclass
class Transfer:
    """Money on its way to an account."""

    arrival: int
    target: int
    currency: int
    amount: int
