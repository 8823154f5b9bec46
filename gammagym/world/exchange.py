"""Tables of the exchange: venues, contracts, accounts, positions."""

from __future__ import annotations

from typing import Annotated, Protocol

from gammagym.world.codes import FEE_CLASSES
from gammagym.world.columns import F8, I4, I8, Rows, Vector
from gammagym.world.sizes import BREAKERS, FEE_LADDER, LIQUIDATION_STEPS, MARGIN_SCENARIOS


class FeeTier(Protocol):
    """One step of a fee ladder."""

    volume_quanta: Annotated[int, I8, "30-day volume from which on it holds (quanta)"]
    maker_fee_e9: Annotated[int, I8, "fee on notional when the order rested (1e-9)"]
    taker_fee_e9: Annotated[int, I8, "fee on notional when the order took (1e-9)"]


class MarginScenario(Protocol):
    """One scenario of a portfolio margin."""

    move: Annotated[float, F8, "relative move of the underlying"]
    volatility: Annotated[float, F8, "relative move of volatility, at 30 days to expiry"]
    share: Annotated[float, F8, "share of its loss that counts"]
    dampener: Annotated[float, F8, "taken off what counts (quote currency)"]


class Venue(Protocol):
    """Rules of one exchange that are not an instrument's."""

    liquidation_fee_e9: Annotated[
        int, I8, "share of a liquidated notional paid to insurance (1e-9)"
    ]
    liquidation_slice_e9: Annotated[int, I8, "share of a position that one slice closes (1e-9)"]
    liquidation_interval_ns: Annotated[int, I8, "time between two steps of a liquidation (ns)"]
    collateral_e9: Annotated[
        Vector, I8, ("currencies",), "share of each currency that counts as margin (1e-9)"
    ]
    transfer_ns: Annotated[int, I8, "time a transfer to another venue takes (ns)"]
    outlier: Annotated[float, F8, "how far off the median an index source is dropped (share)"]
    scenario_count: Annotated[int, I8, "scenarios in use"]
    short_power: Annotated[float, F8, "power of 30 / days by which volatility moves, under 30 days"]
    long_power: Annotated[float, F8, "the same for longer expiries"]
    least_shocked_volatility: Annotated[float, F8, "portfolio margin: least volatility, risen"]
    contingency: Annotated[float, F8, "portfolio margin: share of futures added to the worst loss"]
    maintenance_share: Annotated[float, F8, "portfolio margin: maintenance as a share of initial"]
    ladder_count: Annotated[int, I8, "rows of the ladder in use"]
    liquidation_steps: Annotated[Vector, I4, (LIQUIDATION_STEPS,), "STEP_ codes, in order"]
    step_count: Annotated[int, I4, "steps in use"]
    counts_closing_fee: Annotated[int, I4, "1 if the fee to close counts as maintenance margin"]
    backstop: Annotated[int, I4, "BACKSTOP_ code"]
    rank: Annotated[int, I4, "RANK_ code of deleveraging"]
    fee_account: Annotated[int, I4, "account that collects its fees"]
    insurance_account: Annotated[int, I4, "account of its insurance fund"]
    halted: Annotated[int, I4, "1 while matching is suspended: closed, out of order, or failed"]
    transfers_halted: Annotated[int, I4, "1 while nothing can be transferred"]
    data_halted: Annotated[int, I4, "1 while no market data is published"]
    cancels_halted: Annotated[int, I4, "1 while cancels and modifies are refused"]
    ladder: Annotated[Rows[FeeTier], FeeTier, (FEE_LADDER,), "fees by 30-day volume, rising"]
    scenarios: Annotated[
        Rows[MarginScenario], MarginScenario, (MARGIN_SCENARIOS,), "of its portfolio margin"
    ]


class Tier(Protocol):
    """One tier of an instrument's margins: holds up to a notional."""

    top_quanta: Annotated[int, I8, "largest notional of the tier (quanta)"]
    initial_e9: Annotated[int, I8, "least initial margin, share of notional (1e-9)"]
    maintenance_e9: Annotated[int, I8, "maintenance margin, share of notional (1e-9)"]
    amount_quanta: Annotated[int, I8, "what is taken off, so that margin does not jump (quanta)"]


class Funding(Protocol):
    """A perpetual's funding: the venue's rule, and what it has seen of the interval."""

    rate_e9: Annotated[int, I8, "rate of the current interval as known (1e-9); > 0: longs pay"]
    imposed_e9: Annotated[int, I8, "imposed: the rate without the timeline (1e-9)"]
    interval_ns: Annotated[int, I8, "time between payments (ns); 0: never"]
    next_ns: Annotated[int, I8, "next payment (ns)"]
    sample_ns: Annotated[int, I8, "time between samples of the premium (ns)"]
    next_sample_ns: Annotated[int, I8, "next sample (ns)"]
    index: Annotated[int, I8, "continuous: what a long lot has paid so far (1e-4 quanta)"]
    samples: Annotated[int, I8, "samples of the interval so far"]
    carry: Annotated[float, F8, "continuous: what is not yet in the index (1e-4 quanta)"]
    interest: Annotated[float, F8, "interest of eight hours"]
    clamp: Annotated[float, F8, "half width of clamp(interest - premium); continuous: the damper"]
    cap: Annotated[float, F8, "largest rate of one interval, either way"]
    impact_notional: Annotated[float, F8, "notional whose prices make the premium (quote currency)"]
    premium_sum: Annotated[float, F8, "weighted sum of the premiums of the interval"]
    premium_weight: Annotated[float, F8, "sum of their weights"]
    method: Annotated[int, I4, "FUNDING_IMPOSED, FUNDING_PREMIUM or FUNDING_CONTINUOUS"]
    rising_weights: Annotated[int, I4, "1 if later samples count more"]


class Carry(Protocol):
    """A dated future's premium over the fundamental price (docs/rules/basis)."""

    level: Annotated[float, F8, "level that the rate reverts to (per year)"]
    deviation: Annotated[float, F8, "standard deviation of the rate in the long run (per year)"]
    reversion: Annotated[float, F8, "its speed of reversion (1 / s)"]
    rate: Annotated[float, F8, "carry now (per year)"]
    log_basis: Annotated[float, F8, "log of the fair price over the fundamental one, now"]


class Instrument(Protocol):
    """One contract: its terms, its mark, its Greeks, its funding."""

    tick_quanta: Annotated[
        int, I8, "value of one tick of one lot; inverse: of a lot times its price in ticks (quanta)"
    ]
    lot_coin_quanta: Annotated[
        int, I8, "spot, option: coin in one lot (quanta of the base currency)"
    ]
    expiry_ns: Annotated[int, I8, "future, call, put: when it settles (ns)"]
    mark_quanta: Annotated[int, I8, "mark value of one lot (quanta; inverse: 1e-4 quanta)"]
    fair_quanta: Annotated[int, I8, "the same at the fair price"]
    delivery_fee_e9: Annotated[int, I8, "fee at expiry, share of the underlying (1e-9)"]
    delivery_fee_cap_e9: Annotated[int, I8, "option: largest of it, share of the payoff (1e-9)"]
    margin_slope_e9: Annotated[int, I8, "added to margin rates for each unit held (1e-9)"]
    fee_cap_e9: Annotated[int, I8, "option: largest fee, share of its price (1e-9); 0: none"]
    settlement_ns: Annotated[int, I8, "index is averaged so long before expiry (ns)"]
    settlement_samples: Annotated[int, I8, "price ticks in that average so far"]
    settlement_sum: Annotated[float, F8, "sum of the index over them"]
    funding: Annotated[Funding, Funding, (), "perpetual: its funding"]
    carry: Annotated[Carry, Carry, (), "future: its carry"]
    maker_size_lots: Annotated[int, I8, "quoted by makers: size of each quote (lots); 0: no quotes"]
    maker_half_spread: Annotated[float, F8, "quoted by makers: half spread as a share of spot"]
    maker_start_lots: Annotated[int, I8, "quoted by makers: what they held at the start (lots)"]
    price_band: Annotated[float, F8, "how far limits may be from the mark (share); 0: anywhere"]
    protection: Annotated[float, F8, "how far through the touch a market order reaches (of mark)"]
    tick_size: Annotated[float, F8, "price of one tick (settlement currency per unit)"]
    lot_size: Annotated[float, F8, "units of the underlying in one lot; inverse: at the fair price"]
    lot_quantity: Annotated[float, F8, "one lot as traders say it: units; inverse: contracts"]
    face: Annotated[float, F8, "inverse: value of one lot (quote currency)"]
    basis_window: Annotated[float, F8, "memory of the mark's average basis (s)"]
    mean_basis: Annotated[float, F8, "moving average of mid less index (price units)"]
    breaker_moves: Annotated[
        Vector, F8, (BREAKERS,), "moves from the day's first price at which trading pauses"
    ]
    breaker_count: Annotated[int, I8, "how many of them there are"]
    breakers_hit: Annotated[int, I8, "how many of them the day has seen"]
    pause_ns: Annotated[int, I8, "how long trading pauses (ns)"]
    paused_until_ns: Annotated[int, I8, "while trading pauses: when it goes on (ns)"]
    first_price: Annotated[float, F8, "first price of the day, that moves are counted from"]
    strike: Annotated[float, F8, "call, put: strike price"]
    strike_step: Annotated[float, F8, "call, put: strikes are multiples of it (quote currency)"]
    moneyness: Annotated[float, F8, "call, put: strike as a multiple of the episode's first price"]
    mark_price: Annotated[float, F8, "mark price, that margins and funding look at (price units)"]
    fair_price: Annotated[float, F8, "price that no order moves, for profit and loss (price units)"]
    implied_volatility: Annotated[float, F8, "call, put: annual volatility of the mark"]
    volatility_change: Annotated[float, F8, "call, put: what the next mark adds to it"]
    level_shift: Annotated[
        float, F8, "call, put: log of what moves of the price did to its expiry's volatility"
    ]
    short_initial: Annotated[float, F8, "short option: initial margin (share of the underlying)"]
    short_minimum: Annotated[float, F8, "short option: least of it, far from the money"]
    short_maintenance: Annotated[float, F8, "short option: maintenance margin (likewise)"]
    value: Annotated[float, F8, "call, put: Black-76 value of one unit (quote currency)"]
    delta: Annotated[float, F8, "change of value per unit of the forward"]
    gamma: Annotated[float, F8, "change of delta per unit of the forward"]
    vega: Annotated[float, F8, "change of value per unit of volatility"]
    theta: Annotated[float, F8, "change of value per year"]
    vanna: Annotated[float, F8, "change of delta per unit of volatility"]
    volga: Annotated[float, F8, "change of vega per unit of volatility"]
    makers_away: Annotated[float, F8, "share of its makers whom the timeline keeps away"]
    basis_shift: Annotated[float, F8, "log premium that the timeline adds to its book"]
    maker_orders: Annotated[Vector, I4, (2,), "rows of the makers' quotes, or NO_ORDER"]
    kind: Annotated[int, I4, "SPOT, PERPETUAL, FUTURE, CALL or PUT"]
    inverse: Annotated[int, I4, "1 if its value is a number of coins that falls with the price"]
    mark_method: Annotated[int, I4, "MARK_INDEX, MARK_MEDIAN or MARK_AVERAGE_BASIS"]
    flow: Annotated[int, I4, "FLOW_NONE, FLOW_IDEAL or FLOW_CROWD"]
    venue: Annotated[int, I4, "row of venues it is listed on"]
    currency: Annotated[int, I4, "currency it settles in: QUOTE or COIN"]
    fee_class: Annotated[int, I4, "FEES_DERIVATIVE, FEES_SPOT or FEES_OPTION"]
    first_tier: Annotated[int, I4, "first row of its tiers"]
    tier_count: Annotated[int, I4, "number of its tiers; 0: no margin"]
    settled: Annotated[int, I4, "1 once it has expired and been paid out"]


class Position(Protocol):
    """What one account holds of one instrument."""

    quantity_lots: Annotated[int, I8, "signed quantity (lots)"]
    entry_quanta: Annotated[int, I8, "signed value at which it was entered (quanta)"]
    margin_quanta: Annotated[int, I8, "isolated: what is set aside for it (quanta)"]
    funding_index: Annotated[int, I8, "continuous funding: up to which it is paid (1e-4 quanta)"]
    initial_e9: Annotated[int, I8, "initial margin chosen, 1 / leverage (1e-9); 0: the tier's"]


class Account(Protocol):
    """One competitor's collateral on one venue, or one of the world's own accounts."""

    maker_fee_e9: Annotated[
        Vector, I8, (FEE_CLASSES,), "fee when its order rested, by FEES_ (1e-9); < 0: rebate"
    ]
    taker_fee_e9: Annotated[Vector, I8, (FEE_CLASSES,), "fee when its order took, by FEES_ (1e-9)"]
    discount_e9: Annotated[int, I8, "share of fees that is taken off (1e-9)"]
    volume_quanta: Annotated[int, I8, "30-day volume that its fees go by (quanta of QUOTE)"]
    bonus_quanta: Annotated[int, I8, "bonus that counts as margin, not withdrawable (QUOTE quanta)"]
    credit_quanta: Annotated[int, I8, "bonus that pays fees, what is left of it (QUOTE quanta)"]
    equity_quanta: Annotated[int, I8, "margin balance at the last price tick (QUOTE quanta)"]
    maintenance_quanta: Annotated[int, I8, "maintenance margin at the last tick (QUOTE quanta)"]
    fees_quanta: Annotated[int, I8, "fees paid so far (QUOTE quanta, as all that follows)"]
    funding_quanta: Annotated[int, I8, "funding received less paid so far"]
    covered_quanta: Annotated[int, I8, "negative equity paid by others so far"]
    socialised_quanta: Annotated[int, I8, "paid of other accounts' losses so far"]
    traded_quanta: Annotated[int, I8, "notional traded so far"]
    taker_fills: Annotated[int, I8, "trades in which its order took"]
    maker_fills: Annotated[int, I8, "trades in which its order rested"]
    liquidations: Annotated[int, I8, "times it was taken over by the liquidation engine"]
    deleveragings: Annotated[int, I8, "times a position of it was deleveraged"]
    next_step_ns: Annotated[int, I8, "next step of its liquidation (ns)"]
    step: Annotated[int, I4, "step of its liquidation"]
    venue: Annotated[int, I4, "row of venues"]
    agent: Annotated[int, I4, "row of agents, or NO_ACCOUNT for the world's own"]
    margin_mode: Annotated[int, I4, "MARGIN_CROSS, MARGIN_ISOLATED or MARGIN_PORTFOLIO"]
    margined: Annotated[int, I4, "1 if margin is required and checked"]
    liquidating: Annotated[int, I4, "1 while the liquidation engine closes it"]
    partner: Annotated[int, I4, "hedge mode: account of its other legs; else NO_ACCOUNT"]
    short_legs: Annotated[int, I4, "1 if it holds the short legs of its partner, and no money"]


class Transfer(Protocol):
    """Money on its way from one account to another."""

    arrival_ns: Annotated[int, I8, "when it arrives (ns)"]
    amount_quanta: Annotated[int, I8, "how much (quanta); 0: a free row"]
    target: Annotated[int, I4, "account it goes to"]
    currency: Annotated[int, I4, "QUOTE or COIN"]


class Closure(Protocol):
    """A time in which a venue is closed."""

    start_ns: Annotated[int, I8, "when it closes (ns)"]
    end_ns: Annotated[int, I8, "when it opens (ns)"]
    venue: Annotated[int, I8, "row of venues"]


class RuleChange(Protocol):
    """A rule of a venue that changes in the episode."""

    time_ns: Annotated[int, I8, "when (ns)"]
    value_e9: Annotated[int, I8, "its new value; fees: by how much they rise (1e-9)"]
    key: Annotated[int, I4, "CHANGE_ code"]
    venue: Annotated[int, I4, "row of venues"]
