"""Everyone else: random streams, prices, order flow, market makers and the timeline of shocks."""
