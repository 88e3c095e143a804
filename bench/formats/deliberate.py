"""Deliberate differences from other decoders: what ours refuses or shows in another way, and why."""

from typing import Final

# Pattern of the file's name, pattern of what ours says (a size, or status and text), and the reason.
DELIBERATE: Final[tuple[tuple[str, str, str], ...]] = ()
