"""Presets: options that the operator has given a name (``PRESETS``), and requests that use them."""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

from app.options import AUTOMATIC_FORMAT, MAX_CACHED_BYTES, CompressOptions, parse_options, quote
from contract.errors import InvalidOptionError
from contract.messages import Options

PRESET: Final = "preset"
WORD: Final = re.compile(r"[a-z_]{1,32}")
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
# A comma ends a preset where a name and a colon follow; `gravity=0.3,0.5` has one of its own.
NEXT_PRESET: Final = re.compile(r",(?=[^,=&]*:)")
# With ONLY_PRESETS clients still choose this one: it is about what comes beside the file.
ALLOWED_BESIDE: Final = "heatmap"

Pair = tuple[str, str]


def parse_presets(text: str) -> dict[str, tuple[Pair, ...]]:
    """Return the options of each preset by its name; ``text`` is ``NAME:OPTIONS``, separated by commas.

    The options of a preset are written as a URL's query.

    Raises:
        ValueError: when a name or an option is invalid, missing or given twice; it names the preset.
    """
    found: dict[str, tuple[Pair, ...]] = {}
    for number, entry in enumerate(NEXT_PRESET.split(text) if text else (), start=1):
        name, colon, query = (part.strip() for part in entry.partition(":"))
        if not colon or not NAME.fullmatch(name):
            raise ValueError(
                f"preset {number} must be NAME:OPTION=VALUE&OPTION=VALUE, with a NAME of at most 32 "
                "letters, digits, - and _"
            )
        if name in found:
            raise ValueError(f"preset {quote(name)} is there twice")
        found[name] = parse_preset(name, query)
    return found


def parse_preset(name: str, query: str) -> tuple[Pair, ...]:
    """Return the options of one preset, which are valid together.

    Raises:
        ValueError: when they are not, or there is none; it names the preset and the option.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
        if not pairs:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"preset {quote(name)} has no options, as in width=200&fit=cover"
        ) from None
    for option, _ in pairs:
        if option not in CompressOptions.model_fields:
            # It is shown if it is a word; a secret that stands here by mistake is not.
            shown = quote(option) if WORD.fullmatch(option) else "a part of it"
            raise ValueError(f"preset {quote(name)}: {shown} is not an option")
    automatic = (AUTOMATIC_FORMAT[0], Options().format)
    try:
        parse_options([automatic if pair == AUTOMATIC_FORMAT else pair for pair in pairs])
    except InvalidOptionError as error:
        raise ValueError(f"preset {quote(name)}: {error.detail}") from None
    return tuple(pairs)


class Presets:
    """The presets of one service; requests may have other options too, unless ``only``.

    Raises:
        ValueError: as ``parse_presets``.
    """

    def __init__(self, text: str = "", *, only: bool = False) -> None:
        self._named = parse_presets(text)
        self.only = only
        # Most requests have one of a few queries.
        self._parse_cached = lru_cache(maxsize=64)(self._parse)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the presets, in the operator's order."""
        return tuple(self._named)

    def parse(self, pairs: list[Pair], *, is_complete: bool = True) -> Options:
        """Return the options given as ``pairs`` of name and value, ``preset`` among them.

        Without ``is_complete`` more of them may follow, as the fields of a form do.

        Raises:
            InvalidOptionError: as ``expand`` and ``parse_options``; also for a preset with
                ``format=auto``.
        """
        expanded = self.expand(pairs, is_complete=is_complete)
        if AUTOMATIC_FORMAT in expanded and AUTOMATIC_FORMAT not in pairs:
            raise InvalidOptionError(
                "'preset': this one has format=auto, which is available in /fetch only"
            )
        return parse_options(expanded)

    def parse_query(self, query: bytes, *, is_complete: bool = True) -> Options:
        """Return the options of a URL's query; as ``parse`` otherwise.

        Raises:
            InvalidOptionError: as ``parse``.
        """
        parse = self._parse if len(query) > MAX_CACHED_BYTES else self._parse_cached
        return parse(query, is_complete)

    def expand(self, pairs: list[Pair], *, is_complete: bool = True) -> list[Pair]:
        """Return ``pairs`` with the options of the preset in its place; those given beside it win.

        Raises:
            InvalidOptionError: when there is no such preset, or more than one is named; with ``only``
                also when none is named, or another option is.
        """
        if not self._named:
            return pairs
        known = ", ".join(self._named)
        chosen = [value for name, value in pairs if name == PRESET]
        others = [pair for pair in pairs if pair[0] != PRESET]
        if len(chosen) > 1:
            raise InvalidOptionError("'preset' is given more than once.")
        refused = next((name for name, _ in others if name != ALLOWED_BESIDE), None)
        if self.only and refused is not None:
            raise InvalidOptionError(
                f"{quote(refused)}: this service accepts its presets only; send preset=NAME with one "
                f"of {known}"
            )
        if not chosen:
            if self.only and is_complete:
                raise InvalidOptionError(f"'preset' is missing; the presets are {known}")
            return others
        if chosen[0] not in self._named:
            raise InvalidOptionError(
                f"'preset': there is no preset {quote(chosen[0])}; the presets are {known}"
            )
        given = {name for name, _ in others}
        return [pair for pair in self._named[chosen[0]] if pair[0] not in given] + others

    def _parse(self, query: bytes, is_complete: bool) -> Options:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        return self.parse(pairs, is_complete=is_complete)


NO_PRESETS: Final = Presets()
