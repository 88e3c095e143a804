"""Options are checked at the door, and the answer names the wrong one."""

import pytest

from app.options import CompressOptions, parse_options
from contract.errors import InvalidOptionError
from contract.messages import Options


def test_without_any_the_defaults_of_the_contract_hold() -> None:
    assert parse_options([]) == Options()


def test_every_option_is_read() -> None:
    given = [
        ("quality", "50"),
        ("target", "size"),
        ("strength", "0.25"),
        ("subsampling", "444"),
        ("heatmap", "overlay"),
    ]
    assert parse_options(given) == Options(50, "size", 0.25, "444", "overlay")


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
        ("target", "quality"),
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


def test_an_option_given_twice_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="more than once"):
        parse_options([("quality", "50"), ("quality", "60")])
