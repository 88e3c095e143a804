"""The webhooks that are not delivered yet, in Redis: they outlive every front end."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

from redis.asyncio import Redis

from app.queue.rq_jobs import job_ttl_s
from app.redis import register_script
from contract.errors import QueueFullError
from contract.keys import WEBHOOKS_KEY, webhook_key

log = logging.getLogger(__name__)

ADD_SCRIPT: Final = Path(__file__).with_name("add.lua")
CLAIM_SCRIPT: Final = Path(__file__).with_name("claim.lua")
# Of all front ends; each takes up to 4 KB in Redis.
MAX_OPEN: Final = 10_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """What is to be sent to ``url`` when the job has ended; its id is that of the job.

    ``body`` is empty until then. It is given up at ``expires_unix_s``, 0 until then.
    """

    job_id: str
    url: str
    root_path: str
    attempts: int = 0
    body: bytes = b""
    expires_unix_s: float = 0.0


class WebhookRecords:
    """Stores webhooks until ``lifetime_s`` after jobs of at most ``deadline_s``."""

    def __init__(self, redis: Redis, *, deadline_s: float, lifetime_s: int) -> None:
        self._redis = redis
        self._ttl_s = job_ttl_s(deadline_s) + lifetime_s
        self._add_script = register_script(redis, ADD_SCRIPT)
        self._claim_script = register_script(redis, CLAIM_SCRIPT)

    async def add(self, webhook: Webhook) -> None:
        """Store a webhook; it is due at once.

        Raises:
            QueueFullError: when too many are open.
            RedisError: when Redis can't be reached or is full.
        """
        fields = ("url", webhook.url, "root_path", webhook.root_path)
        is_stored = await self._add_script(
            keys=[WEBHOOKS_KEY, webhook_key(webhook.job_id)],
            args=[webhook.job_id, time.time(), self._ttl_s, MAX_OPEN, *fields],
        )
        if not is_stored:
            raise QueueFullError("Too many webhooks wait for their delivery.", retry_after_s=60)

    async def claim(self, count: int, lease_s: float) -> tuple[int, int, list[Webhook]]:
        """Return how many webhooks are open, how many have just expired, and up to ``count`` that are due.

        The last are due again after ``lease_s``, unless they are removed or postponed before. Those
        that can't be read are removed, and count as expired.

        Raises:
            RedisError: when Redis can't be reached.
        """
        now_s = time.time()
        found = await self._claim_script(
            keys=[WEBHOOKS_KEY], args=[now_s, now_s + lease_s, count, webhook_key("")]
        )
        open_count, expired, claimed = cast(
            "tuple[int, int, list[tuple[bytes, list[bytes]]]]", found
        )
        webhooks = []
        for job_id, raw in claimed:
            try:
                webhooks.append(read_webhook(job_id.decode(), raw))
            except (KeyError, ValueError):
                log.exception("the webhook of job %a can't be read; removing it", job_id)
                await self.remove(job_id)
        unread = len(claimed) - len(webhooks)
        return open_count - unread, expired + unread, webhooks

    async def hasten(self, job_ids: Iterable[str]) -> None:
        """Make webhooks due at once, as far as they are still open.

        Raises:
            RedisError: when Redis can't be reached.
        """
        await self._redis.zadd(WEBHOOKS_KEY, dict.fromkeys(job_ids, time.time()), xx=True)

    async def postpone(self, webhook: Webhook, due_s: float) -> None:
        """Store a webhook's progress; it is due again in ``due_s``.

        Raises:
            RedisError: when Redis can't be reached or is full.
        """
        key = webhook_key(webhook.job_id)
        fields: dict[Any, Any] = {
            "url": webhook.url,
            "attempts": webhook.attempts,
            "body": webhook.body,
            "expires": webhook.expires_unix_s,
        }
        async with self._redis.pipeline(transaction=True) as pipeline:
            if webhook.body:
                # Another front end may have removed it meanwhile, so what is written expires.
                pipeline.hset(key, mapping=fields)
                pipeline.expireat(key, int(webhook.expires_unix_s) + 1)
            pipeline.zadd(WEBHOOKS_KEY, {webhook.job_id: time.time() + due_s}, xx=True)
            await pipeline.execute()

    async def remove(self, job_id: str | bytes) -> None:
        """Forget a webhook.

        Raises:
            RedisError: when Redis can't be reached.
        """
        raw_id = job_id.encode() if isinstance(job_id, str) else job_id
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.delete(webhook_key("").encode() + raw_id)
            pipeline.zrem(WEBHOOKS_KEY, raw_id)
            await pipeline.execute()


def read_webhook(job_id: str, raw: list[bytes]) -> Webhook:
    """Return a webhook from its fields in Redis."""
    fields = dict(zip(raw[::2], raw[1::2], strict=True))
    return Webhook(
        job_id,
        fields[b"url"].decode(),
        fields.get(b"root_path", b"").decode(),
        int(fields.get(b"attempts", 0)),
        fields.get(b"body", b""),
        float(fields.get(b"expires", 0)),
    )
