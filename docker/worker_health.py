"""Exit code 0 when RQ lists a worker of this container that still sends heartbeats.

RQ writes a worker's host name into its key and lets the key expire without heartbeats.
"""

import os
import socket
import sys

from redis import Redis
from redis.exceptions import RedisError

from contract.keys import WORKERS_KEY


def is_registered(connection: Redis, hostname: str) -> bool:
    """Return whether a live worker on ``hostname`` serves the queue; raises RedisError."""
    keys = connection.smembers(WORKERS_KEY)
    return any(connection.hget(key, "hostname") == hostname.encode() for key in keys)


def main() -> int:
    """Return the exit code."""
    redis_url = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
    try:
        with Redis.from_url(redis_url, socket_timeout=3) as connection:
            return 0 if is_registered(connection, socket.gethostname()) else 1
    except RedisError as error:
        print(f"Redis does not answer: {type(error).__name__}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
