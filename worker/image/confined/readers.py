"""Which formats the confined decoder reads, and with which modules."""

from typing import Final

# Modules by name: the worker itself loads none of them, nor their libraries.
MODULES: Final = {"HEIC": "worker.image.formats.heic"}
# As messages have them, where that is another name.
NAMES: Final[dict[str, str]] = {}
