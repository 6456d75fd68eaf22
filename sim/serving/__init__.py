"""The request path: admission to a pool, routing, queueing, dynamic batching, service; two engines with one meaning."""
