"""Messages between front end and worker: requests, and replies with a result or a failure.

Messages are small JSON objects. Image bytes are stored under keys of their own (``contract.keys``).
"""

import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, NewType, Self, TypedDict, cast, get_args

from contract.errors import FoveateError, InternalError, index_by_code
from contract.gravity import SMART
from contract.images import Format

Target = Literal["size", "quality"]
Tune = Literal["perceptual", "psnr"]
Heatmap = Literal["none", "map", "overlay", "classes"]
Subsampling = Literal["auto", "420", "444"]
Metadata = Literal["none", "copyright", "all"]
Hdr = Literal["none", "keep"]
Fit = Literal["inside", "cover"]

# Larger values are no sizes or counts; a float holds these exactly.
MAX_COUNT: Final = 2**53 - 1
# Seconds since 1970 or milliseconds; larger values are no times of a photo.
MAX_MEASURE: Final = 1e11
MAX_TEXT_CHARS: Final = 4096
# Names of stages become labels of metrics and part of a response header.
STAGE: Final = re.compile(r"[a-z_]{1,32}")
MAX_STAGES: Final = 16
MAX_REGIONS: Final = 16
MAX_CLASS_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Options:
    """How to compress one photo; the front end has validated the values.

    The service's defaults are declared here only. ``width`` and ``height`` are in pixels. None means
    no limit; for ``floor`` it means the encoder's rule, ``quality`` − 35 and at least 10. ``gravity``
    is as in ``contract.gravity``, and has an effect with ``fit="cover"`` only.
    """

    quality: int = 75
    target: Target = "quality"
    max_bytes: int | None = None
    strength: float = 0.6
    tune: Tune = "perceptual"
    floor: int | None = None
    width: int | None = None
    height: int | None = None
    fit: Fit = "inside"
    gravity: str = SMART
    format: Format = "jpeg"
    subsampling: Subsampling = "auto"
    progressive: bool = True
    metadata: Metadata = "none"
    hdr: Hdr = "none"
    heatmap: Heatmap = "none"


# During an update, an option that is left out has the default of the worker's version.
DEFAULTS: Final = {field.name: field.default for field in dataclasses.fields(Options)}


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
        """Return the message as JSON values; RQ serializes them.

        Options with their default are left out, so that workers that do not know them yet can read it.
        """
        options = get_fields(self.options)
        stated = {name: value for name, value in options.items() if value != DEFAULTS[name]}
        return {**get_fields(self), "options": stated}

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Self:
        """Return the request of which ``fields`` is the JSON.

        Raises:
            ValueError: when a field is missing or unknown, or has a wrong type or value. The ranges of
                options are not checked: the front end has done that.
        """
        try:
            options = Options(**fields["options"])
            message = cls(**{**fields, "options": options})
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a request: {error}") from error
        if fault := find_fault(options) or find_fault(message):
            raise ValueError(f"not a request: {fault}")
        return message


class Box(TypedDict):
    """A part of an upright picture, in shares of its sides; ``x`` and ``y`` are its left and top."""

    x: float
    y: float
    width: float
    height: float


class Focus(TypedDict):
    """A point in a picture, in shares of its sides."""

    x: float
    y: float


# Where the JPEG shows a class; ``score`` is from 0 to 1.
Region = TypedDict("Region", {"class": str, "score": float, "box": Box})
# A tiny picture in 5 to 25 bytes (evanw.github.io/thumbhash), in base64.
Thumbhash = NewType("Thumbhash", str)
THUMBHASH: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){1,8}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


@dataclass(frozen=True, slots=True)
class Result:
    """A finished job; its file is stored at ``image_key``, a heatmap at ``heatmap_key``.

    ``stage_ms`` has the duration of each of the worker's stages; ``queue`` is the wait before them.
    ``batch_size`` is 0 in all replies of a batch but the first, so that a sum over replies counts
    every photo once. ``passthrough`` says that the file is the upload, byte for byte. ``submitted_unix_s``
    and ``started_unix_s`` are None in replies of versions that do not send them. ``crop`` is what
    ``fit="cover"`` kept of the upright photo. ``focus``, the point to keep in view, ``regions``, the most
    salient first, and ``thumbhash`` are of the JPEG; replies of earlier versions lack them.
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
    crop: Box | None = None
    focus: Focus | None = None
    regions: list[Region] | None = None
    thumbhash: Thumbhash | None = None
    format: Format = "jpeg"


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
    """Return a reply as JSON, the form in which Redis holds it.

    Fields with their default are left out, so that versions that do not know them can read it.
    """
    kind = "result" if isinstance(reply, Result) else "failure"
    stated = {
        field.name: value
        for field in dataclasses.fields(reply)
        if (value := getattr(reply, field.name)) != field.default
    }
    return json.dumps({"kind": kind, **stated}, separators=(",", ":")).encode()


class InvalidReplyError(ValueError):
    """A reply is malformed; ``job_id`` is its job as far as that can be read."""

    def __init__(self, fault: str, job_id: str | None = None) -> None:
        super().__init__(f"not a reply: {fault}")
        self.job_id = job_id


def decode_reply(raw: bytes) -> Reply:
    """Return the reply in ``raw``; fields unknown to this version are ignored.

    Raises:
        InvalidReplyError: when ``raw`` is not a reply, or a field has a wrong type or value.
    """
    try:
        fields = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidReplyError("no JSON") from error
    if not isinstance(fields, dict):
        raise InvalidReplyError("no JSON object")
    job_id = fields.get("job_id")
    job_id = job_id if is_text(job_id) else None
    kind = REPLY_KINDS.get(str(fields.get("kind")))
    if kind is None:
        raise InvalidReplyError("unknown kind", job_id)
    try:
        # Front end and worker may differ in version.
        reply = kind(**{name: fields[name] for name in kind.__slots__ if name in fields})
    except TypeError as error:
        raise InvalidReplyError(str(error), job_id) from error
    if fault := find_fault(reply):
        raise InvalidReplyError(fault, job_id)
    return reply


def find_fault(message: Options | Request | Reply) -> str | None:
    """Return which field of a message has a wrong type or value, or None."""
    for name, kind in type(message).__annotations__.items():
        value = getattr(message, name)
        check = CHECKS.get(kind)
        if not (check(value) if check else value in get_args(kind)):
            return f"{name} has a wrong value"
    return None


def is_text(value: object) -> bool:
    """Return whether a value is printable text of ordinary length."""
    return isinstance(value, str) and len(value) <= MAX_TEXT_CHARS and value.isprintable()


def is_count(value: object) -> bool:
    """Return whether a value is a whole number of ordinary size, at least 0; a bool is not."""
    return type(value) is int and 0 <= value <= MAX_COUNT


def is_measure(value: object) -> bool:
    """Return whether a value is a finite number of ordinary size, at least 0."""
    return type(value) in {int, float} and 0 <= cast("float", value) <= MAX_MEASURE


def is_stage_ms(value: object) -> bool:
    """Return whether a value maps the names of a few stages to their durations in ms."""
    return (
        isinstance(value, dict)
        and len(value) <= MAX_STAGES
        and all(STAGE.fullmatch(name) and is_measure(ms) for name, ms in value.items())
    )


def is_shares(value: object, kind: type[Box] | type[Focus]) -> bool:
    """Return whether a value has the fields of ``kind``, each from 0 to 1."""
    return (
        isinstance(value, dict)
        and value.keys() == kind.__annotations__.keys()
        and all(is_measure(share) and share <= 1 for share in value.values())
    )


def is_region(value: object) -> bool:
    """Return whether a value is a region: a class, a score from 0 to 1, and a box."""
    if not isinstance(value, dict) or value.keys() != {"class", "score", "box"}:
        return False
    name, score = value["class"], value["score"]
    return (
        is_text(name)
        and 0 < len(name) <= MAX_CLASS_CHARS
        and is_measure(score)
        and score <= 1
        and is_shares(value["box"], Box)
    )


def is_regions(value: object) -> bool:
    """Return whether a value is a list of a few regions."""
    return isinstance(value, list) and len(value) <= MAX_REGIONS and all(map(is_region, value))


def is_thumbhash(value: object) -> bool:
    """Return whether a value is the base64 of a thumbhash."""
    return isinstance(value, str) and THUMBHASH.fullmatch(value) is not None


# By the declared type of a field: whether a value is valid. All other types are choices.
CHECKS: Final[dict[object, Callable[[Any], bool]]] = {
    bool: lambda value: isinstance(value, bool),
    int: is_count,
    int | None: lambda value: value is None or is_count(value),
    float: is_measure,
    float | None: lambda value: value is None or is_measure(value),
    str: is_text,
    str | None: lambda value: value is None or is_text(value),
    dict[str, float]: is_stage_ms,
    Box | None: lambda value: value is None or is_shares(value, Box),
    Focus | None: lambda value: value is None or is_shares(value, Focus),
    list[Region] | None: lambda value: value is None or is_regions(value),
    Thumbhash | None: lambda value: value is None or is_thumbhash(value),
    Options: lambda value: isinstance(value, Options),
}
REPLY_KINDS: Final[dict[str, type[Reply]]] = {"result": Result, "failure": Failure}
