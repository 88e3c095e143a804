"""What the worker writes for the front end: blobs under their keys, a reply on its list.

The reply is kept as the job's record as well: who asks for a job later may be another front end.
"""

from collections.abc import Mapping

from redis import Redis

from contract.keys import RECORD_LIVES, input_key, record_key, reply_key
from contract.messages import Failure, Result, encode_reply


def send_result(
    connection: Redis, reply_to: str, result: Result, blobs: Mapping[str, bytes], ttl_s: int
) -> None:
    """Store a job's blobs and announce its result, all or nothing.

    The input goes in the same transaction: a job that runs again after this, because its worker
    died before RQ knew, finds no input and ends without a second reply.
    """
    with connection.pipeline(transaction=True) as pipeline:
        pipeline.delete(input_key(result.job_id))
        for key, blob in blobs.items():
            pipeline.set(key, blob, ex=ttl_s)
        # Not over a record that is there: the job was deleted while it ran.
        pipeline.set(
            record_key(result.job_id), encode_reply(result), ex=RECORD_LIVES * ttl_s, nx=True
        )
        pipeline.rpush(reply_key(reply_to), encode_reply(result))
        pipeline.expire(reply_key(reply_to), ttl_s)
        pipeline.execute()


def send_failure(connection: Redis, reply_to: str, failure: Failure, ttl_s: int) -> None:
    """Announce a job's end in an error and let go of its input.

    No transaction: with Redis out of memory the input must go even if the reply can't be written.
    """
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.delete(input_key(failure.job_id))
        pipeline.set(
            record_key(failure.job_id), encode_reply(failure), ex=RECORD_LIVES * ttl_s, nx=True
        )
        pipeline.rpush(reply_key(reply_to), encode_reply(failure))
        pipeline.expire(reply_key(reply_to), ttl_s)
        pipeline.execute()
