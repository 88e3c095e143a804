"""RQ's intermediate list: jobs that a worker has taken from the queue and not started yet."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from contract.keys import INTERMEDIATE_KEY, QUEUE_KEY, first_seen_key, job_key

PUT_BACK: Final = Path(__file__).with_name("put_back.lua").read_text("utf-8")


class Client(Protocol):
    """What `put_back` needs of a redis-py client."""

    def register_script(self, script: str, /) -> Callable[..., Any]:
        """Return a script, ready to be called."""


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


def put_back(job_ids: Sequence[str], connection: Client) -> int:
    """Move jobs from the intermediate list to the front of the queue, in their order.

    Return how many. A job that has left the list stays where it is, so several processes may do this
    at once.

    Raises:
        redis.RedisError: when Redis can't be reached, or is full.
    """
    script = connection.register_script(PUT_BACK)
    moved: int = script(
        keys=[INTERMEDIATE_KEY, QUEUE_KEY], args=[first_seen_key(""), job_key(""), *job_ids]
    )
    return moved
