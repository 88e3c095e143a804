"""How the service scales: measured with workers that do no work, and simulated from measured times."""
