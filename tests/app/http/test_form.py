"""A form has one photo, with or without a file name; the error of another form says what is wrong."""

import contextlib
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.http.form import MAX_FIELD_BYTES, MAX_FORM_FIELDS, FormReader
from contract.errors import ClientError, InvalidOptionError, MalformedRequestError

CONTENT_TYPE: Final = "multipart/form-data; boundary=x"
FILE: Final = b'Content-Disposition: form-data; name="file"; filename="a.jpg"'
UNNAMED_FILE: Final = b'Content-Disposition: form-data; name="file"'
QUALITY: Final = b'Content-Disposition: form-data; name="quality"'
# Above 1 MiB, libraries keep a file's part on disk, and refuse a longer field.
SIZES: Final = pytest.mark.parametrize("size", [5, 1_100_000], ids=["small", "large"])


def encode(*parts: tuple[bytes, bytes], end: bytes = b"--x--\r\n") -> bytes:
    """Return a form of parts, each its headers and its data."""
    return b"".join(b"--x\r\n%b\r\n\r\n%b\r\n" % part for part in parts) + end


def read(
    body: bytes, content_type: str = CONTENT_TYPE, chunk_bytes: int = 65_536
) -> tuple[bytes, list[tuple[str, str]]]:
    """Return the photo and the fields of a form that arrives in chunks."""
    form = FormReader(content_type)
    for start in range(0, len(body), chunk_bytes):
        form.write(body[start : start + chunk_bytes])
    return form.read_photo(), form.fields


@SIZES
@pytest.mark.parametrize("head", [FILE, UNNAMED_FILE], ids=["file name", "no file name"])
def test_the_part_named_file_is_the_photo(head: bytes, size: int) -> None:
    body = encode((head, b"\xff" * size), (QUALITY, b"60"))
    assert read(body) == (b"\xff" * size, [("quality", "60")])


@pytest.mark.parametrize("chunk_bytes", [1, 2, 7])
def test_chunks_may_end_anywhere(chunk_bytes: int) -> None:
    body = encode((QUALITY, b"60"), (UNNAMED_FILE, b"photo\r\n--"))
    assert read(body, chunk_bytes=chunk_bytes) == (b"photo\r\n--", [("quality", "60")])


@pytest.mark.parametrize(
    "charset", ["undefined", "idna", "unicode_escape", "utf-16", "hex", "nonsense", "a\0b", '"', ""]
)
def test_a_charset_in_the_content_type_has_no_meaning(charset: str) -> None:
    body = encode((FILE, b"photo"), (QUALITY, "é\\".encode()))
    assert read(body, f"{CONTENT_TYPE}; charset={charset}") == (b"photo", [("quality", "é\\")])


def test_text_that_is_not_utf8_is_replaced() -> None:
    body = encode((FILE, b"photo"), (b'Content-Disposition: form-data; name="\xff"', b"\xfe"))
    assert read(body)[1] == [("�", "�")]


@SIZES
@pytest.mark.parametrize("first", [FILE, UNNAMED_FILE], ids=["named", "unnamed"])
@pytest.mark.parametrize("second", [FILE, UNNAMED_FILE], ids=["named", "unnamed"])
def test_two_files_are_refused_with_the_reason(first: bytes, second: bytes, size: int) -> None:
    with pytest.raises(MalformedRequestError, match="more than one part named 'file'"):
        read(encode((first, bytes(size)), (second, bytes(size))))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"nonsense", "does not begin with the boundary"),
        (encode((FILE, b"x"), end=b""), "ends before its last boundary"),
        (b"", "ends before its last boundary"),
        (b"--x--\r\n", "no part named 'file'"),
        (encode((QUALITY, b"60")), "no part named 'file'"),
        (encode((FILE, b"")), "part 'file' is empty"),
        (encode((UNNAMED_FILE, b"")), "part 'file' is empty"),
        (encode((b"Content-Disposition: form-data", b"x")), "has no name"),
        (encode((b"X-Other: 1", b"x")), "has no name"),
        (b"--x\r\n\r\nphoto\r\n--x--\r\n", "has no name"),
        (encode((b"a b: c", b"x")), "headers of a form's part"),
        (encode((FILE + b"x" * 5000, b"x")), "headers of a form's part"),
        (encode((QUALITY, b"1" * (MAX_FIELD_BYTES + 1))), f"more than {MAX_FIELD_BYTES} bytes"),
        (encode(*[(QUALITY, b"1")] * (MAX_FORM_FIELDS + 1)), f"more than {MAX_FORM_FIELDS} fields"),
    ],
)
def test_the_reason_is_said(body: bytes, expected: str) -> None:
    with pytest.raises(MalformedRequestError, match=expected):
        read(body)


@SIZES
def test_a_file_of_another_name_is_refused(size: int) -> None:
    with pytest.raises(InvalidOptionError, match="must be named 'file'"):
        read(encode((b'Content-Disposition: form-data; name="photo"; filename="a"', bytes(size))))


@pytest.mark.parametrize("parameter", ["", "; boundary", "; boundary=", f"; boundary={'x' * 71}"])
def test_a_form_needs_a_valid_boundary(parameter: str) -> None:
    with pytest.raises(MalformedRequestError, match="boundary of 1 to 70 characters"):
        FormReader(f"multipart/form-data{parameter}")


@settings(max_examples=200, deadline=None)
@given(
    parameters=st.text(st.characters(max_codepoint=255), max_size=40),
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.sampled_from([b"--x", b"--", b"\r\n", b"\r\n\r\n", FILE, UNNAMED_FILE, QUALITY]),
        ),
        max_size=20,
    ),
    chunk_bytes=st.integers(1, 50),
)
def test_any_form_is_read_or_refused(
    parameters: str, pieces: list[bytes], chunk_bytes: int
) -> None:
    with contextlib.suppress(ClientError):
        read(b"".join(pieces), f"{CONTENT_TYPE};{parameters}", chunk_bytes)
