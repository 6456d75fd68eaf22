"""Machine types and the life of a replica: requested, provisioning, loading, ready, draining, released."""
