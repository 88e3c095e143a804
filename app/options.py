"""The options of ``POST /compress``: one declaration for validation, OpenAPI and command line."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from contract.errors import InvalidOptionError
from contract.gravity import PATTERN, parse_gravity
from contract.images import MAX_SIDE_PX, Format
from contract.messages import (
    Fit,
    Hdr,
    Heatmap,
    Metadata,
    Options,
    Subsampling,
    Target,
    Tune,
)

# The largest integer that every JSON parser keeps exact (RFC 7493, 2.2); no JPEG is as large.
LARGEST_MAX_BYTES: Final = 2**53 - 1
# In /fetch, and in presets for it: the format that the client's `Accept` names.
AUTOMATIC_FORMAT: Final = ("format", "auto")
# Longer queries are not cached: many different ones would fill the memory.
MAX_CACHED_BYTES: Final = 512


def parse_boolean(value: object) -> bool:
    """Return the boolean that ``true`` or ``false`` names; pydantic would also accept `1`, `on` or `T`.

    Raises:
        PydanticCustomError: when it is another text.
    """
    if value not in {"true", "false"}:
        raise PydanticCustomError("bool_parsing", "Input should be 'true' or 'false'")
    return value == "true"


def check_gravity(value: str) -> str:
    """Return the value of `gravity`; pydantic would name a pattern in its message.

    Raises:
        PydanticCustomError: when it is none.
    """
    try:
        parse_gravity(value)
    except ValueError as error:
        raise PydanticCustomError("gravity", "{reason}", {"reason": str(error)}) from error
    return value


# Every option and setting that is true or false has this type.
Boolean = Annotated[bool, BeforeValidator(parse_boolean)]


class CompressOptions(BaseModel):
    """Query parameters, or form fields beside the file. Unknown ones are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quality: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="Quality on libjpeg's scale. The standard JPEG at this quality is the "
            "reference",
            examples=[75],
        ),
    ] = Options().quality
    target: Annotated[
        Target,
        Field(
            description="`quality`: salient regions are as good as the reference's, the background "
            "is never worse than at `floor`; uses as few bytes as possible, never more than the "
            "reference. `size`: as many bytes as the reference, ±1 %, with better quality where "
            "people look",
            examples=["quality"],
        ),
    ] = Options().target
    max_bytes: Annotated[
        int | None,
        Field(
            ge=1,
            le=LARGEST_MAX_BYTES,
            description="Upper limit for the file in bytes; error 422 if even the smallest "
            "possible file exceeds it",
            examples=[100_000],
        ),
    ] = Options().max_bytes
    strength: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="How far the saliency map moves bits from the background to salient "
            "regions",
            examples=[0.6],
        ),
    ] = Options().strength
    tune: Annotated[
        Tune,
        Field(
            description="What the encoder's constants are fitted to. `perceptual`: how the photo looks "
            "where people look. `psnr`: PSNR, SSIM and the like of the whole photo, and PSNR where "
            "people look",
            examples=["perceptual"],
        ),
    ] = Options().tune
    floor: Annotated[
        int | None,
        Field(
            ge=1,
            le=100,
            description="With `target=quality`: the background is never worse than the standard "
            "JPEG at this quality. By default `quality` − 35, at least 10",
            examples=[40],
        ),
    ] = Options().floor
    width: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_SIDE_PX,
            description="Largest width in pixels. The photo is scaled down to fit, keeps its "
            "aspect ratio and is never enlarged; with `fit=cover` it is cropped to this width",
            examples=[1024],
        ),
    ] = Options().width
    height: Annotated[
        int | None,
        Field(
            ge=1,
            le=MAX_SIDE_PX,
            description="Largest height in pixels; see `width`",
            examples=[768],
        ),
    ] = Options().height
    fit: Annotated[
        Fit,
        Field(
            description="`inside`: the whole photo, scaled down to fit into `width` and `height`. "
            "`cover`, which needs both: scaled down and cropped to exactly these sides; a photo that "
            "is too small for them is cropped to their shape, and never enlarged",
            examples=["inside"],
        ),
    ] = Options().fit
    gravity: Annotated[
        str,
        AfterValidator(check_gravity),
        Field(
            description="What `fit=cover` keeps. `smart`: where the saliency map's sum is largest. "
            "`centre`, `north`, `northeast` and so on: that place. `x,y`: this point, in shares of "
            "the upright photo's sides, in the middle as far as the photo's edges allow",
            examples=["smart", "northwest", "0.25,0.5"],
            json_schema_extra={"pattern": PATTERN},
        ),
    ] = Options().gravity
    format: Annotated[
        Format,
        Field(
            description="The file's format. `avif`: smaller at the same quality, and takes many times as "
            "long; `progressive` has no effect. `jp2`: JPEG 2000, for archives; most browsers don't "
            "show it. With both, `hdr=keep` is an error",
            examples=["jpeg"],
        ),
    ] = Options().format
    subsampling: Annotated[
        Subsampling,
        Field(description="Chroma subsampling; `auto` chooses by content", examples=["auto"]),
    ] = Options().subsampling
    progressive: Annotated[
        Boolean,
        Field(
            description="`true`: a progressive JPEG (SOF2), which is a little smaller, or a JP2 of six "
            "layers. `false`: a baseline JPEG (SOF0), or a JP2 of one layer",
            examples=[True],
        ),
    ] = Options().progressive
    metadata: Annotated[
        Metadata,
        Field(
            description="Which metadata is kept. `copyright`: author and rights from EXIF, XMP and "
            "IPTC. `all`: EXIF with the location, XMP, IPTC, the density and the ICC profile",
            examples=["copyright"],
        ),
    ] = Options().metadata
    hdr: Annotated[
        Hdr,
        Field(
            description="`keep`: the gain map of an Ultra HDR photo is kept, scaled and turned with "
            "the photo. `none`: the result is an ordinary JPEG without one",
            examples=["keep"],
        ),
    ] = Options().hdr
    heatmap: Annotated[
        Heatmap,
        Field(
            description="`map`: also return the saliency map as a greyscale PNG. `overlay`: also "
            "return the photo in grey under colours of the map's ranks as a JPEG. `classes`: the photo in "
            "grey under the map of each class in its colour, with a legend, as a JPEG",
            examples=["none"],
        ),
    ] = Options().heatmap

    def to_options(self) -> Options:
        """Return the options as the message to the worker has them."""
        return Options(**self.model_dump())


def describe_options() -> dict[str, Any]:
    """Return the JSON schema of each option's text in a query or form, by name.

    An option without a default is omitted there, never null: the schemas don't allow null.
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
        InvalidOptionError: when an option is unknown, out of range, given twice or lacks another that
            it needs; it names them.
    """
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in given:
            raise InvalidOptionError(f"{quote(name)} is given more than once.")
        given[name] = value
    try:
        options = CompressOptions.model_validate(given).to_options()
    except ValidationError as error:
        raise InvalidOptionError("; ".join(map(describe_error, error.errors()))) from error
    if options.fit == "cover" and (options.width is None or options.height is None):
        raise InvalidOptionError("'fit': cover needs both width and height")
    if options.hdr == "keep" and options.format != "jpeg":
        raise InvalidOptionError("'hdr': keep needs format=jpeg; other files have no gain map")
    return options


def describe_error(error: ErrorDetails) -> str:
    """Return one of pydantic's errors as a clause of a message."""
    name = quote(".".join(str(part) for part in error["loc"]))
    if error["type"] == "extra_forbidden":
        known = ", ".join(CompressOptions.model_fields)
        return f"{name} is not an option; the options are {known}"
    return f"{name}: {error['msg']}"


def quote(name: str) -> str:
    """Return a client's text in quotes, escaped and cut at 40 characters."""
    return repr(name if len(name) <= 40 else name[:40] + "…")
