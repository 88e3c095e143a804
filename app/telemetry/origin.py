"""What a job tells of the request that it is for."""

from app.telemetry.request_id import request_id
from app.telemetry.tracing import current_traceparent
from contract.origin import REQUEST_ID_FIELD, TRACEPARENT_FIELD


def describe_origin() -> dict[str, str]:
    """Return the id of the current request, and its span if it is traced."""
    origin = {}
    if chosen := request_id.get():
        origin[REQUEST_ID_FIELD] = chosen
    if traceparent := current_traceparent():
        origin[TRACEPARENT_FIELD] = traceparent
    return origin
