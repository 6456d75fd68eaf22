"""What a run means: the phase table, the cost curve and why it bends, the crossover, and queueing theory."""
