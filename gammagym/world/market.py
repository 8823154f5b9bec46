"""Tables of everyone else: the price, who trades at it, and what the timeline does to them."""

from __future__ import annotations

from typing import Annotated, Protocol

from gammagym.world.columns import F8, I4, I8, Vector
from gammagym.world.sizes import INDEX_SOURCES, PATH_STEPS, SPREAD_BANDS


class Process(Protocol):
    """Parameters and state of a price that jumps, or whose variance or regime changes."""

    variance: Annotated[float, F8, "annual variance of the price now, without jumps"]
    reversion: Annotated[float, F8, "reversion of the variance, regime: of the range (per year)"]
    long_run_variance: Annotated[float, F8, "heston, svcj: level the variance reverts to"]
    variance_volatility: Annotated[float, F8, "heston, svcj: annual volatility of the variance"]
    correlation: Annotated[float, F8, "heston, svcj: correlation of price and variance"]
    jump_rate: Annotated[float, F8, "merton, svcj: jumps per year"]
    jump_mean: Annotated[float, F8, "mean of a jump of the logarithm of the price"]
    jump_sigma: Annotated[float, F8, "its standard deviation"]
    jump_correlation: Annotated[float, F8, "svcj: what a jump of the variance of 1 adds to it"]
    variance_jump: Annotated[float, F8, "svcj: mean of a jump of the annual variance"]
    compensator: Annotated[float, F8, "annual drift that jumps bring, taken off again"]
    jump_variance: Annotated[float, F8, "annual variance that jumps bring"]
    range_variance: Annotated[float, F8, "regime: annual variance in a range"]
    trend_variance: Annotated[float, F8, "regime: annual variance in a trend"]
    trend_drift: Annotated[float, F8, "regime: annual drift in a trend, up or down"]
    leave_range: Annotated[float, F8, "regime: rate at which a range ends (per year)"]
    leave_trend: Annotated[float, F8, "regime: rate at which a trend ends (per year)"]
    level: Annotated[float, F8, "regime: logarithm of the price in the middle of the range"]
    regime: Annotated[int, I8, "regime: REGIME_RANGE, REGIME_UP or REGIME_DOWN"]


class Price(Protocol):
    """The fundamental price: the process all instruments follow."""

    tick_ns: Annotated[int, I8, "time between price ticks (ns)"]
    next_tick_ns: Annotated[int, I8, "next price tick (ns)"]
    tick: Annotated[int, I8, "index of the next price tick, which numbers its random draws"]
    tape_start_ns: Annotated[int, I8, "replay: time on the tape at which the episode's clock is 0"]
    tape_choices: Annotated[int, I8, "replay: cells of the tape a seed may start at; 0: the first"]
    tape_step_ns: Annotated[int, I8, "replay: time between two prices of the tape (ns)"]
    drift: Annotated[float, F8, "annual drift of the price"]
    volatility: Annotated[
        float, F8, "annual volatility now, with jumps (replay: of the bridge between two prices)"
    ]
    process: Annotated[float, F8, "price before shocks (price units)"]
    ahead: Annotated[float, F8, "the same at the next price tick; nobody may see it"]
    ahead_variance: Annotated[float, F8, "dynamics.variance at the next price tick"]
    ahead_regime: Annotated[int, I8, "dynamics.regime at the next price tick"]
    ahead_level: Annotated[float, F8, "dynamics.level at the next price tick"]
    path: Annotated[
        Vector, F8, (PATH_STEPS + 1,), "process from this tick to the next, at equal steps"
    ]
    path_steps: Annotated[int, I8, "steps in use"]
    jump: Annotated[float, F8, "jumps at the next tick (log); the path ends before them"]
    jumped: Annotated[float, F8, "jumps at the last tick (log)"]
    activity_sigma: Annotated[float, F8, "standard deviation of the logarithm of the activity"]
    activity_reversion: Annotated[float, F8, "its reversion (per second)"]
    activity_state: Annotated[float, F8, "where it is, in standard deviations"]
    activity: Annotated[float, F8, "speed of business time until the next tick; 1 on average"]
    pace: Annotated[float, F8, "speed of the clocks of orders until then; 1 on average"]
    pressure: Annotated[float, F8, "lasting move that participants' trading has made (log)"]
    pressed: Annotated[int, I8, "1 if trading moves the price for good"]
    value: Annotated[float, F8, "fundamental price: process with the shocks of the timeline"]
    index: Annotated[float, F8, "index price, of sources that may be off"]
    previous_index: Annotated[float, F8, "index price at the tick before, that makers know"]
    sources: Annotated[Vector, F8, (INDEX_SOURCES,), "price at each source of the index"]
    source_weights: Annotated[Vector, F8, (INDEX_SOURCES,), "their weights"]
    source_count: Annotated[int, I8, "sources in use"]
    coin_quanta: Annotated[int, I8, "value of 1e4 quanta of coin at the fundamental price (quanta)"]
    previous: Annotated[float, F8, "fundamental price at the tick before"]
    changed_ns: Annotated[int, I8, "time of the last price tick (ns)"]
    model: Annotated[int, I8, "PRICE_GBM, PRICE_REPLAY or another"]
    dynamics: Annotated[Process, Process, (), "jumps, variance, regimes; not of gbm and replay"]


class Surface(Protocol):
    """Implied volatility of options by strike and expiry: parameters, then state."""

    long_volatility: Annotated[float, F8, "annual volatility at the money in the long run"]
    short_volatility: Annotated[float, F8, "the same of the shortest expiries"]
    term_rate: Annotated[float, F8, "rate at which expiries go from short to long (per year)"]
    correlation: Annotated[float, F8, "rho of SSVI: which side of the smile is higher"]
    curvature: Annotated[float, F8, "eta of SSVI; 0: no smile"]
    decay: Annotated[float, F8, "gamma of SSVI: power by which the smile flattens with variance"]
    stickiness: Annotated[float, F8, "skew-stickiness ratio: 0 sticky moneyness, 1 sticky strike"]
    volatility: Annotated[float, F8, "annual volatility of the logarithm of the level"]
    reversion: Annotated[float, F8, "reversion of the level to where it began (per year)"]
    level: Annotated[float, F8, "logarithm of the level over where it began"]
    forward: Annotated[float, F8, "fundamental price that the surface has seen"]
    shaped: Annotated[int, I8, "1 if volatility differs by strike or expiry, or moves"]


class OptionMakers(Protocol):
    """Makers who quote options in volatility points: parameters, then state."""

    widths: Annotated[Vector, F8, (SPREAD_BANDS,), "bid to ask by time to expiry (volatility)"]
    until_ns: Annotated[Vector, I8, (SPREAD_BANDS,), "time to expiry up to which each holds (ns)"]
    band_count: Annotated[int, I8, "how many there are; 0: half spreads are shares of spot"]
    inventory_units: Annotated[float, F8, "inventory at which quotes moved by half their spread"]
    realised_variance: Annotated[float, F8, "annual variance of the price, memory of half an hour"]
    seen_price: Annotated[float, F8, "price it has counted"]
    seen_ns: Annotated[int, I8, "time up to which it has (ns)"]
    lean: Annotated[float, F8, "-1 ... 1: share of the half spread that quotes are lower by"]


class Customers(Protocol):
    """Customers who trade options at market: parameters, then state."""

    rate: Annotated[float, F8, "orders per second in all options together; 0: none"]
    size_units: Annotated[float, F8, "median size of an order (units)"]
    size_sigma: Annotated[float, F8, "its lognormal sigma"]
    next_ns: Annotated[int, I8, "time of the next order (ns)"]
    event: Annotated[int, I8, "index of the next order, which numbers its draws"]


class Sentiment(Protocol):
    """What side a flow's traders lean to, and the premium that their trading opens."""

    lean: Annotated[float, F8, "now: chance that a market order buys, less that it sells"]
    level: Annotated[float, F8, "its mean"]
    deviation: Annotated[float, F8, "its standard deviation in the long run"]
    reversion: Annotated[float, F8, "its speed of reversion (1 / s)"]
    impact: Annotated[float, F8, "log premium left by a unit bought"]
    decay: Annotated[float, F8, "time constant of the premium (s)"]
    start_premium: Annotated[float, F8, "log premium of a lean of 1 at the start"]
    premium: Annotated[float, F8, "log premium of its book now"]
    seen_lots: Annotated[int, I8, "net volume bought by takers that the premium has seen (lots)"]


class Flow(Protocol):
    """Background order flow of one book: parameters, then state (docs/rules/flow)."""

    slots: Annotated[int, I8, "places in the list of background orders; bounds their number"]
    touch_slots: Annotated[int, I8, "places of that list kept for quotes at the touch, per side"]
    anchored: Annotated[int, I8, "1 if the crowd quotes about a price it believes in, 0: the book"]
    rate: Annotated[float, F8, "mean events per second"]
    branching: Annotated[float, F8, "share of market orders that others set off, in a burst"]
    excitation_decay: Annotated[float, F8, "time constant of such a burst (s)"]
    slow_branching: Annotated[float, F8, "share that others set off over a longer time"]
    slow_decay: Annotated[float, F8, "time constant of that (s)"]
    probability_market: Annotated[float, F8, "share of events that are market orders"]
    probability_add: Annotated[float, F8, "share of events that are new limit orders"]
    touch_probability: Annotated[float, F8, "share of new limit orders that join the touch"]
    refill_probability: Annotated[float, F8, "chance that an event closes an open spread"]
    queue_response: Annotated[float, F8, "how much a long queue keeps others from joining it"]
    imbalance_response: Annotated[float, F8, "how much market orders take the shorter queue"]
    touch_size_lots: Annotated[float, F8, "median size of an order at the touch (lots)"]
    touch_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    add_size_lots: Annotated[float, F8, "median size of an order behind the touch (lots)"]
    add_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    distance_scale: Annotated[float, F8, "scale of the distance from the touch (ticks)"]
    distance_exponent: Annotated[float, F8, "tail exponent of the distance from the touch"]
    distance_maximum: Annotated[float, F8, "largest distance from the touch (ticks)"]
    growth_distance: Annotated[
        float, F8, "distance over which orders grow by their size at the touch (ticks)"
    ]
    market_size_lots: Annotated[float, F8, "median size of a market order (lots)"]
    market_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    split_probability: Annotated[float, F8, "chance that a market order starts a run of one sign"]
    split_exponent: Annotated[float, F8, "Pareto exponent of the length of such a run"]
    informed_probability: Annotated[float, F8, "chance that a market order knows the next move"]
    informed_scale: Annotated[float, F8, "size of that move at which the chance is full (ticks)"]
    informed_horizon: Annotated[float, F8, "how far ahead an informed trader sees (s)"]
    informed_size_lots: Annotated[float, F8, "median size of an informed order (lots)"]
    informed_size_sigma: Annotated[float, F8, "its lognormal sigma"]
    market_reach: Annotated[float, F8, "how far past the reference a market order goes (ticks)"]
    impact_ticks: Annotated[float, F8, "impact memory left by an order of one unit (ticks)"]
    impact_scale_lots: Annotated[
        float, F8, "size at which impact turns from linear to concave (lots)"
    ]
    impact_decay: Annotated[float, F8, "time constant of the impact memory (s)"]
    surprise_ticks: Annotated[float, F8, "what an order of one unit makes the crowd expect (ticks)"]
    lasting_impact: Annotated[
        float, F8, "lasting log move of the price per unit that participants have bought"
    ]
    stale_ticks: Annotated[float, F8, "distance through the reference at which a quote is stale"]
    widening: Annotated[float, F8, "how much wider the touch is in a stormy market (ticks)"]
    pulling: Annotated[float, F8, "how much less is quoted in a stormy market"]
    distance_cut: Annotated[float, F8, "share of distances beyond the maximum that is cut off"]
    calm_variance: Annotated[float, F8, "variance of the reference in a calm market (ticks^2 / s)"]
    burst: Annotated[float, F8, "what one market order adds to the rate, as a share of its base"]
    slow_burst: Annotated[float, F8, "the same, of the slow part"]
    excitation: Annotated[float, F8, "rate over its base, less 1: the burst's part"]
    slow_excitation: Annotated[float, F8, "the same, of the slow part"]
    recent_variance: Annotated[float, F8, "recent variance of the reference (ticks^2 / s)"]
    last_reference: Annotated[float, F8, "reference when makers last looked (ticks)"]
    looked_ns: Annotated[int, I8, "when that was (ns)"]
    memory: Annotated[float, F8, "impact memory now (ticks)"]
    surprise: Annotated[float, F8, "what the crowd expects of the price, of late orders (ticks)"]
    sentiment: Annotated[Sentiment, Sentiment, (), "side that its traders lean to"]
    quickening: Annotated[float, F8, "factor of the timeline on its events a second"]
    seen_lots: Annotated[int, I8, "net volume bought by takers that the memory has seen (lots)"]
    initial_lots: Annotated[int, I8, "what crowd and makers held at first (lots)"]
    memory_ns: Annotated[int, I8, "time of the last event (ns)"]
    next_ns: Annotated[int, I8, "time of the next event (ns)"]
    event: Annotated[int, I8, "index of the next event, which numbers its draws"]
    run_left: Annotated[int, I8, "market orders left in the current run of one sign"]
    run_side: Annotated[int, I4, "side of the current run"]
    instrument: Annotated[int, I4, "instrument whose book it feeds, or NO_INSTRUMENT"]
    ids: Annotated[Vector, I8, ("background",), "order_id of each background order"]
    rows: Annotated[Vector, I4, ("background",), "row of orders of each, or NO_ORDER"]


class Leverage(Protocol):
    """The leveraged crowd: what its members have in common (docs/rules/crowd)."""

    entry_sigma: Annotated[float, F8, "standard deviation of the logarithm of their entry prices"]
    swept: Annotated[float, F8, "no liquidation price is nearer to the first price (share)"]
    member_notional: Annotated[float, F8, "one member's position, for margin tiers (quote)"]
    reopening_ns: Annotated[int, I8, "time constant of opening again what is gone (ns); 0: never"]
    wish_lots: Annotated[
        Vector, F8, (2,), "longs, shorts: what they want to open and have not yet (lots)"
    ]


class Bucket(Protocol):
    """Members of the leveraged crowd with one side, one leverage and one liquidation price."""

    quantity_lots: Annotated[int, I8, "signed quantity they hold (lots)"]
    opened_lots: Annotated[int, I8, "signed quantity they held at first (lots)"]
    entry_quanta: Annotated[int, I8, "signed value at which they entered (quanta)"]
    margin_quanta: Annotated[int, I8, "what they have set aside for it (quanta)"]
    initial_e9: Annotated[int, I8, "margin they set aside, 1 / leverage (1e-9)"]
    called_ns: Annotated[int, I8, "when the mark reached their liquidation price (ns)"]
    liquidation_price: Annotated[float, F8, "mark at which they are liquidated (price units)"]
    bankruptcy_price: Annotated[float, F8, "price at which nothing is left (price units)"]
    place: Annotated[int, I4, "place among the buckets of its side and leverage"]
    places: Annotated[int, I4, "how many of them there are"]
    account: Annotated[int, I4, "account that holds it: that of the longs or of the shorts"]
    instrument: Annotated[int, I4, "perpetual that it is a position in"]
    called: Annotated[int, I8, "1 while it is being liquidated"]


class Hedger(Protocol):
    """One dealer who holds options and hedges them in the market (docs/feedback)."""

    next_ns: Annotated[int, I8, "when it looks at its delta next (ns)"]
    interval_ns: Annotated[int, I8, "time between two looks (ns)"]
    gamma: Annotated[float, F8, "what its options' delta gains per log move of the price (units)"]
    band: Annotated[float, F8, "net delta that it leaves alone (units)"]
    reference_price: Annotated[
        float, F8, "price at which its options have no delta; 0: it has seen none yet"
    ]
    hedges: Annotated[int, I8, "orders it has sent so far"]
    account: Annotated[int, I4, "account that holds its hedge"]
    instrument: Annotated[int, I4, "instrument it hedges with"]
    stopped: Annotated[int, I8, "1 once the price has run away and it has given up"]


class Arbitrageur(Protocol):
    """Who trades two books against each other (docs/rules/basis)."""

    instruments: Annotated[Vector, I4, (2,), "the two books; the first is traded first"]
    accounts: Annotated[Vector, I4, (2,), "its account for each"]
    initial_lots: Annotated[Vector, I8, (2,), "what it held of each at the start (lots)"]
    order_units: Annotated[float, F8, "largest order (units)"]
    limit_units: Annotated[float, F8, "largest position in the first book (units)"]
    threshold: Annotated[float, F8, "gain at which it trades (share of the price)"]
    financing: Annotated[float, F8, "carry that it takes for fair (per year)"]
    horizon_ns: Annotated[int, I8, "time for which it counts on the funding rate (ns)"]
    largest_variance: Annotated[float, F8, "variance above which it opens nothing (1 / s)"]
    variance: Annotated[float, F8, "recent variance of the first book's mid (1 / s)"]
    seen_mid: Annotated[float, F8, "mid of the first book at its last look; 0: no look yet"]
    seen_ns: Annotated[int, I8, "time of its last look (ns)"]
    interval_ns: Annotated[int, I8, "mean time between two looks (ns)"]
    next_ns: Annotated[int, I8, "next look (ns)"]
    looks: Annotated[int, I8, "looks so far, which number their draws"]


class Shock(Protocol):
    """One event of the scenario's timeline: a trapezoid in time."""

    start_ns: Annotated[int, I8, "when it begins (ns)"]
    ramp_ns: Annotated[int, I8, "time to full strength (ns)"]
    hold_ns: Annotated[int, I8, "time at full strength (ns)"]
    recovery_ns: Annotated[int, I8, "time back to nothing (ns); negative: it stays"]
    magnitude: Annotated[float, F8, "log move, log multiple, share, or rate, by its kind"]
    lots: Annotated[int, I8, "large order: quantity, positive: it buys (lots); fees: rise (1e-9)"]
    done: Annotated[
        int, I8, "lots sent so far; what fees have risen by (1e-9); of what happens once: 1"
    ]
    instrument: Annotated[int, I4, "row of the market it acts on, or NO_INSTRUMENT: all"]
    venue: Annotated[int, I4, "row of the venue it acts on"]
    account: Annotated[int, I4, "large order: whose it is"]
    code: Annotated[int, I4, "OUTAGE_*; sources that are wrong; BUY, SELL: side; QUOTE, COIN"]
    kind: Annotated[int, I8, "SHOCK_*"]


class Stress(Protocol):
    """What the timeline does to the market at this moment."""

    price_shift: Annotated[float, F8, "log move of the fundamental price"]
    next_shift: Annotated[float, F8, "the same at the next price tick"]
    spread_multiple: Annotated[float, F8, "factor on distances and makers' spreads"]
    depth_multiple: Annotated[float, F8, "factor on the sizes of new orders"]
    source_shift: Annotated[float, F8, "log error of sources of the index"]
    sources_off: Annotated[int, I8, "how many of its sources are wrong"]
    implied_shift: Annotated[float, F8, "log multiple of implied volatilities"]
    variance_multiple: Annotated[float, F8, "factor on the variance of the price"]
    latency_multiple: Annotated[float, F8, "factor on all latencies"]
    premium_shift: Annotated[float, F8, "error of the measured premium of perpetuals"]
    collateral_shift: Annotated[
        Vector, F8, ("currencies",), "log of what the venue takes collateral for"
    ]
