"""What a scrape holds of one replica: places in the last axis of a sample.

busy_ns and in_flight_ns are cumulative (replica-ns busy, request-ns queued or in service), completions counts requests;
queued and serving are gauges. A pool's sample has one more line: the gauge of its shared queue, and how many requests
have ever asked it to be served.
"""

BUSY_NS, IN_FLIGHT_NS, COMPLETIONS, QUEUED, SERVING = range(5)
FIELDS = 5
SHARED_QUEUED, ARRIVED = range(2)  # places in a pool's own line
