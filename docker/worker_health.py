"""Checks a worker's health: exits with 0 when RQ lists a live worker of this container.

RQ writes a worker's host name into a hash, which expires when the worker sends no more heartbeats.
"""

import os
import socket
import sys

from redis import Redis
from redis.exceptions import RedisError

from contract.keys import WORKERS_KEY
from contract.redis_url import check_redis_url


def is_registered(connection: Redis, hostname: str) -> bool:
    """Return whether a live worker on ``hostname`` serves the queue.

    Raises:
        RedisError: when Redis can't be reached.
    """
    keys = connection.smembers(WORKERS_KEY)
    with connection.pipeline(transaction=False) as pipeline:
        for key in keys:
            pipeline.hget(key, "hostname")
        # A key that is no hash has an error in place of its host name.
        return hostname.encode() in pipeline.execute(raise_on_error=False)


def main() -> int:
    """Check the worker of this container; return the exit code."""
    redis_url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        check_redis_url(redis_url)
        with Redis.from_url(redis_url, socket_timeout=3) as connection:
            return 0 if is_registered(connection, socket.gethostname()) else 1
    except RedisError as error:
        print(f"Redis does not respond: {type(error).__name__}", file=sys.stderr)
    except ValueError as error:
        print(f"REDIS_URL is invalid: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
