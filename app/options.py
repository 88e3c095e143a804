"""The options of ``POST /compress``: one declaration for validation and for OpenAPI."""

from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.errors import InvalidOptionError
from contract.images import MAX_SIDE_PX
from contract.messages import Heatmap, Metadata, Options, Subsampling, Target

# What every JSON reader keeps exactly (RFC 7493, 2.2); no JPEG comes near it.
LARGEST_MAX_BYTES: Final = 2**53 - 1
# Longer queries are read anew each time: who sends many would fill memory with them.
MAX_CACHED_BYTES: Final = 512


class CompressOptions(BaseModel):
    """Query parameters, or form fields beside the file; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quality: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="libjpeg's scale; names the reference: the standard JPEG at this quality",
            examples=[75],
        ),
    ] = Options().quality
    target: Annotated[
        Target,
        Field(
            description="`quality`: salient regions as good as the reference's, the rest never "
            "below `floor`, as few bytes as that takes, never more than the reference. "
            "`size`: the reference's bytes ±1 %, better where people look",
            examples=["quality"],
        ),
    ] = Options().target
    max_bytes: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST_MAX_BYTES,
            description="The JPEG is never longer; 422 where even the coarsest one is",
            examples=[100_000],
        ),
    ] = Options().max_bytes
    strength: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="How much of the rate the saliency map may move",
            examples=[0.6],
        ),
    ] = Options().strength
    floor: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="For `target=quality`: the rest is never worse than the reference at this "
            "quality. Without it `quality` − 35, at least 10",
            examples=[40],
        ),
    ] = Options().floor
    width: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_SIDE_PX,
            description="Pixels; the photo is made to fit inside, keeps its shape and is never "
            "enlarged",
            examples=[1024],
        ),
    ] = Options().width
    height: Annotated[
        int | None,
        Field(ge=1, le=MAX_SIDE_PX, description="As `width`", examples=[768]),
    ] = Options().height
    subsampling: Annotated[
        Subsampling, Field(description="Chroma subsampling; `auto`: by content", examples=["auto"])
    ] = Options().subsampling
    progressive: Annotated[
        bool,
        Field(
            description="A progressive JPEG (SOF2), which is a little smaller; `false`: a baseline "
            "one (SOF0)",
            examples=[True],
        ),
    ] = Options().progressive
    metadata: Annotated[
        Metadata,
        Field(
            description="What is kept of EXIF and XMP. `copyright`: who made the photo and whose it "
            "is; `all`: everything, and the colour profile",
            examples=["copyright"],
        ),
    ] = Options().metadata
    heatmap: Annotated[
        Heatmap,
        Field(
            description="`map`: the saliency map as a greyscale PNG; `overlay`: the photo with "
            "the coloured map over it",
            examples=["none"],
        ),
    ] = Options().heatmap

    def to_options(self) -> Options:
        """Return the options as they cross the queue."""
        return Options(**self.model_dump())


def describe_options() -> dict[str, Any]:
    """Return each option's JSON schema by its name, as its text in a query or form is read.

    What has no default is left out there, so null, which the model has for that, is none of them.
    """
    described: dict[str, Any] = {}
    for name, field in CompressOptions.model_json_schema()["properties"].items():
        described[name] = dict(field)
        if "anyOf" in field:
            del described[name]["anyOf"], described[name]["default"]
            described[name] |= field["anyOf"][0]
    return described


def parse_options(pairs: list[tuple[str, str]]) -> Options:
    """Return the options given as ``pairs`` of name and value.

    Raises:
        InvalidOptionError: when one is unknown, out of range or given twice; it says which.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise InvalidOptionError(f"{quote(name)} is given more than once.")
        given[name] = value
    try:
        return CompressOptions.model_validate(given).to_options()
    except ValidationError as error:
        raise InvalidOptionError("; ".join(map(describe, error.errors()))) from error


def parse_query(query: bytes) -> Options:
    """Return the options of a request's query.

    Raises:
        InvalidOptionError: as ``parse_options``.
    """
    if len(query) > MAX_CACHED_BYTES:
        return parse_cached_query.__wrapped__(query)
    return parse_cached_query(query)


@lru_cache(maxsize=64)
def parse_cached_query(query: bytes) -> Options:
    """Return the same as ``parse_query``; most requests come with the same few queries."""
    return parse_options(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def describe(problem: object) -> str:
    """Return one of pydantic's errors as a sentence's part."""
    assert isinstance(problem, dict)
    name = quote(".".join(str(part) for part in problem["loc"]))
    if problem["type"] == "extra_forbidden":
        known = ", ".join(CompressOptions.model_fields)
        return f"{name} is not an option; the options are {known}"
    return f"{name}: {problem['msg']}"


def quote(name: str) -> str:
    """Return a client's own word, shortened and without control characters."""
    return repr(name if len(name) <= 40 else name[:40] + "…")
