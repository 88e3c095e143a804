"""The options of ``POST /compress``: one declaration for validation and for OpenAPI."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.errors import InvalidOptionError
from contract.messages import Heatmap, Options, Subsampling, Target


class CompressOptions(BaseModel):
    """Query parameters, or form fields beside the file; an unknown one is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quality: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="libjpeg's scale; names the reference: the standard JPEG at this quality",
        ),
    ] = Options().quality
    target: Annotated[
        Target, Field(description="`size`: the reference's bytes ±1 %, better where people look")
    ] = Options().target
    strength: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            allow_inf_nan=False,
            description="How much of the rate the saliency map may move",
        ),
    ] = Options().strength
    subsampling: Annotated[Subsampling, Field(description="Chroma subsampling")] = (
        Options().subsampling
    )
    heatmap: Annotated[
        Heatmap,
        Field(
            description="`map`: the saliency map as a greyscale PNG; `overlay`: the photo with "
            "the coloured map over it"
        ),
    ] = Options().heatmap

    def to_options(self) -> Options:
        """Return the options as they cross the queue."""
        return Options(**self.model_dump())


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
