"""Which formats the confined decoder reads, and with which modules."""

from typing import Final

# Modules by name: the worker itself loads none of them, nor their libraries.
MODULES: Final = {"AVIF": "worker.image.formats.avif", "HEIC": "worker.image.formats.heic"}
