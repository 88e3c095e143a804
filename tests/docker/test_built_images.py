"""The images are built and run as `docker-compose.yml` says, by podman: ``make images``.

Without podman, runc and mmdebstrap, or where no container may run, the tests are skipped.
"""

import contextlib
import io
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from PIL import Image

from bench.environment import describe_machine, write_result
from tests.docker.podman import Podman, find_obstacle, make_debian, open_podman, read_compose
from tests.integration.http_requests import get, new_client
from tests.integration.running import wait_for
from tests.photos import file_of, photo

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

PHOTOS = 50
CLIENTS = 6
FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "HEIC")
BASE = "docker.io/library/python"
# Each image's limit on what it adds to its base.
MAX_ADDED_BYTES = {"app": 200e6, "worker": 700e6}
# Front end and worker stand still if they want a processor for less than this share of that time. While
# they start it is nearly all of it. A service without uploads wanted 2 % beside twelve other processes.
IDLE_S = 60.0
IDLE_SHARE = 0.1
# A worker ends if Redis is not up yet.
MAX_RESTARTS = 5
# Where a container's engine mounts what belongs to it.
MOUNT_POINTS = {"/data", "/dev", "/etc", "/proc", "/run", "/sys", "/tmp"}  # noqa: S108


@dataclass
class Images:
    """The images, the seconds that each build took, and the sizes of all in bytes."""

    podman: Podman
    build_s: dict[str, float] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def added_bytes(self, service: str) -> int:
        """Return what an image adds to its base."""
        return self.sizes[service] - self.sizes["base"]


@pytest.fixture(scope="module")
def images(pytestconfig: pytest.Config) -> Iterator[Images]:
    """Return the images of the front end and the CPU worker."""
    if obstacle := find_obstacle():
        pytest.skip(obstacle)
    archive = Path(pytestconfig.cache.mkdir("images")) / "debian.tar"
    started_s = time.monotonic()
    try:
        make_debian(archive)
    except subprocess.SubprocessError as error:
        pytest.skip(f"no base could be made: {error}")
    with open_podman() as podman:
        made = Images(podman)
        compose = read_compose()["services"]
        base = f"{BASE}:{read_python_tag()}"
        podman.make_bases(archive, base, f"docker.io/{compose['redis']['image']}")
        made.build_s["bases"] = time.monotonic() - started_s
        made.sizes["base"] = podman.inspect(base)["Size"]
        skip_where_no_container_runs(podman, base)
        for service in MAX_ADDED_BYTES:
            started_s = time.monotonic()
            podman.build(service)
            made.build_s[service] = time.monotonic() - started_s
            made.sizes[service] = podman.inspect(compose[service]["image"])["Size"]
        yield made


def read_python_tag() -> str:
    """Return the tag of the base that both Dockerfiles ask for."""
    root = Path(__file__).parents[2]
    tags = {
        line.partition("=")[2]
        for name in MAX_ADDED_BYTES
        for line in (root / "docker" / f"{name}.Dockerfile").read_text().splitlines()
        if line.startswith("ARG PYTHON=")
    }
    (tag,) = tags
    return tag


def skip_where_no_container_runs(podman: Podman, base: str) -> None:
    try:
        podman.run("run", "--rm", "--network=none", "--read-only", base, "true")
    except subprocess.CalledProcessError as error:
        if "not permitted" in error.stderr or "ermission denied" in error.stderr:
            pytest.skip(f"no container runs here: {error.stderr.strip()[-300:]}")
        raise


@dataclass
class Service:
    """The running containers of the profile cpu."""

    podman: Podman
    url: str

    def container(self, service: str) -> dict[str, Any]:
        """Return what podman knows of a service's only running container."""
        (name,) = self.podman.containers(service)
        return self.podman.inspect(name)

    def process(self, service: str) -> psutil.Process:
        """Return the service's process, whose parent is the container's init."""
        (child,) = psutil.Process(self.container(service)["State"]["Pid"]).children()
        return child

    def is_ready(self) -> bool:
        """Return whether the front end has a worker."""
        try:
            return get(f"{self.url}/readyz").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        """Wait as long as front end and worker start; on a busy machine that may take minutes.

        Raises:
            AssertionError: when they do nothing more, or the worker ends again and again.
        """
        wanted_s, looked_s = self.wanted_s(), time.monotonic()
        while not self.is_ready():
            passed_s = time.monotonic() - looked_s
            if passed_s > IDLE_S:
                before_s, wanted_s, looked_s = wanted_s, self.wanted_s(), time.monotonic()
                assert wanted_s - before_s > IDLE_SHARE * passed_s, "the containers stand still"
            restarts = sum(
                self.podman.inspect(name)["RestartCount"]
                for name in self.podman.containers("worker")
            )
            assert restarts <= MAX_RESTARTS, "the worker ends again and again"
            time.sleep(0.5)

    def wanted_s(self) -> float:
        """Return how long front end and worker have run or waited for a processor, all threads."""
        processes = []
        for name in ("app", "worker"):
            for container in self.podman.containers(name):
                # One that is being started again has no process.
                with contextlib.suppress(psutil.Error):
                    init = psutil.Process(self.podman.inspect(container)["State"]["Pid"])
                    processes += init.children(recursive=True)
        total_ns = 0
        for process in processes:
            for path in Path(f"/proc/{process.pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    total_ns += sum(map(int, path.read_text().split()[:2]))
        return total_ns / 1e9


@pytest.fixture(scope="module")
def service(images: Images) -> Iterator[Service]:
    """Return the service as ``docker compose --profile cpu up`` starts it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    images.podman.compose("up", "--detach", PORT=str(port))
    running = Service(images.podman, f"http://127.0.0.1:{port}")
    try:
        running.wait_until_ready()
        yield running
    finally:
        for name in images.podman.run("ps", "--all", "--format", "{{.Names}}").split():
            print(name, images.podman.read_logs(name), sep="\n")


def test_images_are_small(images: Images) -> None:
    for service, limit in MAX_ADDED_BYTES.items():
        assert images.added_bytes(service) <= limit, service
    if path := os.environ.get("IMAGES_OUT"):
        summary = {
            "build_s": {name: round(seconds, 1) for name, seconds in images.build_s.items()},
            "added_bytes": {name: images.added_bytes(name) for name in MAX_ADDED_BYTES},
        }
        meta = {**describe_machine(()), "command": "make images OUT=bench/results/images.json"}
        write_result(Path(path), {"meta": meta, "summary": summary})


def test_containers_are_healthy(service: Service) -> None:
    for name in ("app", "worker", "redis"):
        (container,) = service.podman.containers(name)
        assert service.podman.is_healthy(container), name


def test_containers_have_no_rights(service: Service) -> None:
    for name in ("app", "worker", "redis"):
        process = service.process(name)
        status = dict(
            line.split(":\t", 1)
            for line in Path(f"/proc/{process.pid}/status").read_text().splitlines()
        )
        assert {*status["Uid"].split(), *status["Gid"].split()} == {"10001"}, name
        assert {status[key] for key in status if key.startswith("Cap")} == {"0" * 16}, name
        assert status["NoNewPrivs"] == "1", name
        assert status["Seccomp"] == "2", name


def test_containers_have_the_limits_of_the_compose_file(service: Service) -> None:
    units = {"m": 2**20, "g": 2**30}
    for name, declared in read_compose()["services"].items():
        limits = service.container(name)["HostConfig"]
        written = declared["mem_limit"]
        assert limits["Memory"] == int(written[:-1]) * units[written[-1]], name
        assert limits["PidsLimit"] == declared["pids_limit"], name
        assert limits["NanoCpus"] > 0, name
        assert limits["RestartPolicy"]["Name"] == declared["restart"], name
        assert limits["ReadonlyRootfs"], name


def test_workers_and_redis_reach_nothing_outside(service: Service) -> None:
    for name, has_route in (("app", True), ("worker", False), ("redis", False)):
        routes = Path(f"/proc/{service.process(name).pid}/net/route").read_text().splitlines()[1:]
        assert any(line.split()[1] == "00000000" for line in routes) == has_route, name


def test_only_the_front_end_is_published_and_on_this_machine_only(service: Service) -> None:
    bound = [
        address["HostIp"]
        for name in ("app", "worker", "redis")
        for addresses in (service.container(name)["HostConfig"]["PortBindings"] or {}).values()
        for address in addresses
    ]
    assert bound == ["127.0.0.1"]


def make_upload(number: int) -> tuple[bytes, tuple[int, int]]:
    """Return a photo that no other equals, and its size."""
    size = (320 + 4 * number, 240)
    name = FORMATS[number % len(FORMATS)]
    return file_of(photo(*size, number), name), size


def test_no_photo_is_lost_when_a_worker_is_killed(service: Service) -> None:
    before = service.container("worker")["RestartCount"]
    uploads = [make_upload(number) for number in range(PHOTOS)]
    with (
        new_client(base_url=service.url, timeout=120) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        responses = [pool.submit(client.post, "/compress", content=file) for file, _ in uploads]
        wait_for(lambda: count_done(responses) >= PHOTOS // 4, 120, "for the first photos")
        service.process("worker").send_signal(signal.SIGKILL)
        assert count_done(responses) < PHOTOS
        for response, (_, size) in zip(responses, uploads, strict=True):
            check_photo(response.result(), size)
    assert service.container("worker")["RestartCount"] == before + 1


def test_a_volume_keeps_the_kernels_of_the_image(service: Service) -> None:
    """A worker that had to compile them would change the volume."""
    (volume,) = service.podman.run("volume", "ls", "--quiet").split()
    kernels = Path(
        service.podman.run("volume", "inspect", "--format", "{{.Mountpoint}}", volume).strip()
    )
    image = service.podman.run("image", "mount", "foveate-worker").strip()
    built = Path(image, "var/cache/foveate")
    names = {path.relative_to(built) for path in built.rglob("*") if path.is_file()}
    assert names
    assert {path.relative_to(kernels) for path in kernels.rglob("*") if path.is_file()} == names


def test_nothing_is_written_outside_volumes(service: Service) -> None:
    for name in ("app", "worker", "redis"):
        (container,) = service.podman.containers(name)
        changes = service.podman.run("diff", container).splitlines()
        assert {line.split()[1] for line in changes} <= MOUNT_POINTS, name
    # Pieces of uploads and the confined decoders' files end with their photos.
    for name in ("app", "worker"):
        temporary = Path(f"/proc/{service.process(name).pid}/root/tmp")
        assert [path for path in temporary.rglob("*") if path.is_file()] == [], name


def test_containers_end_after_their_open_photos(service: Service) -> None:
    uploads = [make_upload(PHOTOS + number) for number in range(CLIENTS)]
    names = {name: service.podman.containers(name)[0] for name in ("app", "worker", "redis")}
    with (
        new_client(base_url=service.url, timeout=120) as client,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        responses = [pool.submit(client.post, "/compress", content=file) for file, _ in uploads]
        wait_for(lambda: count_done(responses) > 0, 60, "for the first photo")
        # The order of depends_on, reversed.
        for name in names:
            service.podman.compose("stop", name)
        for response, (_, size) in zip(responses, uploads, strict=True):
            check_photo(response.result(), size)
    for name, container in names.items():
        # uvicorn ends by the signal that it got.
        ended = {0, 128 + signal.SIGTERM} if name == "app" else {0}
        assert service.podman.inspect(container)["State"]["ExitCode"] in ended, name


def count_done(responses: list[Future[httpx.Response]]) -> int:
    return sum(response.done() for response in responses)


def check_photo(response: httpx.Response, size: tuple[int, int]) -> None:
    assert response.status_code == httpx.codes.OK, response.text
    assert Image.open(io.BytesIO(response.content)).size == size
