"""The ASGI application."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from app.http import compress, fetch, health, jobs, problems
from app.http.documents import describe_webhook
from app.http.headers import REQUEST_HEADERS, RESPONSE_HEADERS
from app.http.methods import create_fallback_routes
from app.http.middlewares.api_keys import ApiKeyMiddleware
from app.http.middlewares.security_headers import SecurityHeadersMiddleware
from app.page import routes as page
from app.root_path import RootPathMiddleware
from app.service.front_end import Service
from app.settings import AppSettings
from app.sources.allow_list import AllowList
from app.sources.client import Upstream
from app.sources.s3 import S3Store
from app.sources.s3_signature import Credentials
from app.sources.s3_url import parse_endpoint
from app.telemetry import tracing
from app.telemetry.logs import RequestLogMiddleware
from app.telemetry.request_id import RequestIdMiddleware
from app.webhooks.receiver import Receivers
from app.webhooks.records import WebhookRecords
from app.webhooks.signature import parse_key
from app.webhooks.webhooks import JOB_POLL_S, Webhooks
from contract.version import VERSION

log = logging.getLogger(__name__)


def create_app(settings: AppSettings | None = None) -> FastAPI:
    """Return the front end for ``settings``, by default those of the environment."""
    chosen = settings or AppSettings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        # Not earlier: the server configures logging after it has loaded the application.
        if bool(chosen.fetch_keys) != has_sources(chosen):
            log.warning(
                "/fetch is off: it needs both FETCH_KEYS and FETCH_HOSTS or S3_BUCKETS, and one is "
                "empty"
            )
        if bool(chosen.webhook_keys) != bool(chosen.webhook_hosts):
            log.warning(
                "webhooks are off: they need both WEBHOOK_KEYS and WEBHOOK_HOSTS, and one is empty"
            )
        service = Service(chosen)
        app.state.service = service
        app.state.upstream = create_upstream(chosen)
        app.state.store = create_store(chosen)
        webhooks = app.state.webhooks = create_webhooks(chosen, service)
        service.start()
        if webhooks:
            webhooks.start()
        yield
        if webhooks:
            await webhooks.stop()
        await app.state.upstream.close()
        if app.state.store:
            await app.state.store.upstream.close()
        await service.stop()
        await asyncio.to_thread(send_last_spans)

    app = FastAPIOffline(
        title="Foveate",
        summary="Photos that spend their bytes where people look.",
        version=VERSION,
        lifespan=lifespan,
        redoc_url=None,
        # A redirect would have the host and scheme of the request, which a proxy may change.
        redirect_slashes=False,
        static_url="/docs/assets",
    )
    app.state.store = app.state.webhooks = None
    add_middlewares(app, chosen)
    problems.install(app)
    routers = [compress.router, jobs.router, health.router]
    if chosen.fetch_keys and has_sources(chosen):
        routers.append(fetch.router)
    # A plain route before FastAPI's: the handler parses query, headers and body itself, so FastAPI's
    # request handling would only cost time. FastAPI's own route is there for OpenAPI.
    app.router.routes.insert(0, Route("/compress", compress.compress, methods=["POST"]))
    for router in routers:
        app.include_router(router)
    app.router.routes += create_fallback_routes(routers)
    page.install(app)
    send_last_spans = tracing.instrument(app)
    return app


def add_middlewares(app: FastAPI, settings: AppSettings) -> None:
    """Add the middlewares; the last one added is the outermost."""
    app.add_middleware(RootPathMiddleware, root_path=settings.root_path)
    app.add_middleware(problems.ErrorMiddleware)
    if settings.api_keys:
        keys = [key.get_secret_value() for key in settings.api_keys]
        app.add_middleware(ApiKeyMiddleware, keys=keys)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST", "DELETE"),
            allow_headers=tuple(REQUEST_HEADERS),
            expose_headers=tuple(RESPONSE_HEADERS),
        )
    app.add_middleware(SecurityHeadersMiddleware, timing_origins=settings.cors_origins)
    app.add_middleware(RequestLogMiddleware)
    app.add_middleware(RequestIdMiddleware)


def create_upstream(settings: AppSettings) -> Upstream:
    """Return the client that downloads sources of /fetch, with the limits of ``settings``."""
    return Upstream(
        AllowList(settings.fetch_hosts, settings.fetch_ports, settings.fetch_loopback_port),
        max_bytes=settings.max_upload_bytes,
        timeout_s=settings.fetch_timeout_s,
        read_timeout_s=settings.fetch_read_timeout_s,
    )


def has_sources(settings: AppSettings) -> bool:
    """Return whether there is anything that /fetch may download."""
    return bool(settings.fetch_hosts or settings.s3_buckets)


def create_store(settings: AppSettings) -> S3Store | None:
    """Return the store of s3:// sources, None if ``settings`` allow no bucket."""
    if not settings.s3_buckets:
        return None
    secrets = (
        settings.aws_access_key_id,
        settings.aws_secret_access_key,
        settings.aws_session_token,
    )
    return S3Store(
        parse_endpoint(settings.s3_endpoint),
        settings.s3_region,
        Credentials(*(secret.get_secret_value() if secret else "" for secret in secrets)),
        settings.s3_buckets,
        max_bytes=settings.max_upload_bytes,
        timeout_s=settings.fetch_timeout_s,
        read_timeout_s=settings.fetch_read_timeout_s,
    )


def create_webhooks(settings: AppSettings, service: Service) -> Webhooks | None:
    """Return what delivers webhooks, None if ``settings`` have no keys or no hosts for it."""
    if not (settings.webhook_keys and settings.webhook_hosts):
        return None
    metrics = service.metrics
    return Webhooks(
        WebhookRecords(
            service.queue.redis,
            deadline_s=settings.job_deadline_s,
            lifetime_s=settings.webhook_lifetime_s,
        ),
        Receivers(
            AllowList(
                settings.webhook_hosts, settings.webhook_ports, settings.webhook_loopback_port
            ),
            [parse_key(key.get_secret_value()) for key in settings.webhook_keys],
            timeout_s=settings.webhook_timeout_s,
        ),
        service.jobs,
        timeout_s=settings.webhook_timeout_s,
        lifetime_s=settings.webhook_lifetime_s,
        # Before the record of a job expires, whose front end has died.
        job_poll_s=min(JOB_POLL_S, settings.result_ttl_s),
        describe=describe_webhook,
        on_outcome=lambda outcome: metrics.webhooks.labels(outcome).inc(),
        on_open=metrics.open_webhooks.set,
        on_death=metrics.count_death,
    )
