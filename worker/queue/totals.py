"""Counts that all workers share in Redis: counts in a worker's own hash would end with the worker."""

from collections import Counter

from redis.client import Pipeline

from contract.keys import JOBS_FIELD_PREFIX, TOTALS_KEY, TOTALS_TTL_S
from worker.item import Item


class Totals:
    """Collects counts until they are sent with the next heartbeat."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, field: str) -> None:
        """Add 1 to a field of the shared hash, with the next `add_to`."""
        self._counts[field] += 1

    def add_to(self, pipeline: Pipeline) -> None:
        """Add the commands that send the counts. Call `clear` when they have been executed.

        A connection that is cut after Redis has executed them makes them count twice.
        """
        for field, number in self._counts.items():
            pipeline.hincrby(TOTALS_KEY, field, number)
        if self._counts:
            pipeline.expire(TOTALS_KEY, TOTALS_TTL_S)

    def clear(self) -> None:
        """Forget the counts that were sent."""
        self._counts.clear()

    def count_end(self, item: Item) -> None:
        """Count an item that has ended by its outcome."""
        self.count(JOBS_FIELD_PREFIX + item.outcome)
