"""Options are validated, and the error names the invalid one."""

import json
from dataclasses import asdict

import pytest
from pydantic import BaseModel, BeforeValidator

from app.options import (
    CompressOptions,
    describe_options,
    parse_boolean,
    parse_cached_query,
    parse_options,
    parse_query,
)
from app.path_options import parse_path_options
from app.settings import AppSettings
from contract.errors import InvalidOptionError
from contract.messages import Options
from worker.settings import WorkerSettings


def test_no_options_are_the_defaults() -> None:
    assert parse_options([]) == Options()


def test_every_option_is_parsed() -> None:
    given = [
        ("quality", "50"),
        ("target", "size"),
        ("max_bytes", "9000"),
        ("strength", "0.25"),
        ("tune", "psnr"),
        ("floor", "30"),
        ("width", "640"),
        ("height", "480"),
        ("fit", "cover"),
        ("gravity", "0.25,1"),
        ("subsampling", "444"),
        ("progressive", "false"),
        ("metadata", "copyright"),
        ("hdr", "keep"),
        ("heatmap", "overlay"),
    ]
    assert parse_options(given) == Options(
        quality=50,
        target="size",
        max_bytes=9000,
        strength=0.25,
        tune="psnr",
        floor=30,
        width=640,
        height=480,
        fit="cover",
        gravity="0.25,1",
        subsampling="444",
        progressive=False,
        metadata="copyright",
        hdr="keep",
        heatmap="overlay",
    )


def test_the_defaults_do_not_change_unnoticed() -> None:
    assert Options() == Options(
        quality=75,
        target="quality",
        max_bytes=None,
        strength=0.6,
        tune="perceptual",
        floor=None,
        width=None,
        height=None,
        fit="inside",
        gravity="smart",
        subsampling="auto",
        progressive=True,
        metadata="none",
        hdr="none",
        heatmap="none",
    )


@pytest.mark.parametrize(("value", "expected"), [("true", True), ("false", False)])
def test_a_boolean_is_one_of_two_words(value: str, expected: bool) -> None:
    assert parse_options([("progressive", value)]).progressive is expected
    assert parse_path_options(f"progressive={value}").options.progressive is expected


@pytest.mark.parametrize(
    "value", ["1", "0", "True", "FALSE", "yes", "no", "on", "off", "t", "", " true", "true\n"]
)
def test_no_other_text_is_a_boolean(value: str) -> None:
    with pytest.raises(
        InvalidOptionError, match="'progressive': Input should be 'true' or 'false'"
    ):
        parse_options([("progressive", value)])
    with pytest.raises(InvalidOptionError, match="'true' or 'false'"):
        parse_path_options(f"progressive={value}")


@pytest.mark.parametrize("model", [CompressOptions, AppSettings, WorkerSettings])
def test_all_booleans_are_read_alike(model: type[BaseModel]) -> None:
    for name, field in model.model_fields.items():
        if field.annotation is bool:
            assert BeforeValidator(parse_boolean) in field.metadata, name


def test_each_schema_has_a_range_and_a_valid_example() -> None:
    described = describe_options()
    assert described["max_bytes"]["minimum"] == 1
    assert (described["floor"]["minimum"], described["floor"]["maximum"]) == (1, 100)
    assert (described["floor"]["type"], described["progressive"]["type"]) == ("integer", "boolean")
    assert "null" not in str(described).lower()
    for name, field in described.items():
        assert field["description"]
        for example in field["examples"]:
            text = example if isinstance(example, str) else json.dumps(example)
            assert getattr(parse_options([(name, text)]), name) == example
    defaults = {name: field.get("default") for name, field in described.items()}
    assert defaults == asdict(Options())


def test_every_field_of_the_contract_is_an_option() -> None:
    assert set(CompressOptions.model_fields) == set(Options.__dataclass_fields__)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("quality", "0"),
        ("quality", "101"),
        ("quality", "50.5"),
        ("quality", ""),
        ("quality", "NaN"),
        ("strength", "1.01"),
        ("strength", "-0.1"),
        ("strength", "nan"),
        ("strength", "inf"),
        ("target", "bytes"),
        ("target", "Quality"),
        ("max_bytes", "0"),
        ("max_bytes", "-1"),
        ("max_bytes", "1e99"),
        ("max_bytes", "9" * 400),
        ("max_bytes", "9" * 5000),
        ("max_bytes", "NaN"),
        ("max_bytes", "inf"),
        ("max_bytes", "100k"),
        ("max_bytes", ""),
        ("max_bytes", "None"),
        ("floor", "0"),
        ("floor", "101"),
        ("floor", "text"),
        ("floor", "null"),
        *(
            (name, value)
            for name in ("width", "height")
            for value in ("0", "-1", "65501", "1.5", "")
        ),
        ("tune", "ssim"),
        ("tune", ""),
        ("fit", "contain"),
        ("fit", ""),
        *(
            ("gravity", value)
            for value in ("", "center", "0.5", "1.5,0", "nan,0", "0,0,0", "x" * 9000)
        ),
        ("metadata", "some"),
        ("hdr", "yes"),
        ("progressive", "maybe"),
        ("progressive", "2"),
        ("progressive", ""),
        ("subsampling", "411"),
        ("heatmap", "yes"),
        ("qualty", "50"),
        ("x" * 5000, "1"),
        ("\r\nX-Evil: 1", "1"),
    ],
)
def test_a_wrong_option_is_named(name: str, value: str) -> None:
    with pytest.raises(InvalidOptionError) as caught:
        parse_options([(name, value)])
    assert repr(name[:10])[1:-1] in caught.value.detail
    assert "\n" not in caught.value.detail
    assert len(caught.value.detail) < 400


@pytest.mark.parametrize("sides", [{}, {"width": "9"}, {"height": "9"}])
def test_a_crop_needs_both_sides(sides: dict[str, str]) -> None:
    given = [("fit", "cover"), *sides.items()]
    with pytest.raises(InvalidOptionError, match="'fit': cover needs both width and height"):
        parse_options(given)
    assert parse_options([*sides.items(), ("gravity", "north")]).gravity == "north"


def test_the_error_of_gravity_says_what_is_allowed() -> None:
    with pytest.raises(InvalidOptionError, match=r"'gravity': Input should be 'smart', .* or x,y"):
        parse_options([("gravity", "up")])


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="more than once"):
        parse_options([("quality", "50"), ("quality", "60")])


def test_a_long_query_is_not_cached() -> None:
    parse_cached_query.cache_clear()
    assert parse_query(b"strength=0." + b"5" * 2000).strength == pytest.approx(5 / 9)
    assert parse_cached_query.cache_info().currsize == 0
    assert parse_query(b"strength=0.5").strength == 0.5
    assert parse_cached_query.cache_info().currsize == 1


def test_a_gain_map_needs_a_jpeg() -> None:
    assert parse_query(b"hdr=keep&format=jpeg").hdr == "keep"
    with pytest.raises(InvalidOptionError, match="'hdr': keep needs format=jpeg"):
        parse_query(b"hdr=keep&format=avif")


@pytest.mark.parametrize("value", ["auto", "AVIF", "jpg", "webp", ""])
def test_a_post_takes_the_names_of_formats_only(value: str) -> None:
    with pytest.raises(InvalidOptionError, match="'format'"):
        parse_query(f"format={value}".encode())
