"""The compiled request path: state in columns, a calendar of replicas, and one function that advances it exactly."""
