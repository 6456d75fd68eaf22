"""Named, counter-based random numbers.

A stream is a 64-bit key: the BLAKE2 digest of (root seed, replication, name). A draw is a pure function of the key and
a counter (request id, attempt, purpose), computed with Philox4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random
numbers, as easy as 1, 2, 3, SC11). So nobody's draws depend on how many others were drawn before.
"""

import hashlib
import math
from enum import IntEnum

import numpy as np

from sim.compiled import inlined


class Purpose(IntEnum):
    """What a request's draw is for; part of the counter, so that a new purpose moves no other draw."""

    ARRIVAL = 0
    EXPOSURE = 1
    SERVICE = 2
    API_LATENCY = 3
    INTERARRIVAL = 4
    SMALL_SHAPE = 5
    FIRST_GAP = 6
    SPIKE = 7
    KEY = 8
    KEY_AGE = 9
    TENANT = 10
    BRANCH = 11
    BACKOFF = 12
    THINK = 13
    PATIENCE = 14
    ROUTING = 15
    AFFINITY = 16
    ZONE = 17
    SIZE = 18
    ENTRY_BYTES = 19
    SEMANTIC = 20
    LOG = 21


class Streams:
    """The keys of one replication of one scenario."""

    def __init__(self, seed: int, replication: int = 0) -> None:
        """seed: any int from 0 to 2**63 - 1; replication: 0 for the first run, r for the r-th replication."""
        self.seed = seed
        self.replication = replication

    def key(self, name: str) -> np.uint64:
        """64-bit key of the stream called `name`."""
        text = f"{self.seed}/{self.replication}/{name}".encode()
        return np.uint64(int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little"))

    def generator(self, name: str) -> np.random.Generator:
        """A NumPy generator of its own for draws outside the request path (bootstrap, say)."""
        return np.random.Generator(np.random.Philox(key=int(self.key(name))))


Word = np.uint64

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_33 = np.uint64(33)
_MIX_A, _MIX_B = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_12 = np.uint64(12)
_TO_UNIT = 1.0 / 4503599627370496.0  # 2**-52, so that the half step below is exact and 1.0 is never reached


@inlined
def philox(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, Word, Word, Word]:
    """Philox4x32-10: four 32-bit words (held in uint64) of counter and two of key -> four random words."""
    for _ in range(10):
        p0 = _M0 * c0
        p1 = _M1 * c2
        c0 = (p1 >> _32) ^ c1 ^ k0
        c1 = p1 & _LOW
        c2 = (p0 >> _32) ^ c3 ^ k1
        c3 = p0 & _LOW
        k0 = (k0 + _W0) & _LOW
        k1 = (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@inlined
def mixed(word: int) -> Word:
    """64 bits in which neighbours fall far apart, and 0 stays 0: the finaliser of MurmurHash3 (Appleby 2011)."""
    x = np.uint64(word)
    x = (x ^ (x >> _33)) * _MIX_A
    x = (x ^ (x >> _33)) * _MIX_B
    return x ^ (x >> _33)


@inlined
def uniform_pair(key: Word, index: int, attempt: int, purpose: int) -> tuple[float, float]:
    """Two independent uniforms in the open interval (0, 1) for (key, index, attempt, purpose).

    key: uint64; index: int64 request id; attempt, purpose: small ints.
    """
    i = np.uint64(index)
    w0, w1, w2, w3 = philox(i & _LOW, i >> _32, np.uint64(attempt), np.uint64(purpose), key & _LOW, key >> _32)
    a = ((w0 << _32) | w1) >> _12
    b = ((w2 << _32) | w3) >> _12
    return (np.float64(a) + 0.5) * _TO_UNIT, (np.float64(b) + 0.5) * _TO_UNIT


@inlined
def uniform(key: Word, index: int, attempt: int, purpose: int) -> float:
    """One uniform in (0, 1); see `uniform_pair`."""
    u, _ = uniform_pair(key, index, attempt, purpose)
    return u


@inlined
def normal_quantile(p: float) -> float:
    """Standard normal quantile of p in (0, 1), relative error 1e-15 (Wichura 1988, algorithm AS 241)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        num = (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r
                  + 45921.953931549871457) * r + 13731.693765509461125) * r + 1971.5909503065514427) * r
                + 133.14166789178437745) * r + 3.387132872796366608)  # fmt: skip
        den = (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r
                  + 21213.794301586595867) * r + 5394.1960214247511077) * r + 687.1870074920579083) * r
                + 42.313330701600911252) * r + 1.0)  # fmt: skip
        return q * num / den
    r = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-math.log(r))
    if r <= 5.0:
        r -= 1.6
        num = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r
                  + 1.27045825245236838258) * r + 3.64784832476320460504) * r + 5.7694972214606914055) * r
                + 4.6303378461565452959) * r + 1.42343711074968357734)  # fmt: skip
        den = (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r
                  + 0.14810397642748007459) * r + 0.68976733498510000455) * r + 1.6763848301838038494) * r
                + 2.05319162663775882187) * r + 1.0)  # fmt: skip
    else:
        r -= 5.0
        num = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r
                  + 0.026532189526576123093) * r + 0.29656057182850489123) * r + 1.7848265399172913358) * r
                + 5.4637849111641143699) * r + 6.6579046435011037772)  # fmt: skip
        den = (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r
                  + 7.868691311456132591e-4) * r + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
                + 0.59983220655588793769) * r + 1.0)  # fmt: skip
    z = num / den
    return -z if q < 0.0 else z
