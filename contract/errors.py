"""Everything that can go wrong on the way of an upload, as one tree.

::

    FoveateError
    ├── ClientError                the upload or its options are at fault
    │   ├── MalformedRequestError     400
    │   ├── MissingKeyError           401
    │   ├── BadSignatureError         403
    │   ├── ForbiddenSourceError      403
    │   ├── UnknownJobError           404
    │   ├── UnfinishedJobError        409
    │   ├── GoneJobError              410
    │   ├── BodyTooLargeError         413
    │   ├── TooManyPixelsError        413
    │   ├── UnsupportedImageError     415
    │   ├── InvalidOptionError        422
    │   ├── CorruptImageError         422
    │   └── MaxBytesError             422
    └── ServiceError               the service is at fault, or busy
        ├── QueueFullError            429
        ├── InternalError             500
        ├── UpstreamError             502
        ├── NoWorkerError             503
        ├── QueueUnavailableError     503
        └── DeadlineError             504

A client's fault crosses the queue as a typed result (``contract.messages.Failure``) and its RQ
job counts as finished; ours is an exception with a traceback and an RQ failure. ``detail`` is
shown to clients, so nothing of the upload's content goes into it.
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
    """The request can't be served however often it is sent."""


class ServiceError(FoveateError):
    """The request is fine; the service can't serve it now."""


class MalformedRequestError(ClientError):
    """The HTTP request itself is broken."""

    code = "malformed-request"
    status = 400
    title = "The request is malformed"


class MissingKeyError(ClientError):
    """Keys are configured, and the request has none of them."""

    code = "missing-key"
    status = 401
    title = "An API key is needed"


class BadSignatureError(ClientError):
    """A /fetch URL that no key of ours has signed."""

    code = "bad-signature"
    status = 403
    title = "The signature is wrong"


class ForbiddenSourceError(ClientError):
    """A source that is not on the allow-list, or whose address is not a public one."""

    code = "forbidden-source"
    status = 403
    title = "Nothing is fetched from there"


class UnknownJobError(ClientError):
    """No job of this id is known, or no longer."""

    code = "unknown-job"
    status = 404
    title = "There is no such job"


class UnfinishedJobError(ClientError):
    """A picture of a job that still waits or runs was asked for."""

    code = "job-unfinished"
    status = 409
    title = "The job has not finished"
    retry_after_s = 1


class GoneJobError(ClientError):
    """The job's pictures have expired, or it was deleted."""

    code = "job-gone"
    status = 410
    title = "The job is gone"


class BodyTooLargeError(ClientError):
    """More bytes than MAX_UPLOAD_BYTES."""

    code = "body-too-large"
    status = 413
    title = "The upload is too large"


class TooManyPixelsError(ClientError):
    """More pixels than MAX_PIXELS, or a side longer than a JPEG can have."""

    code = "too-many-pixels"
    status = 413
    title = "The image has too many pixels"


class UnsupportedImageError(ClientError):
    """The content is no image of a format that is read here."""

    code = "unsupported-image"
    status = 415
    title = "This is not an image that we read"


class InvalidOptionError(ClientError):
    """An option is unknown, given twice or out of range."""

    code = "invalid-option"
    status = 422
    title = "An option is invalid"


class CorruptImageError(ClientError):
    """The image's header is readable, its pixels are not."""

    code = "corrupt-image"
    status = 422
    title = "The image is truncated or corrupt"


class MaxBytesError(ClientError):
    """Even the coarsest JPEG of this photo takes more than ``max_bytes``."""

    code = "max-bytes-out-of-reach"
    status = 422
    title = "No JPEG of the photo is that small"


class QueueFullError(ServiceError):
    """The limit on waiting uploads, by count or by bytes, is reached."""

    code = "queue-full"
    status = 429
    title = "Too many uploads are waiting"
    retry_after_s = 1


class InternalError(ServiceError):
    """A defect of ours."""

    code = "internal-error"
    status = 500
    title = "The service failed"


class UpstreamError(ServiceError):
    """The source of a /fetch can't be reached, or does not answer as HTTP has it."""

    code = "upstream-failed"
    status = 502
    title = "The source failed"


class NoWorkerError(ServiceError):
    """No worker has been alive for a while."""

    code = "no-worker"
    status = 503
    title = "No worker is running"
    retry_after_s = 5


class QueueUnavailableError(ServiceError):
    """Redis is gone or out of memory."""

    code = "queue-unavailable"
    status = 503
    title = "The queue is not available"
    retry_after_s = 2


class DeadlineError(ServiceError):
    """The request's time is over; its job was withdrawn."""

    code = "deadline-passed"
    status = 504
    title = "The deadline has passed"


def leaves(root: type[FoveateError] = FoveateError) -> dict[str, type[FoveateError]]:
    """Return every error that can be raised, by its code."""
    found: dict[str, type[FoveateError]] = {}
    for child in root.__subclasses__():
        found.update(leaves(child) if child.__subclasses__() else {child.code: child})
    return found
