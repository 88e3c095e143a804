"""One marker segment of a file (T.81 B.1.1.4)."""


def write_segment(marker: int, payload: bytes) -> bytes:
    """Return the marker's segment; `payload` has at most 65,533 bytes."""
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload
