"""RQ's intermediate list: jobs that a worker has taken from the queue and not started yet."""

from typing import Any, Protocol

from contract.keys import INTERMEDIATE_KEY, first_seen_key


class Pipeline(Protocol):
    """The two commands that `leave_intermediate` needs of a redis-py pipeline."""

    def lrem(self, name: str, count: int, value: str, /) -> Any:
        """Remove up to ``count`` entries from a list."""

    def delete(self, *names: str) -> Any:
        """Delete keys."""


def leave_intermediate(job_id: str, pipeline: Pipeline) -> None:
    """Remove a job from the intermediate list, and delete the note that RQ's maintenance made of it.

    RQ fails a job that is on the list one minute after the note was made, and keeps the note for a
    day. A note that stayed would fail a job that has returned to the queue and is taken again.
    """
    pipeline.lrem(INTERMEDIATE_KEY, 1, job_id)
    pipeline.delete(first_seen_key(job_id))
