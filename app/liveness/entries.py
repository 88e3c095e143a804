"""Names and ids in lists and sets of Redis; anyone who can write there can add entries that are no text."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

log = logging.getLogger(__name__)

MAX_SHOWN_BYTES = 100


def read_texts(entries: Iterable[Any], remove: Callable[[bytes], object], place: str) -> list[str]:
    """Return the entries of ``place``, bytes, as text; those that are not UTF-8 are logged and removed.

    No name and no id of RQ is such an entry, and RQ's own commands fail as long as there is one.
    """
    texts: list[str] = []
    odd: set[bytes] = set()
    for entry in entries:
        try:
            texts.append(entry.decode())
        except UnicodeDecodeError:
            odd.add(entry)
    for entry in odd:
        log.error(
            "%s has an entry that is no text; removing it: %a", place, entry[:MAX_SHOWN_BYTES]
        )
        remove(entry)
    return texts
