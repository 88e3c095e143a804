"""FastAPI dependencies of the routes."""

from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import Request

from app.service.front_end import Service


async def get_service(request: Request) -> Service:
    """Return the service of this process. A coroutine: FastAPI runs plain functions in threads."""
    return cast("Service", request.app.state.service)


ServiceDependency = Annotated[Service, Depends(get_service)]
