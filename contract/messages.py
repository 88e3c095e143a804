"""Messages between front end and worker: requests, and replies with a result or a failure.

Messages are small JSON objects. Image bytes are stored under keys of their own (``contract.keys``).
"""

import json
from dataclasses import asdict, dataclass
from types import NoneType
from typing import Any, Final, Literal, Self, get_args

from contract.errors import FoveateError, InternalError, index_by_code

Target = Literal["size", "quality"]
Heatmap = Literal["none", "map", "overlay"]
Subsampling = Literal["auto", "420", "444"]
Metadata = Literal["none", "copyright", "all"]

CHOICES: Final = {
    "target": Target,
    "subsampling": Subsampling,
    "heatmap": Heatmap,
    "metadata": Metadata,
}
# Compared exactly: `isinstance(True, int)` holds.
TYPES: Final = {
    "max_bytes": (int, NoneType),
    "floor": (int, NoneType),
    "width": (int, NoneType),
    "height": (int, NoneType),
    "progressive": (bool,),
}


@dataclass(frozen=True, slots=True)
class Options:
    """How to compress one photo; the front end has validated the values.

    The service's defaults are declared here only. ``width`` and ``height`` are in pixels. None means
    no limit; for ``floor`` it means the encoder's rule, ``quality`` − 35 and at least 10.
    """

    quality: int = 75
    target: Target = "quality"
    max_bytes: int | None = None
    strength: float = 0.6
    floor: int | None = None
    width: int | None = None
    height: int | None = None
    subsampling: Subsampling = "auto"
    progressive: bool = True
    metadata: Metadata = "none"
    heatmap: Heatmap = "none"

    def find_fault(self) -> str | None:
        """Return which option has an unknown value or a wrong type, or None. Ranges are not checked."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in get_args(choices):
                return f"unknown {name}"
        for name, types in TYPES.items():
            if type(getattr(self, name)) not in types:
                return f"{name} has a wrong type"
        return None


def get_fields(message: "Options | Request") -> dict[str, Any]:
    """Return a message's fields by name; unlike ``asdict`` it copies no values."""
    return {name: getattr(message, name) for name in message.__slots__}


@dataclass(frozen=True, slots=True)
class Request:
    """One upload's job.

    ``pixels`` is the image's size by its header; a worker limits the pixels that it holds at once.
    ``submitted_unix_s`` is when the job was queued, ``deadline_unix_s`` when its client stops waiting.
    """

    options: Options
    reply_to: str
    original_bytes: int
    pixels: int
    submitted_unix_s: float
    deadline_unix_s: float

    def to_json(self) -> dict[str, Any]:
        """Return the message as JSON values; RQ serializes them."""
        return {**get_fields(self), "options": get_fields(self.options)}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Return the request of which ``fields`` is the JSON.

        Raises:
            ValueError: when a field is missing or unknown, or an option has a wrong value.
        """
        try:
            options = Options(**fields["options"])
            message = cls(**{**fields, "options": options})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a request: {error}") from error
        if fault := options.find_fault():
            raise ValueError(f"not a request: {fault}")
        return message


@dataclass(frozen=True, slots=True)
class Result:
    """A finished job; its JPEG is stored at ``image_key``, a heatmap at ``heatmap_key``.

    ``stage_ms`` has the duration of each of the worker's stages; ``queue`` is the wait before them.
    ``batch_size`` is 0 in all replies of a batch but the first, so that a sum over replies counts
    every photo once. ``passthrough`` says that the JPEG is the upload, byte for byte. ``submitted_unix_s``
    and ``started_unix_s`` are None in replies of versions that do not send them.
    """

    job_id: str
    width_px: int
    height_px: int
    original_bytes: int
    compressed_bytes: int
    reference_bytes: int
    model_version: str
    heatmap_type: str | None
    stage_ms: dict[str, float]
    batch_size: int
    passthrough: bool = False
    submitted_unix_s: float | None = None
    started_unix_s: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A job that ended in an error; ``code`` is one of ``contract.errors``."""

    job_id: str
    code: str
    detail: str
    batch_size: int = 0
    submitted_unix_s: float | None = None
    started_unix_s: float | None = None

    def to_error(self) -> FoveateError:
        """Return the error that this failure reports."""
        return index_by_code().get(self.code, InternalError)(self.detail)


Reply = Result | Failure


def encode_reply(reply: Reply) -> bytes:
    """Return a reply as JSON, the form in which Redis holds it."""
    kind = "result" if isinstance(reply, Result) else "failure"
    return json.dumps({"kind": kind, **asdict(reply)}, separators=(",", ":")).encode()


def decode_reply(raw: bytes) -> Reply:
    """Return the reply in ``raw``; fields unknown to this version are ignored.

    Raises:
        ValueError: when ``raw`` is not a reply.
    """
    try:
        fields = json.loads(raw)
        kind = fields.pop("kind")
        if kind == "result":
            return Result(**select_known_fields(Result, fields))
        if kind == "failure":
            return Failure(**select_known_fields(Failure, fields))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not a reply: {error}") from error
    raise ValueError(f"not a reply: kind {kind!r}")


def select_known_fields(message: type[Reply], fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that this version knows; front end and worker may differ in version."""
    return {name: fields[name] for name in message.__slots__ if name in fields}
