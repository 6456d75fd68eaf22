"""X-CHE."""
