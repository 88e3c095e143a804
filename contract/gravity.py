"""The values of `gravity`, which says what a crop keeps of its photo."""

import re
from typing import Final

SMART: Final = "smart"
# Points in shares of the upright photo's sides.
PLACES: Final[dict[str, tuple[float, float]]] = {
    "centre": (0.5, 0.5),
    "north": (0.5, 0.0),
    "northeast": (1.0, 0.0),
    "east": (1.0, 0.5),
    "southeast": (1.0, 1.0),
    "south": (0.5, 1.0),
    "southwest": (0.0, 1.0),
    "west": (0.0, 0.5),
    "northwest": (0.0, 0.0),
}
_SHARE: Final = r"(0|0?\.[0-9]{1,9}|1(\.0{1,9})?)"
# In the syntax of JSON schemas.
PATTERN: Final = f"^({'|'.join((SMART, *PLACES))}|{_SHARE},{_SHARE})$"


def parse_gravity(text: str) -> tuple[float, float] | None:
    """Return the point that a crop keeps in its middle, as far as the photo's edges allow.

    It is (x, y) in shares of the upright photo's sides. None stands for `smart`: the saliency map decides.

    Raises:
        ValueError: when ``text`` is no such value.
    """
    if not re.fullmatch(PATTERN, text):
        names = ", ".join(f"'{name}'" for name in (SMART, *PLACES))
        raise ValueError(f"Input should be {names}, or x,y with both from 0 to 1")
    if text == SMART:
        return None
    if text in PLACES:
        return PLACES[text]
    x, y = text.split(",")
    return float(x), float(y)
