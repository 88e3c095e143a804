"""A connection to Redis that is cut at any command of a request: the right picture or a 503."""

import asyncio
import hashlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count

import httpx
import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from app.cancellation import end
from app.service.front_end import Service
from bench.robustness.cutting_proxy import Cut, CuttingProxy, cut_nothing
from contract.keys import (
    QUEUE_KEY,
    RECORD_TTL_FACTOR,
    heatmap_key,
    image_key,
    input_key,
    record_key,
    reply_key,
)
from contract.messages import Failure, Request, Result, encode_reply
from tests.app.http.in_process import PHOTO, read_problem, use_service
from tests.integration.cut_connections import MAX_COMMANDS, CutAt
from worker.replies import REPLY

TTL_S = 20
VERSION = "v"
UPLOADS = count()


def new_upload() -> bytes:
    """Return a photo that was never sent."""
    return PHOTO + str(next(UPLOADS)).encode()


def compressed(upload: bytes) -> bytes:
    return b"jpeg of " + hashlib.sha256(upload).digest()


def heatmap_of(upload: bytes) -> bytes:
    return b"heatmap of " + hashlib.sha256(upload).digest()


class SimulatedWorker:
    """Replies as a worker does, over connections that are not cut; ``runs`` counts inputs."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection
        self._reply = connection.register_script(REPLY)
        self.runs: Counter[bytes] = Counter()

    async def work(self) -> None:
        while True:
            job_id = self._connection.lpop(QUEUE_KEY)
            if job_id is None:
                await asyncio.sleep(0.001)
            else:
                self._run(job_id.decode())

    def _run(self, job_id: str) -> None:
        job = Job.fetch(job_id, connection=self._connection, serializer=JSONSerializer)
        request = Request.from_json(job.kwargs["request"])
        upload = self._connection.get(input_key(job_id))
        if upload is None:
            return
        self.runs[upload] += 1
        image = compressed(upload)
        has_heatmap = request.options.heatmap != "none"
        blobs = {image_key(job_id): image}
        if has_heatmap:
            blobs[heatmap_key(job_id)] = heatmap_of(upload)
        reply: Result | Failure = Result(
            job_id,
            32,
            24,
            len(upload),
            len(image),
            len(image),
            VERSION,
            "image/png" if has_heatmap else None,
            {"queue": 1.0},
            1,
        )
        if request.options.quality == 1:
            reply, blobs = Failure(job_id, "corrupt-image", "Broken."), {}
        keys = [input_key(job_id), reply_key(request.reply_to), record_key(job_id), *blobs]
        args = [TTL_S, RECORD_TTL_FACTOR * TTL_S, encode_reply(reply), *blobs.values()]
        self._reply(keys=keys, args=args)
        # As finish.lua does.
        self._connection.expire(job.key, TTL_S)


Client = httpx.AsyncClient
Flow = Callable[[Client], Awaitable[list[httpx.Response]]]


async def send_photo(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    response = await client.post("/compress", content=upload)
    check(response, compressed(upload))
    return [response]


async def send_photo_without_cache(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    response = await client.post("/compress", content=upload, headers={"Cache-Control": "no-store"})
    check(response, compressed(upload))
    return [response]


async def send_for_two_parts_without_cache(client: Client) -> list[httpx.Response]:
    return await send_for_two_parts(client, {"Cache-Control": "no-store"})


async def send_for_two_parts(
    client: Client, headers: dict[str, str] | None = None
) -> list[httpx.Response]:
    upload = new_upload()
    response = await client.post(
        "/compress?heatmap=map",
        content=upload,
        headers={"Accept": "multipart/mixed", **(headers or {})},
    )
    if response.status_code == 200:
        head, image, heatmap, tail = split_parts(response)
        assert (head, image, heatmap, tail) == (b"", compressed(upload), heatmap_of(upload), b"")
    return [response]


def split_parts(response: httpx.Response) -> list[bytes]:
    boundary = response.headers["content-type"].partition('boundary="')[2].rstrip('"').encode()
    head, *parts, tail = response.content.split(b"--" + boundary)
    bodies = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts]
    return [head, *bodies, tail.removeprefix(b"--").strip()]


async def send_for_links(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    response = await client.post(
        "/compress?heatmap=map", content=upload, headers={"Accept": "application/json"}
    )
    if response.status_code != 200:
        return [response]
    links = response.json()["links"]
    image = await client.get(links["image"])
    check(image, compressed(upload))
    heatmap = await client.get(links["heatmap"])
    check(heatmap, heatmap_of(upload))
    return [response, image, heatmap]


async def send_for_a_heatmap_link(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    response = await client.post(
        "/compress?heatmap=map", content=upload, headers={"Cache-Control": "no-store"}
    )
    check(response, compressed(upload))
    if response.status_code != 200:
        return [response]
    heatmap = await client.get(response.headers["Link"].partition("<")[2].partition(">")[0])
    check(heatmap, heatmap_of(upload))
    return [response, heatmap]


async def send_twice(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    responses = [await client.post("/compress", content=upload)]
    if responses[0].status_code == 200:
        responses.append(await client.post("/compress", content=upload))
    for response in responses:
        check(response, compressed(upload))
    return responses


async def send_at_once(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    responses = await asyncio.gather(*(client.post("/compress", content=upload) for _ in range(2)))
    for response in responses:
        check(response, compressed(upload))
    return responses


async def send_detached(client: Client) -> list[httpx.Response]:
    upload = new_upload()
    started = await client.post("/compress", content=upload, headers={"Prefer": "respond-async"})
    if started.status_code != 202:
        check(started, b"")
        return [started]
    path = started.headers["Location"]
    responses = [started]
    image = await repeat(client, "GET", f"{path}/image", responses)
    check(image, compressed(upload))
    deleted = await repeat(client, "DELETE", path, responses)
    assert deleted.status_code in {204, 410}
    gone = await repeat(client, "GET", path, responses)
    assert read_problem(gone) == (410, "job-gone")
    return responses


async def repeat(
    client: Client, method: str, path: str, responses: list[httpx.Response]
) -> httpx.Response:
    """Send a request until the job has ended and the queue is available; note 503s."""
    ends_s = time.monotonic() + 8
    while True:
        response = await client.request(method, path)
        assert time.monotonic() < ends_s, response.text
        if response.status_code == 503:
            check(response, b"")
            responses.append(response)
        elif response.status_code != 409:
            return response
        await asyncio.sleep(0.005)


async def send_damaged(client: Client) -> list[httpx.Response]:
    response = await client.post("/compress?quality=1", content=new_upload())
    if response.status_code != 422:
        check(response, b"")
    return [response]


FLOWS: list[Flow] = [
    send_photo,
    send_photo_without_cache,
    send_for_two_parts,
    send_for_two_parts_without_cache,
    send_for_links,
    send_for_a_heatmap_link,
    send_twice,
    send_at_once,
    send_detached,
    send_damaged,
]


def check(response: httpx.Response, body: bytes) -> None:
    """Check that a response is ``body``, byte for byte, or says that the queue is unavailable."""
    if response.status_code != 200:
        assert read_problem(response) == (503, "queue-unavailable")
        return
    assert response.content == body


@pytest.mark.parametrize(("when", "cuts"), [("before", 1), ("after", 1), ("after", 2)])
@pytest.mark.parametrize("flow", FLOWS)
def test_a_cut_at_any_command_gives_the_right_picture_or_a_problem(
    cutting_proxy: CuttingProxy, connection: Redis, flow: Flow, when: Cut, cuts: int
) -> None:
    worker = SimulatedWorker(connection)
    ends: list[tuple[str, list[int]]] = []

    async def work(client: Client, service: Service) -> None:
        service.queue.start()
        service.versions = frozenset({VERSION})
        working = asyncio.ensure_future(worker.work())
        await flow(client)
        for number in range(1, MAX_COMMANDS):
            cutting_proxy.choose = cut = CutAt(number, when, cuts)
            try:
                statuses = [response.status_code for response in await flow(client)]
            except AssertionError as error:
                error.add_note(f"cut {when} command {number}: {cut.command}")
                raise
            finally:
                cutting_proxy.choose = cut_nothing
            if not cut.command:
                break
            ends.append((cut.command, statuses))
        while service.admission.pending:
            await asyncio.sleep(0.005)
        await end(working)

    use_service(work, cutting_proxy.url, result_ttl_s=TTL_S)
    assert 4 < len(ends) < MAX_COMMANDS - 1
    # A command is repeated, so a single cut changes nothing.
    refused = [cut for cut in ends if 503 in cut[1]]
    assert cuts == 2 or not refused, refused
    # The reply is known before its record is deleted.
    if flow is send_damaged:
        assert [cut[1] for cut in ends if cut[0].startswith("DEL")] == [[422]]
    # Only a cached result that could not be read is made again.
    assert max(worker.runs.values()) <= cuts
    assert not connection.llen(QUEUE_KEY)
    lasting = {key for key in connection.scan_iter() if connection.ttl(key) == -1}
    assert lasting <= {b"rq:queues"}


@pytest.mark.parametrize(
    "flow", [send_photo, send_photo_without_cache, send_detached, send_damaged]
)
def test_a_reply_lost_with_the_connection_changes_no_response(
    cutting_proxy: CuttingProxy, connection: Redis, flow: Flow
) -> None:
    lost: list[bytes] = []

    def cut_next(words: list[bytes]) -> Cut | None:
        if words[0] != b"BLMPOP" or lost:
            return None
        lost.append(words[0])
        return "after"

    async def work(client: Client, service: Service) -> None:
        cutting_proxy.choose = cut_next
        service.queue.start()
        service.versions = frozenset({VERSION})
        working = asyncio.ensure_future(SimulatedWorker(connection).work())
        try:
            statuses = [response.status_code for response in await flow(client)]
        finally:
            cutting_proxy.choose = cut_nothing
        assert lost
        assert 503 not in statuses
        await end(working)

    use_service(work, cutting_proxy.url, result_ttl_s=TTL_S)
