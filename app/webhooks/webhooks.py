"""Delivers webhooks; every front end does this, with records that all share.

A webhook is stored before its client gets the job's path. From then on any front end may deliver it: the
one that claims it when it is due. The claim ends by itself, so nothing is lost when that one dies. A
receiver may get a webhook twice, with the same id.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import SystemRandom
from typing import Final, Literal

from redis.exceptions import RedisError

from app.background import BackgroundTask
from app.cancellation import end
from app.queue.job import Job, describe_ended
from app.queue.jobs import Jobs
from app.webhooks.receiver import Answer, Receivers
from app.webhooks.records import Webhook, WebhookRecords
from contract.errors import (
    DeadlineError,
    FoveateError,
    GoneJobError,
    QueueUnavailableError,
    UnknownJobError,
)
from contract.messages import Failure

log = logging.getLogger(__name__)

RANDOM: Final = SystemRandom()
# How often to look for webhooks that are due.
POLL_S: Final = 1.0
# How often to look whether a job has ended whose front end has not said so.
JOB_POLL_S: Final = 5.0
# Deliveries at a time, in this front end, and of them to one host: a slow one must not hold up others.
MAX_DELIVERIES: Final = 64
MAX_PER_HOST: Final = 8
# After which time to look again at a webhook whose host has all its places, for each 500 open ones.
BUSY_DELAY_S: Final = 2.0
BUSY_COUNT: Final = 500
# Between attempts; each pause is twice the one before.
FIRST_PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 300.0
# What a claim lasts beyond the time limit of one attempt.
LEASE_MARGIN_S: Final = 5.0

Outcome = Literal["delivered", "failed", "dropped"]


class Webhooks:
    """The webhooks of asynchronous jobs.

    ``describe`` returns a webhook's body. ``on_outcome`` gets the outcome of each attempt, and `dropped`
    for each webhook that is given up; ``on_open`` how many are open; ``on_death`` the name of the task
    each time it dies. An undelivered one is given up ``lifetime_s`` after the end of its job.
    """

    def __init__(
        self,
        records: WebhookRecords,
        receivers: Receivers,
        jobs: Jobs,
        *,
        timeout_s: float,
        lifetime_s: float,
        job_poll_s: float,
        describe: Callable[[Job, str], bytes],
        on_outcome: Callable[[Outcome], None],
        on_open: Callable[[int], None],
        on_death: Callable[[str], None],
    ) -> None:
        self._records = records
        self.receivers = receivers
        self._jobs = jobs
        self._lease_s = timeout_s + LEASE_MARGIN_S
        self._lifetime_s = lifetime_s
        self._job_poll_s = job_poll_s
        self._describe = describe
        self._on_outcome = on_outcome
        self._on_open = on_open
        self._on_death = on_death
        self._deliveries: set[asyncio.Task[None]] = set()
        self._per_host: Counter[str] = Counter()
        self._open_count = 0
        self._ended: set[str] = set()
        self._woken = asyncio.Event()
        self.loop = BackgroundTask("webhooks", self._run, on_death=on_death)

    def start(self) -> None:
        """Begin to deliver webhooks."""
        self.loop.start()

    async def stop(self) -> None:
        """Stop; other front ends repeat the deliveries that this one has begun."""
        await self.loop.stop()
        if self._deliveries:
            await end(*self._deliveries)
        await self.receivers.close()

    async def add(self, job_id: str, url: str, root_path: str) -> None:
        """Store the webhook of a job that is queued or has ended; ``url`` was checked.

        Raises:
            QueueFullError: when too many are open.
            QueueUnavailableError: when Redis can't be reached or is full.
        """
        try:
            await self._records.add(Webhook(job_id, url, root_path))
        except RedisError as error:
            raise QueueUnavailableError("The queue can't store webhooks now.") from error
        # It may have ended already.
        self._woken.set()

    def wake(self, job_id: str) -> None:
        """Deliver the webhook of a job that has ended, if it has one, without delay."""
        self._ended.add(job_id)
        self._woken.set()

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                await self._deliver_due()
            except RedisError as error:
                log.warning("webhooks can't be read: %s", type(error).__name__)
                await asyncio.sleep(POLL_S)

    async def _deliver_due(self) -> None:
        """Begin to deliver what is due, as far as there are places."""
        if self._ended:
            ended, self._ended = self._ended, set()
            await self._records.hasten(ended)
        while (places := MAX_DELIVERIES - len(self._deliveries)) > 0:
            self._open_count, expired, claimed = await self._records.claim(places, self._lease_s)
            self._on_open(self._open_count)
            for _ in range(expired):
                self._on_outcome("dropped")
            for webhook in claimed:
                task = asyncio.create_task(self._handle(webhook), name="webhook")
                self._deliveries.add(task)
                task.add_done_callback(self._forget)
            if len(claimed) < places:
                return

    def _forget(self, task: "asyncio.Task[None]") -> None:
        self._deliveries.discard(task)
        if len(self._deliveries) == MAX_DELIVERIES - 1:
            self._woken.set()

    async def _handle(self, webhook: Webhook) -> None:
        try:
            await self._deliver(webhook)
        except (RedisError, QueueUnavailableError):
            pass  # it is due again when the claim ends
        except Exception:
            log.exception("the webhook of job %s could not be handled", webhook.job_id)
            self._on_death("webhook")

    async def _deliver(self, webhook: Webhook) -> None:
        if not webhook.body:
            job = await self._find_end(webhook.job_id)
            if job is None:
                await self._records.postpone(webhook, self._job_poll_s)
                return
            # The job's record may expire before this is delivered.
            body = self._describe(job, webhook.root_path)
            webhook = replace(webhook, body=body, expires_unix_s=time.time() + self._lifetime_s)
            await self._records.postpone(webhook, self._lease_s)
        try:
            url = self.receivers.check(webhook.url)
        except FoveateError:
            # The settings have changed. Those of other front ends may still allow it, or do so already.
            await self._settle(webhook, "failed")
            return
        if self._per_host[url.host] >= MAX_PER_HOST:
            delay_s = BUSY_DELAY_S * max(1.0, self._open_count / BUSY_COUNT)
            await self._records.postpone(webhook, delay_s * RANDOM.uniform(0.5, 1.5))
            return
        self._per_host[url.host] += 1
        try:
            answer = await self.receivers.send(url, webhook.job_id, webhook.body)
        finally:
            self._per_host[url.host] -= 1
            self._per_host += Counter()  # without hosts that have none
        await self._settle(webhook, answer)

    async def _find_end(self, job_id: str) -> Job | None:
        """Return the job if it has ended, also without a result, else None."""
        error: FoveateError
        try:
            job = await self._jobs.read(job_id)
        except GoneJobError as gone:
            error = gone
        except UnknownJobError:
            # Nobody has done it, and its record has expired.
            error = DeadlineError("No result before the job's deadline.")
        else:
            return job if job.reply is not None else None
        return describe_ended(job_id, Failure(job_id, error.code, error.detail))

    async def _settle(self, webhook: Webhook, answer: Answer) -> None:
        """Remove a webhook that was delivered or is given up, or plan the next attempt."""
        self._on_outcome("delivered" if answer == "delivered" else "failed")
        pause_s = choose_pause_s(webhook.attempts)
        if answer == "failed" and time.time() + pause_s < webhook.expires_unix_s:
            await self._records.postpone(replace(webhook, attempts=webhook.attempts + 1), pause_s)
            return
        if answer != "delivered":
            log.warning(
                "the webhook of job %s is given up after %d attempts",
                webhook.job_id,
                webhook.attempts + 1,
            )
            self._on_outcome("dropped")
        await self._records.remove(webhook.job_id)


def choose_pause_s(attempts: int) -> float:
    """Return the pause after the attempt with this number, from 0; a random part spreads receivers' load."""
    pause_s = min(FIRST_PAUSE_S * 2.0 ** min(attempts, 30), MAX_PAUSE_S)
    return pause_s * RANDOM.uniform(0.8, 1.2)
