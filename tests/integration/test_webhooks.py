"""Webhooks of a whole service, whose front end is killed before and during their delivery."""

import signal
from collections.abc import Iterator

import httpx
import psutil
import pytest
from redis import Redis

from app.webhooks.webhooks import JOB_POLL_S
from contract.keys import WEBHOOKS_KEY
from tests.app.webhooks.receiving import KEY, RAW_KEY, Receiver, run_receiver
from tests.integration.running import Running, metric, run_service, wait_for
from tests.integration.test_errors import problem
from tests.photos import file_of, photo

PASS_S = 1.0
DETACHED = {"Prefer": "respond-async"}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with run_receiver() as server:
        yield server


@pytest.fixture(scope="module")
def telling(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Return a service with webhooks whose photos take a second."""
    with run_service(
        tmp_path_factory.mktemp("webhooks"),
        pass_s=PASS_S,
        WEBHOOK_KEYS=KEY,
        WEBHOOK_HOSTS="127.0.0.1",
        WEBHOOK_LOOPBACK_PORT=str(receiver.port),
        WEBHOOK_TIMEOUT_S="2",
    ) as running:
        assert running.url
        yield running


def send(service: Running, url: str, seed: int = 0) -> httpx.Response:
    """Send a photo as a job with a webhook."""
    return httpx.post(
        f"{service.url}/compress",
        params={"webhook": url},
        headers=DETACHED,
        content=file_of(photo(64 + seed, 48)),
        timeout=30,
    )


def kill_front_end(service: Running) -> None:
    """Kill the service's front end; return when another serves."""
    [front_end] = service.children(" serve ")
    front_end.send_signal(signal.SIGKILL)
    psutil.wait_procs([front_end], 10)
    wait_for(service.is_ready, what="for the next front end")


def test_the_end_of_a_job_is_told(telling: Running, receiver: Receiver) -> None:
    accepted = send(telling, receiver.url("/first"))
    assert accepted.status_code == 202, accepted.text
    # Before another front end would have looked for the end of the job.
    wait_for(lambda: receiver.at("/first"), 0.9 * JOB_POLL_S, "for the webhook")
    [received] = receiver.at("/first")
    assert received.has_signature_of(RAW_KEY)
    document = received.document
    assert document["type"] == "job.finished"
    assert document["data"]["links"]["self"] == accepted.headers["location"]
    image = httpx.get(telling.url + document["data"]["links"]["image"])
    assert len(image.content) == document["data"]["result"]["compressed_bytes"]
    # The same photo again: the job has ended before it is told.
    assert send(telling, receiver.url("/cached")).status_code == 202
    wait_for(lambda: receiver.at("/cached"), 5, "for the webhook of a cached result")
    # A form may have it, too.
    form = httpx.post(
        f"{telling.url}/compress",
        headers=DETACHED,
        files={"file": file_of(photo(64, 48))},
        data={"webhook": receiver.url("/form")},
    )
    assert form.status_code == 202, form.text
    wait_for(lambda: receiver.at("/form"), 5, "for the webhook of a form")
    assert metric(telling.url, 'foveate_webhooks_total{outcome="delivered"}') >= 3
    wait_for(lambda: metric(telling.url, "foveate_open_webhooks") == 0, 5)


def test_a_broken_photo_is_told_as_a_failed_job(telling: Running, receiver: Receiver) -> None:
    broken = file_of(photo(200, 160))
    response = httpx.post(
        f"{telling.url}/compress",
        params={"webhook": receiver.url("/broken")},
        headers=DETACHED,
        content=broken[: len(broken) // 2],
        timeout=30,
    )
    assert response.status_code == 202
    wait_for(lambda: receiver.at("/broken"), what="for the webhook")
    assert receiver.at("/broken")[0].document["type"] == "job.failed"


def test_a_killed_front_end_loses_no_webhook(telling: Running, receiver: Receiver) -> None:
    accepted = [send(telling, receiver.url("/killed"), seed) for seed in range(1, 4)]
    assert [one.status_code for one in accepted] == [202] * 3
    kill_front_end(telling)
    wait_for(lambda: len(receiver.at("/killed")) >= 3, what="for the webhooks")
    told = {one.document["data"]["links"]["self"] for one in receiver.at("/killed")}
    assert told == {one.headers["location"] for one in accepted}


def test_a_front_end_that_is_killed_while_it_delivers_is_replaced(
    telling: Running, receiver: Receiver
) -> None:
    assert send(telling, receiver.url("/slow"), 9).status_code == 202
    wait_for(lambda: receiver.at("/slow"), what="for the first attempt")
    receiver.slow_s = 0
    kill_front_end(telling)
    wait_for(lambda: len(receiver.at("/slow")) >= 2, what="for the next attempt")
    first, *_, last = receiver.at("/slow")
    assert first.headers["webhook-id"] == last.headers["webhook-id"]
    assert first.body == last.body
    with Redis.from_url(telling.redis_url) as connection:
        wait_for(lambda: not connection.exists(WEBHOOKS_KEY), what="for the end of the webhook")


def test_a_webhook_elsewhere_is_refused_before_the_upload(telling: Running) -> None:
    for url in ("http://127.0.0.2/", "http://127.0.0.1:1/", "http://169.254.169.254/", "x"):
        response = send(telling, url)
        assert problem(response) == (422, "invalid-option"), url
    waiting = httpx.post(f"{telling.url}/compress?webhook=http://127.0.0.1/", content=b"x")
    assert problem(waiting) == (422, "invalid-option")
    assert "respond-async" in waiting.json()["detail"]


def test_without_settings_there_is_no_such_option(service: Running) -> None:
    response = send(service, "http://127.0.0.1/")
    assert problem(response) == (422, "invalid-option")
    assert "'webhook' is not an option" in response.json()["detail"]
