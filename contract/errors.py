"""All errors of the service, as one tree.

::

    FoveateError
    ├── ClientError                the upload or its options are at fault
    │   ├── MalformedRequestError     400
    │   ├── MissingKeyError           401
    │   ├── BadSignatureError         403
    │   ├── ForbiddenSourceError      403
    │   ├── UnknownJobError           404
    │   ├── SlowBodyError             408
    │   ├── UnfinishedJobError        409
    │   ├── GoneJobError              410
    │   ├── BodyTooLargeError         413
    │   ├── TooManyPixelsError        413
    │   ├── UnsupportedImageError     415
    │   ├── InvalidOptionError        422
    │   ├── CorruptImageError         422
    │   └── MaxBytesError             422
    └── ServiceError               the service has failed or is busy
        ├── QueueFullError            429
        ├── KeyLimitError             429
        ├── InternalError             500
        ├── UpstreamError             502
        ├── NoWorkerError             503
        ├── QueueUnavailableError     503
        └── DeadlineError             504

A client error, and a photo that a worker gives up with QueueFullError, crosses the queue as a typed
result (``contract.messages.Failure``), and its RQ job counts as finished. Any other service error is an
exception with a traceback, and its RQ job counts as failed. Clients see ``detail``: it contains nothing
of the upload's content.
"""

from typing import ClassVar


class FoveateError(Exception):
    """Base of the tree; only its leaves are raised."""

    code: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[str]
    retry_after_s: int | None = None

    def __init__(self, detail: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if retry_after_s is not None:
            self.retry_after_s = retry_after_s


class ClientError(FoveateError):
    """The request is at fault: sending it again gives the same error."""


class ServiceError(FoveateError):
    """The request is valid; the service, or the source of a /fetch, fails or is busy."""


class MalformedRequestError(ClientError):
    """The HTTP request is malformed."""

    code = "malformed-request"
    status = 400
    title = "The request is malformed"


class MissingKeyError(ClientError):
    """API keys are configured, and the request has no valid one."""

    code = "missing-key"
    status = 401
    title = "An API key is required"


class BadSignatureError(ClientError):
    """No configured key made the signature of a /fetch URL, or it has expired."""

    code = "bad-signature"
    status = 403
    title = "The signature is not valid"


class ForbiddenSourceError(ClientError):
    """The source of a /fetch is not on the allow-list, or its address is not public."""

    code = "forbidden-source"
    status = 403
    title = "The source is not allowed"


class UnknownJobError(ClientError):
    """No job has this id, or its record has expired."""

    code = "unknown-job"
    status = 404
    title = "The job does not exist"


class SlowBodyError(ClientError):
    """The body arrives more slowly than the service waits for it."""

    code = "body-too-slow"
    status = 408
    title = "The upload is too slow"


class UnfinishedJobError(ClientError):
    """The job is waiting or running: it has no picture yet."""

    code = "job-unfinished"
    status = 409
    title = "The job has not finished"
    retry_after_s = 1


class GoneJobError(ClientError):
    """The job was deleted, or its pictures have expired."""

    code = "job-gone"
    status = 410
    title = "The job is gone"


class BodyTooLargeError(ClientError):
    """The upload has more bytes than MAX_UPLOAD_BYTES."""

    code = "body-too-large"
    status = 413
    title = "The upload is too large"


class TooManyPixelsError(ClientError):
    """The image has more pixels than MAX_PIXELS, or a side longer than a JPEG can have."""

    code = "too-many-pixels"
    status = 413
    title = "The image has too many pixels"


class UnsupportedImageError(ClientError):
    """The upload is not an image in a supported format."""

    code = "unsupported-image"
    status = 415
    title = "The image format is not supported"


class InvalidOptionError(ClientError):
    """An option is unknown, given twice or out of range."""

    code = "invalid-option"
    status = 422
    title = "An option is invalid"


class CorruptImageError(ClientError):
    """The image is damaged: its header or its pixels can't be read."""

    code = "corrupt-image"
    status = 422
    title = "The image is truncated or corrupt"


class MaxBytesError(ClientError):
    """The smallest possible JPEG of this photo has more than ``max_bytes``."""

    code = "max-bytes-out-of-reach"
    status = 422
    title = "max_bytes is too small for this photo"


class QueueFullError(ServiceError):
    """Too many uploads wait: by count, by bytes, or for the photo to be finished in time."""

    code = "queue-full"
    status = 429
    title = "Too many uploads are waiting"
    retry_after_s = 1


class KeyLimitError(ServiceError):
    """The API key has as many uploads in progress, or has sent as many in a minute, as it may."""

    code = "key-limit"
    status = 429
    title = "The API key is at its limit"
    retry_after_s = 1


class InternalError(ServiceError):
    """The service has a defect."""

    code = "internal-error"
    status = 500
    title = "The service failed"


class UpstreamError(ServiceError):
    """The source of a /fetch can't be reached, or its final response is not a plain 200."""

    code = "upstream-failed"
    status = 502
    title = "The source failed"


class NoWorkerError(ServiceError):
    """No worker has sent a heartbeat recently."""

    code = "no-worker"
    status = 503
    title = "No worker is running"
    retry_after_s = 5


class QueueUnavailableError(ServiceError):
    """Redis can't be reached, or is out of memory."""

    code = "queue-unavailable"
    status = 503
    title = "The queue is not available"
    retry_after_s = 2


class DeadlineError(ServiceError):
    """The request's deadline has passed; its job was withdrawn."""

    code = "deadline-passed"
    status = 504
    title = "The deadline has passed"


def index_by_code(root: type[FoveateError] = FoveateError) -> dict[str, type[FoveateError]]:
    """Return the leaves of the tree below ``root``, the errors that are raised, by code."""
    found: dict[str, type[FoveateError]] = {}
    for child in root.__subclasses__():
        found.update(index_by_code(child) if child.__subclasses__() else {child.code: child})
    return found
