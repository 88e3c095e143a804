"""Peak memory of the service: when it is ready, after many photos, and after a large one."""

from typing import Any, Final

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.load.closed_loop import MAIN_CLIENTS, Connection, Load, send
from bench.load.service_process import started_service
from bench.load.statistics import summarize

MEMORY_UPLOADS: Final = 500
LARGE_SIZE_PX: Final = (6000, 4000)


def measure_memory(target: str, photos: list[bytes], workers: int | None) -> dict[str, Any]:
    """Return the peak resident sets of a new service in bytes by moment and role.

    The moments are "ready", after `MEMORY_UPLOADS` photos, and after one of 24 megapixels.
    """
    with started_service(workers) as (url, processes):
        peaks: dict[str, Any] = {"ready": processes.peak_rss_bytes()}
        load = Load(url, target, photos, MAIN_CLIENTS, limit=MEMORY_UPLOADS)
        load.start()
        load.join()
        peaks[f"after_{MEMORY_UPLOADS}_uploads"] = processes.peak_rss_bytes()
        large = to_jpeg(generate_photo(*LARGE_SIZE_PX, seed=0))
        connection = Connection(url)
        sample = send(connection, target, large)
        connection.close()
        peaks["after_24_megapixels"] = processes.peak_rss_bytes()
        statuses = [*(s.status for s in load.samples), sample.status]
        peaks["errors"] = summarize([*load.samples, sample], 1.0)["errors"]
        peaks["large_photo"] = {
            "bytes": len(large),
            "status": statuses[-1],
            "ms": sample.elapsed_ms,
        }
    return peaks
