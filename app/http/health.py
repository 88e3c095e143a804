"""Liveness, readiness and metrics."""

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from redis.exceptions import RedisError
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.http.dependencies import ServiceDependency
from app.http.problems import to_response
from app.liveness.live_workers import read_versions
from contract.errors import NoWorkerError, QueueUnavailableError

router = APIRouter()


@router.get("/livez", summary="Does the process answer?", response_class=PlainTextResponse)
async def livez() -> str:
    """Answer as long as the event loop runs."""
    return "ok"


@router.get("/readyz", summary="Can photos be compressed now?")
async def readyz(service: ServiceDependency) -> Response:
    """Answer 200 when Redis answers and at least one worker is alive with a warm model."""
    try:
        workers = await service.count_workers()
    # Returned, not raised: a failed probe is not counted as a failed request.
    except RedisError:
        return to_response(QueueUnavailableError("Redis does not answer."))
    if not workers:
        return to_response(NoWorkerError("No worker is alive and warm."))
    return JSONResponse({"workers": workers})


@router.get("/metrics", summary="Prometheus metrics", response_class=PlainTextResponse)
async def metrics(service: ServiceDependency) -> Response:
    """Return the metrics of this front end, and of those on its port, in Prometheus' text format."""
    gauges = service.metrics
    gauges.pending.set(service.admission.pending)
    try:
        gauges.queue_length.set(await service.queue.length())
        gauges.workers.set(len(await read_versions(service.queue.redis)))
    except RedisError:  # unknown is not zero
        gauges.queue_length.set(float("nan"))
        gauges.workers.set(float("nan"))
    return Response(gauges.expose(), media_type=CONTENT_TYPE_LATEST)
