"""Everyone else: random streams, latencies, prices, order flow, makers, the timeline of shocks."""
