"""Random numbers by counter: draw ``n`` of a stream is a function of its key and ``n`` alone.

No generator state is carried along, so a draw never depends on what happened before it: two worlds
with the same seed see the same outside world whatever their agents do. The mixing function is
SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
"""

from __future__ import annotations

import math

import numpy as np

from gammagym._kernel import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S12 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(12)
_ONE = np.uint64(1)
# 52 bits and a half fit into a float exactly; with 53 the largest would be rounded to 1.
_TO_UNIT = 1.0 / 4503599627370496.0  # 2**-52


@kernel(inline=True)
def mix(value):
    """Scatter the bits of a 64-bit number (SplitMix64 finaliser)."""
    value = (value ^ (value >> _S30)) * _MIX_1
    value = (value ^ (value >> _S27)) * _MIX_2
    return value ^ (value >> _S31)


@kernel(inline=True)
def bits(key, counter):
    """Return the 64 random bits of draw `counter` of a stream."""
    return mix(key + (np.uint64(counter) + _ONE) * _GOLDEN)


@kernel(inline=True)
def uniform(key, counter):
    """Return draw `counter` of a stream as a number in (0, 1), never 0 and never 1."""
    return in_unit(bits(key, counter))


@kernel(inline=True)
def in_unit(random_bits):
    """Return 64 random bits as a number in (0, 1), never 0 and never 1."""
    return (np.float64(random_bits >> _S12) + 0.5) * _TO_UNIT


@kernel(inline=True)
def exponential(key, counter):
    """Return draw `counter` as an exponential variable of mean 1."""
    return -math.log(uniform(key, counter))


@kernel(inline=True)
def stream_key(seed, fork, stream):
    """Return the key of one stream of a world with this seed, before there is a world."""
    root = mix(np.uint64(seed) + _GOLDEN) ^ mix(np.uint64(fork) * _MIX_1)
    return mix(root + (np.uint64(stream) + _ONE) * _MIX_2)


@kernel
def open_streams(world):
    """Give every stream its key.

    Reads: seed, fork. Writes: keys.
    """
    for stream in range(len(world.keys)):
        world.keys[stream] = stream_key(world.seed, world.fork, stream)


@kernel
def normal(key, counter):
    """Return draw `counter` as a standard normal variable: the inverse distribution function.

    Wichura, "Algorithm AS 241" (1988), PPND16: accurate to about 1 part in 10**16.
    """
    return normal_quantile(uniform(key, counter))


@kernel
def normal_quantile(probability):
    """Return the standard normal quantile of a probability in (0, 1), Wichura AS 241."""
    centred = probability - 0.5
    if abs(centred) <= 0.425:
        return _central(centred)
    tail = probability if centred < 0.0 else 1.0 - probability
    root = math.sqrt(-math.log(tail))
    value = _near_tail(root - 1.6) if root <= 5.0 else _far_tail(root - 5.0)
    return -value if centred < 0.0 else value


@kernel
def _central(q):
    r = 0.180625 - q * q
    top = 2509.0809287301226727 * r + 33430.575583588128105
    top = (top * r + 67265.770927008700853) * r + 45921.953931549871457
    top = (top * r + 13731.693765509461125) * r + 1971.5909503065514427
    top = (top * r + 133.14166789178437745) * r + 3.387132872796366608
    low = 5226.495278852545925 * r + 28729.085735721942674
    low = (low * r + 39307.89580009271061) * r + 21213.794301586595867
    low = (low * r + 5394.1960214247511077) * r + 687.1870074920579083
    low = (low * r + 42.313330701600911252) * r + 1.0
    return q * top / low


@kernel
def _near_tail(r):
    top = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
    top = (top * r + 0.24178072517745061177) * r + 1.27045825245236838258
    top = (top * r + 3.64784832476320460504) * r + 5.7694972214606914055
    top = (top * r + 4.6303378461565452959) * r + 1.42343711074968357734
    low = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
    low = (low * r + 0.0151986665636164571966) * r + 0.14810397642748007459
    low = (low * r + 0.68976733498510000455) * r + 1.6763848301838038494
    low = (low * r + 2.05319162663775882187) * r + 1.0
    return top / low


@kernel
def _far_tail(r):
    top = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
    top = (top * r + 0.0012426609473880784386) * r + 0.026532189526576123093
    top = (top * r + 0.29656057182850489123) * r + 1.7848265399172913358
    top = (top * r + 5.4637849111641143699) * r + 6.6579046435011037772
    low = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
    low = (low * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4
    low = (low * r + 0.0148753612908506148525) * r + 0.13692988092273580531
    low = (low * r + 0.59983220655588793769) * r + 1.0
    return top / low
