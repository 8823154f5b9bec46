"""How long messages are on their way (docs/rules/latency).

Each agent has a distribution for each way. Draws are numbered by the agent's own instructions and
decisions, so that they do not depend on what anybody else does.
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel
from gammagym.exchange.messages import send
from gammagym.market.streams import normal, uniform
from gammagym.world.codes import (
    CANCEL,
    CANCEL_ALL,
    DISCONNECT,
    LATENCY_LOGNORMAL,
    LATENCY_STREAMS,
    LATENCY_TABLE,
    STREAM_LATENCY,
    WAY_ACKNOWLEDGEMENT,
    WAY_CANCEL,
    WAY_ENTRY,
    WAYS,
)
from gammagym.world.sizes import LONGEST_LATENCY_NS


@kernel
def instruct(world, data_ns):
    """Send the instruction in `world.incoming`, as late as its sender's latencies have it.

    The sender acts on what is `data_ns` old, so it acts that much later than it looks; and of its
    acknowledgement only what takes longer than that is still to come when it looks again.
    Returns whether there was room. Writes: agents.instructions and what `send` writes.
    """
    draft = world.incoming
    row = world.accounts[draft.account].agent
    number = world.agents[row].instructions
    world.agents[row].instructions += 1
    way = WAY_CANCEL if draft.kind in (CANCEL, CANCEL_ALL, DISCONNECT) else WAY_ENTRY
    there_ns = travel_ns(world, row, way, number)
    back_ns = travel_ns(world, row, WAY_ACKNOWLEDGEMENT, number)
    return send(world, data_ns + there_ns, max(back_ns - data_ns, 0))


@kernel
def travel_ns(world, row, way, number):
    """Return how long message `number` of an agent takes on one way, if it is sent now.

    At most LONGEST_LATENCY_NS. Reads: keys, latencies, stress.
    """
    key = world.keys[STREAM_LATENCY + WAYS * (row % LATENCY_STREAMS) + way]
    key += np.uint64(row // LATENCY_STREAMS)
    time_ns = latency_ns(world.agents[row].latencies[way], key, number)
    return int(min(time_ns * world.stress.latency_multiple, LONGEST_LATENCY_NS))


@kernel
def latency_ns(latency, key, number):
    """Return draw `number` of a latency (ns), at most LONGEST_LATENCY_NS. Reads: latency."""
    time_ns = float(latency.fixed_ns)
    if latency.kind == LATENCY_TABLE:
        time_ns = latency.samples_ns[int(uniform(key, 2 * number) * latency.sample_count)]
    elif latency.kind == LATENCY_LOGNORMAL:
        time_ns += latency.median_ns * math.exp(latency.sigma * normal(key, 2 * number))
    if latency.jitter_ns > 0:
        time_ns += latency.jitter_ns * uniform(key, 2 * number + 1)
    return int(min(time_ns, LONGEST_LATENCY_NS))
