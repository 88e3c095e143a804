"""Liveness, readiness and metrics."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.http.dependencies import ServiceDependency
from app.http.problems import to_response
from app.service.scrape import scrape
from contract.errors import NoWorkerError, QueueUnavailableError

router = APIRouter()


@router.get("/livez", summary="Liveness", response_class=PlainTextResponse)
async def livez() -> str:
    """Respond with 200 as long as the process works."""
    return "ok"


@router.get("/readyz", summary="Readiness")
async def readyz(service: ServiceDependency) -> Response:
    """Respond with 200 if Redis responds, a worker is ready and all background tasks run, else 503.

    While the first worker compiles its kernels, the problem says how far it is.
    """
    compiling = None
    try:
        workers = await service.count_workers()
        if not workers:
            compiling = await service.live_workers.read_compiled()
    # Returned, not raised: a failed check is no error of a request.
    except RedisError:
        return to_response(QueueUnavailableError("Redis does not respond."))
    if compiling:
        compiled, total = compiling
        detail = f"No worker is ready: compiling kernels, {compiled} of {total}."
        members = {"kernels": {"compiled": compiled, "total": total}}
        return to_response(NoWorkerError(detail), members=members)
    if not workers:
        return to_response(NoWorkerError("No worker is ready."))
    if broken := service.find_broken_tasks():
        names = ", ".join(broken)
        return to_response(QueueUnavailableError(f"Background tasks can't run: {names}."))
    return JSONResponse({"workers": workers})


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(service: ServiceDependency) -> Response:
    """Get the metrics of all front ends on this port in Prometheus' text format."""
    return Response(await scrape(service), media_type=CONTENT_TYPE_LATEST)
