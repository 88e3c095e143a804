"""Log lines are one JSON object each, or text that can't forge a second record."""

import json
import logging
import sys

from contract.log_lines import JsonFormatter, TextFormatter, create_formatter

HOSTILE = 'a\nERROR forged: b\r\x1b[2J\x00\x85\u2028"'


def make_record(message: str, **fields: object) -> logging.LogRecord:
    record = logging.LogRecord("app.x", logging.INFO, "x.py", 1, message, (), None)
    record.fields = fields
    return record


def test_json_lines_are_ascii_objects() -> None:
    line = JsonFormatter().format(make_record(HOSTILE, path=HOSTILE))
    assert line.isascii()
    assert line.isprintable()
    parsed = json.loads(line)
    assert parsed["message"] == parsed["path"] == HOSTILE
    assert parsed["level"] == "INFO"
    assert parsed["time"].endswith("+00:00")


def test_lines_of_several_front_ends_have_their_numbers() -> None:
    assert json.loads(JsonFormatter({"front_end": 2}).format(make_record("a")))["front_end"] == 2
    assert " [2] INFO app.x: a" in TextFormatter({"front_end": 2}).format(make_record("a"))
    assert "front_end" not in JsonFormatter().format(make_record("a"))


def test_only_the_first_line_of_a_text_record_is_not_indented() -> None:
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        record = make_record(HOSTILE, path=HOSTILE)
        record.exc_info = sys.exc_info()
        text = TextFormatter(context=lambda: {"request_id": "abcdefgh"}).format(record)
    first, *others = text.split("\n")
    assert "INFO app.x: a" in first
    assert others
    assert all(line.startswith("    ") for line in others)
    assert not any(character in text for character in "\r\x1b\x00\x85")
    assert "request_id=abcdefgh" in text


def test_the_setting_chooses_the_formatter() -> None:
    assert isinstance(create_formatter("json"), JsonFormatter)
    assert isinstance(create_formatter("text"), TextFormatter)


def test_a_json_line_has_the_fields_of_its_context() -> None:
    line = create_formatter("json", {"a": 1}, lambda: {"b": 2}).format(make_record("m", c=3))
    parsed = json.loads(line)
    assert (parsed["a"], parsed["b"], parsed["c"]) == (1, 2, 3)
