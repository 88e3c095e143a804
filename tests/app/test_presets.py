"""Presets stand for their options; a wrong one is named at the start."""

import time

import pytest

from app.path_options import parse_path_options
from app.presets import NO_PRESETS, Presets, parse_presets
from contract.errors import InvalidOptionError
from contract.messages import Options

PRESETS = Presets(
    "thumb:width=200&height=100&fit=cover&gravity=0.3,0.5,hero:quality=80&width=1600, any:format=auto"
)
ONLY = Presets("thumb:width=200,map:heatmap=map", only=True)
THUMB = Options(width=200, height=100, fit="cover", gravity="0.3,0.5")


def test_a_preset_stands_for_its_options() -> None:
    assert PRESETS.names == ("thumb", "hero", "any")
    assert PRESETS.parse_query(b"preset=thumb") == THUMB
    assert PRESETS.parse([("preset", "hero")]) == Options(quality=80, width=1600)
    assert PRESETS.parse([]) == Options()
    assert parse_path_options("preset=thumb", PRESETS).options == THUMB


@pytest.mark.parametrize("query", [b"preset=hero&quality=30", b"quality=30&preset=hero"])
def test_options_beside_a_preset_win(query: bytes) -> None:
    assert PRESETS.parse_query(query) == Options(quality=30, width=1600)
    path = query.decode().replace("&", ",")
    assert parse_path_options(path, PRESETS).options == Options(quality=30, width=1600)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        (b"preset=other", "no preset 'other'; the presets are thumb, hero, any"),
        (b"preset=", "no preset ''"),
        (b"preset=THUMB", "no preset 'THUMB'"),
        (b"preset=" + b"x" * 900, "no preset '" + "x" * 40 + "\u2026'"),
        (b"preset=%00%0d%0a", r"'\\x00\\r\\n'"),
        (b"preset=thumb&preset=thumb", "'preset' is given more than once"),
        (b"preset=thumb&quality=5&quality=6", "'quality' is given more than once"),
        (b"preset=thumb&quality=0", "'quality'"),
        (b"preset=thumb&other=1", "'other' is not an option"),
        (b"preset=any", "format=auto, which is available in /fetch only"),
        (b"format=auto", "'format'"),
    ],
)
def test_a_wrong_choice_is_refused(query: bytes, named: str) -> None:
    with pytest.raises(InvalidOptionError, match=named):
        PRESETS.parse_query(query)


def test_without_presets_there_is_no_such_option() -> None:
    with pytest.raises(InvalidOptionError, match="'preset' is not an option"):
        NO_PRESETS.parse_query(b"preset=thumb")


def test_a_preset_may_have_the_automatic_format_of_fetch() -> None:
    chosen = parse_path_options("preset=any", PRESETS)
    assert [chosen.choose_format(may_be_avif=may).format for may in (True, False)] == [
        "avif",
        "jpeg",
    ]
    assert not parse_path_options("preset=any,format=jpeg", PRESETS).has_automatic_format
    assert PRESETS.parse_query(b"preset=any&format=jpeg") == Options()


def test_with_only_presets_no_other_option_is_accepted() -> None:
    assert ONLY.parse_query(b"preset=thumb") == Options(width=200)
    assert ONLY.parse_query(b"preset=thumb&heatmap=overlay").heatmap == "overlay"
    later = int(time.time()) + 60
    assert parse_path_options(f"preset=thumb,expires={later}", ONLY).options == Options(width=200)
    for query in (b"quality=5", b"preset=thumb&quality=5", b"preset=thumb&other=5"):
        with pytest.raises(InvalidOptionError, match=r"accepts its presets only; .* thumb, map"):
            ONLY.parse_query(query)
    for query in (b"", b"heatmap=map"):
        with pytest.raises(InvalidOptionError, match="'preset' is missing; the presets are thumb"):
            ONLY.parse_query(query)
    for path in ("-", "quality=5", "preset=map", "preset=thumb,heatmap=map"):
        with pytest.raises(InvalidOptionError):
            parse_path_options(path, ONLY)


def test_the_preset_may_follow_as_a_field_of_the_form() -> None:
    assert ONLY.parse_query(b"", is_complete=False) == Options()
    with pytest.raises(InvalidOptionError, match="only"):
        ONLY.parse_query(b"quality=5", is_complete=False)
    with pytest.raises(InvalidOptionError, match="missing"):
        ONLY.parse_query(b"")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("thumb", "preset 1 must be NAME:OPTION=VALUE"),
        (":quality=5", "preset 1 must be NAME"),
        (",", "preset 1 must be NAME"),
        ("a b:quality=5", "preset 1 must be NAME"),
        ("-a:quality=5", "preset 1 must be NAME"),
        ("ok:quality=5,<b>:quality=5", "preset 2 must be NAME"),
        ("x" * 33 + ":quality=5", "preset 1 must be NAME"),
        ("thumb:", "preset 'thumb' has no options"),
        ("thumb:quality", "preset 'thumb' has no options"),
        ("thumb:quality=%ff", "preset 'thumb' has no options"),
        ("thumb:quality=0", "preset 'thumb': 'quality': Input should be greater"),
        ("thumb:quality=", "preset 'thumb': 'quality'"),
        ("thumb:quality=5,", "preset 'thumb': 'quality'"),
        ("ok:width=5,thumb:colour=red", "preset 'thumb': 'colour' is not an option"),
        ("thumb:preset=thumb", "preset 'thumb': 'preset' is not an option"),
        ("thumb:expires=5", "preset 'thumb': 'expires' is not an option"),
        ("thumb:quality=5&quality=6", "preset 'thumb': 'quality' is given more than once"),
        ("thumb:format=auto&format=auto", "preset 'thumb': 'format' is given more than once"),
        ("thumb:fit=cover", "preset 'thumb': 'fit': cover needs both"),
        ("thumb:width=5,thumb:width=6", "preset 'thumb' is there twice"),
    ],
)
def test_a_wrong_preset_is_named_with_what_is_wrong(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_presets(text)


def test_a_long_query_is_not_cached() -> None:
    presets = Presets()
    cache = presets._parse_cached.cache_info
    assert presets.parse_query(b"strength=0." + b"5" * 2000).strength == pytest.approx(5 / 9)
    assert cache().currsize == 0
    assert presets.parse_query(b"strength=0.5").strength == 0.5
    assert cache().currsize == 1
