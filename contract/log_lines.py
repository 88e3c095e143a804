"""Log lines of front ends and workers: JSON objects, or text for people."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Literal

# `json.dumps` with these arguments would create an encoder for each line.
encode: Final = json.JSONEncoder(default=str).encode
# Control characters except the line feed; a terminal may interpret them.
CONTROLS: Final = {
    code: f"\\x{code:02x}" for code in (*range(10), *range(11, 32), *range(127, 160))
}


class JsonFormatter(logging.Formatter):
    """Formats a record as one JSON object in ASCII; control characters are escaped.

    ``fields`` are part of each line; ``context`` returns further ones for the current line.
    """

    def __init__(
        self,
        fields: Mapping[str, Any] | None = None,
        context: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        super().__init__()
        self._fields = dict(fields or {})
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        when = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, Any] = {
            "time": when.isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._fields,
            **self._context(),
        }
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return encode(line)


class TextFormatter(logging.Formatter):
    """Formats a record as text; further lines are indented, so that no text can forge a record.

    The values of ``fields`` stand in brackets before the level.
    """

    def __init__(
        self,
        fields: Mapping[str, Any] | None = None,
        context: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        label = "".join(f" [{value}]" for value in (fields or {}).values())
        super().__init__(f"%(asctime)s{label} %(levelname)s %(name)s: %(message)s")
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, with the traceback in the lines below it."""
        text = super().format(record)
        fields = dict(getattr(record, "fields", {}))
        if fields:
            text += "".join(f" {name}={json.dumps(value)}" for name, value in fields.items())
        text += "".join(f" {name}={value}" for name, value in self._context().items())
        return text.translate(CONTROLS).replace("\n", "\n    ")


def create_formatter(
    kind: Literal["json", "text"],
    fields: Mapping[str, Any] | None = None,
    context: Callable[[], Mapping[str, Any]] = dict,
) -> logging.Formatter:
    """Return the formatter for the setting ``LOG_FORMAT``."""
    return (JsonFormatter if kind == "json" else TextFormatter)(fields, context)
