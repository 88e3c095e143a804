"""What the worker writes for the front end: blobs under their keys, a reply on its list.

The reply is kept as the job's record as well: who asks for a job later may be another front end.

A reply goes out once, however many workers have run the job: only who finds its input and takes
it away may answer. So a job that runs again, because its worker died or was taken for dead, ends
without a second reply, and so does one that was withdrawn.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any, Final

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract.keys import RECORD_LIVES, input_key, record_key, reply_key
from contract.messages import Failure, Reply, encode_reply
from worker.item import Item

log = logging.getLogger(__name__)

# Faults that pass: what could not be written is to be kept and written later.
UNAVAILABLE: Final = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError)

# KEYS: input, reply list, record, blobs. ARGV: time to live of what is fetched and of the record in
# s, reply, the blobs' bytes.
# The input goes first: it makes room, and a script that has written may write on in a Redis that
# takes nothing more, so a finished photo is answered even then.
ANSWER: Final = """
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[i], 'EX', ARGV[1]) end
-- Not over a record that is there: the job was deleted while it ran.
redis.call('SET', KEYS[3], ARGV[3], 'EX', ARGV[2], 'NX')
redis.call('RPUSH', KEYS[2], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[1])
return 1
"""
ANSWER_SHA: Final = hashlib.sha1(ANSWER.encode(), usedforsecurity=False).hexdigest()


def send_results(connection: Redis, items: Sequence[Item], ttl_s: int) -> None:
    """Store and announce each item's result; who has no input any more is marked as withdrawn.

    Raises:
        RedisError: when Redis can't be reached; what was sent is withdrawn in the next call.
    """
    sent = send(
        connection, [(item.request.reply_to, item.result, item.blobs) for item in items], ttl_s
    )
    for item, outcome in zip(items, sent, strict=True):
        if isinstance(outcome, RedisError):
            item.error = outcome
        else:
            item.withdrawn = not outcome


def send_failures(connection: Redis, failures: Sequence[tuple[str, Failure]], ttl_s: int) -> None:
    """Announce the ends in errors of jobs, each with the name of whom to tell.

    Raises:
        RedisError: when Redis can't be reached.
    """
    for outcome in send(connection, [(to, failure, {}) for to, failure in failures], ttl_s):
        if isinstance(outcome, RedisError):
            log.error("a failure could not be announced: %s", outcome)


def send(
    connection: Redis, answers: Sequence[tuple[str, Reply | None, dict[str, bytes]]], ttl_s: int
) -> list[bool | RedisError]:
    """Return for each answer whether it was the first, or why it could not be written.

    Raises:
        RedisError: when Redis can't be reached, or is so full that it runs no script.
    """
    with connection.pipeline(transaction=False) as pipeline:
        for reply_to, reply, blobs in answers:
            assert reply is not None
            keys = [input_key(reply.job_id), reply_key(reply_to), record_key(reply.job_id), *blobs]
            arguments: list[Any] = [
                ttl_s,
                RECORD_LIVES * ttl_s,
                encode_reply(reply),
                *blobs.values(),
            ]
            pipeline.evalsha(ANSWER_SHA, len(keys), *keys, *arguments)
        outcomes = pipeline.execute(raise_on_error=False)
    # redis-py's own Script asks before every pipeline; this one asks a Redis that is new to it.
    unknown = [i for i, outcome in enumerate(outcomes) if isinstance(outcome, NoScriptError)]
    if unknown:
        connection.script_load(ANSWER)
        again = send(connection, [answers[i] for i in unknown], ttl_s)
        for i, outcome in zip(unknown, again, strict=True):
            outcomes[i] = outcome
    for outcome in outcomes:
        if isinstance(outcome, UNAVAILABLE):
            raise outcome
    return [o if isinstance(o, RedisError) else bool(o) for o in outcomes]
