"""What a scrape holds of one replica: places in the last axis of a sample.

busy_ns and in_flight_ns are cumulative (replica-ns busy, request-ns queued or in service), completions counts requests;
queued and serving are gauges. A pool's sample has one more line: its first place is the gauge of the shared queue.
"""

BUSY_NS, IN_FLIGHT_NS, COMPLETIONS, QUEUED, SERVING = range(5)
FIELDS = 5
