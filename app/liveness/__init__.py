"""Which workers are alive, and how the jobs of dead workers return to the queue."""
