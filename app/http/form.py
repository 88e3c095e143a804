"""Reads a multipart form (RFC 7578): one part named ``file`` and the fields beside it."""

from typing import Final

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from contract.errors import InvalidOptionError, MalformedRequestError

# More than the service has options; a form with thousands of fields is an attack.
MAX_FORM_FIELDS: Final = 32
MAX_FIELD_BYTES: Final = 1024
# RFC 2046, 5.1.1.
MAX_BOUNDARY_CHARS: Final = 70
FILE: Final = "file"


class FormReader:
    """Collects the parts of one form from its chunks.

    The part ``file`` is the photo, with or without a file name. All other parts are fields. Names
    and values are UTF-8: a charset in Content-Type has no meaning for a form (RFC 7578, 5.1.2).
    Starlette's reader takes a part without a file name for a field, and does not say what is wrong.
    """

    def __init__(self, content_type: str) -> None:
        """Prepare to read a form with the boundary in ``content_type``.

        Raises:
            MalformedRequestError: when there is no valid boundary.
        """
        boundary = parse_options_header(content_type)[1].get(b"boundary", b"")
        if not 1 <= len(boundary) <= MAX_BOUNDARY_CHARS:
            raise MalformedRequestError(
                "The Content-Type of a form needs a boundary of 1 to "
                f"{MAX_BOUNDARY_CHARS} characters; most clients set one themselves."
            )
        self.fields: list[tuple[str, str]] = []
        self._photo: bytearray | None = None
        self._part = bytearray()
        self._name = ""
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._begun = self._ended = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin_part,
                "on_header_begin": self._begin_header,
                "on_header_field": self._extend_header_name,
                "on_header_value": self._extend_header_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_data,
                "on_part_data": self._extend_data,
                "on_part_end": self._end_part,
                "on_end": self._end,
            },
        )

    def write(self, chunk: bytes) -> None:
        """Read the next bytes of the form.

        Raises:
            MalformedRequestError: when they are not valid, or there are too many or too long fields.
            InvalidOptionError: when a file is not named ``file``.
        """
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise MalformedRequestError(
                "The headers of a form's part are malformed."
                if self._begun
                else "The form does not begin with the boundary in its Content-Type."
            ) from error

    def read_photo(self) -> bytes:
        """Return the photo, after the last chunk.

        Raises:
            MalformedRequestError: when the form is incomplete, or has no photo.
        """
        if not self._ended:
            raise MalformedRequestError("The form ends before its last boundary.")
        if self._photo is None:
            raise MalformedRequestError("The form has no part named 'file'.")
        if not self._photo:
            raise MalformedRequestError("The form's part 'file' is empty.")
        return bytes(self._photo)

    def _begin_part(self) -> None:
        self._begun = True
        self._disposition = b""

    def _begin_header(self) -> None:
        self._header = (bytearray(), bytearray())

    def _extend_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def _extend_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def _end_header(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)

    def _begin_data(self) -> None:
        parameters = parse_options_header(self._disposition)[1]
        if b"name" not in parameters:
            raise MalformedRequestError("A part of the form has no name.")
        self._name = parameters[b"name"].decode(errors="replace")
        self._part = bytearray()
        if self._name == FILE:
            if self._photo is not None:
                raise MalformedRequestError(
                    "The form has more than one part named 'file'; send one photo per request."
                )
            self._photo = self._part
        elif b"filename" in parameters:
            raise InvalidOptionError("The photo's part must be named 'file'.")
        elif len(self.fields) == MAX_FORM_FIELDS:
            raise MalformedRequestError(f"The form has more than {MAX_FORM_FIELDS} fields.")

    def _extend_data(self, data: bytes, start: int, end: int) -> None:
        self._part += data[start:end]
        if self._name != FILE and len(self._part) > MAX_FIELD_BYTES:
            raise MalformedRequestError(
                f"A field of the form has more than {MAX_FIELD_BYTES} bytes; the photo's part "
                "must be named 'file'."
            )

    def _end_part(self) -> None:
        if self._name != FILE:
            self.fields.append((self._name, self._part.decode(errors="replace")))

    def _end(self) -> None:
        self._ended = True
