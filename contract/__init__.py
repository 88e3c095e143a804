"""What crosses the queue: requests, results, failures and key names. Standard library only."""
