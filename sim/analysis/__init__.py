"""What a run means: the phase table, cost elasticity with its interval, and queueing theory's known answers."""
