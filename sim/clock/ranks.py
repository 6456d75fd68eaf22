"""The order of simultaneous events: one enum for the request path and the control plane together."""

from enum import IntEnum


class Rank(IntEnum):
    """What happens first among events of the same nanosecond; then the lower replica, then the lower request id.

    CLOSE stands before all: an accounting window is half-open, so it is closed before anything at its end happens.
    """

    CLOSE = 1
    COMPLETION = 2
    TIMEOUT = 3
    MACHINE_READY = 4
    FAILURE = 5
    DEPLOY = 6
    PHASE = 7
    SCALE_IN = 8
    BATCH_EXPIRY = 9
    RETRY = 10
    ARRIVAL = 11
    WAKE = 12
    SCRAPE = 13
    CONTROL = 14
    REVIEW = 15


REQUEST_PATH = (Rank.COMPLETION, Rank.TIMEOUT, Rank.BATCH_EXPIRY, Rank.RETRY, Rank.ARRIVAL)
"""Ranks that the data plane handles itself; all others are control events."""
