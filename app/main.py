"""The ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app import health, problems, routes
from app.page import routes as page
from app.request_id import RequestIdMiddleware
from app.service import Service
from app.settings import AppSettings


def create_app(settings: AppSettings | None = None) -> FastAPI:
    """Return the front end for ``settings``, by default those of the environment."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = Service(settings or AppSettings())
        app.state.service = service
        service.start()
        yield
        await service.stop()

    app = FastAPIOffline(
        title="Foveate",
        summary="Photos that spend their bytes where people look.",
        version="0.1.0",
        lifespan=lifespan,
        redoc_url=None,
        static_url="/docs/assets",
    )
    app.add_middleware(RequestIdMiddleware)
    problems.install(app)
    app.include_router(routes.router)
    app.include_router(health.router)
    page.install(app)
    return app
