"""The XMP form is read as attributes or elements; a text that is no number is refused."""

from fractions import Fraction

import pytest

from tests.worker.image.ultra_hdr import ISO, NUMBERS, write_xmp
from worker.image.gain_map import iso_metadata, xmp_metadata
from worker.image.gain_map.numbers import GainMapNumbers, InvalidGainMapError


def read(attributes: dict[str, str], elements: str = "") -> GainMapNumbers:
    numbers = xmp_metadata.read(write_xmp(attributes, elements))
    assert numbers is not None
    return numbers


def list_of(name: str, *texts: str) -> str:
    items = "".join(f"<rdf:li>{text}</rdf:li>" for text in texts)
    return f"<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>"


def test_it_has_the_same_numbers_as_the_binary_form() -> None:
    assert read(NUMBERS) == iso_metadata.read(ISO)


def test_properties_may_be_elements() -> None:
    elements = "".join(f"<hdrgm:{name}> {text}\n</hdrgm:{name}>" for name, text in NUMBERS.items())
    assert read({}, elements) == read(NUMBERS)


def test_what_is_left_out_has_the_defaults_of_the_specification() -> None:
    numbers = read({"Version": "1.0", "GainMapMax": "2", "HDRCapacityMax": "2"})
    assert numbers.base_headroom == 0
    assert numbers.channels == ((0, 2, 1, Fraction(1, 64), Fraction(1, 64)),)


def test_a_list_has_a_number_for_each_channel() -> None:
    attributes = {name: text for name, text in NUMBERS.items() if name != "Gamma"}
    numbers = read(attributes, list_of("Gamma", "1", "1.5", "2"))
    assert [channel.gamma for channel in numbers.channels] == [1, Fraction(3, 2), 2]
    assert {channel.largest for channel in numbers.channels} == {Fraction(23, 10)}


def test_what_is_written_is_read_again_the_same() -> None:
    elements = list_of("GainMapMax", "1.1", "2e-1", "1.000001") + list_of(
        "OffsetSDR", "1", "2", "3"
    )
    attributes = {"Version": "1.0", "HDRCapacityMax": "3.298828"}
    for numbers in (read(NUMBERS), read(attributes, elements)):
        written = xmp_metadata.write(numbers)
        assert written is not None
        assert xmp_metadata.read(written) == numbers


@pytest.mark.parametrize(
    "name", ["GainMapMin", "GainMapMax", "Gamma", "OffsetSDR", "HDRCapacityMax"]
)
@pytest.mark.parametrize(
    "text",
    ["nan", "inf", "-inf", "", "1,5", "0x10", "1e999999999", "9" * 400, "1e99", "²", "1 2", "1/2"],
)
def test_a_text_that_is_no_number_is_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidGainMapError):
        read({**NUMBERS, name: text})


@pytest.mark.parametrize(
    ("attributes", "elements"),
    [
        ({**NUMBERS, "Version": "2.0"}, ""),
        ({**NUMBERS, "BaseRenditionIsHDR": "True"}, ""),
        ({"GainMapMax": "1", "HDRCapacityMax": "1"}, ""),
        ({"Version": "1.0", "GainMapMax": "1"}, ""),
        ({"Version": "1.0", "HDRCapacityMax": "1"}, list_of("GainMapMax", "1", "2")),
        ({"Version": "1.0", "HDRCapacityMax": "1"}, list_of("GainMapMax", *["1"] * 3000)),
        (
            {"Version": "1.0", "HDRCapacityMax": "1", "GainMapMax": "1"},
            list_of("Gamma", "1", "1", "1") + list_of("OffsetSDR", "1", "1"),
        ),
    ],
)
def test_other_kinds_are_refused(attributes: dict[str, str], elements: str) -> None:
    with pytest.raises(InvalidGainMapError):
        read(attributes, elements)


def test_a_packet_of_something_else_has_no_numbers() -> None:
    assert xmp_metadata.read(write_xmp({"Version": "1.0"})) is None
