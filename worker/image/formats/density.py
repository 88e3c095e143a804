"""Turns pixels per metre, as PNG and BMP have them, into the integers of a JPEG."""

from typing import Final

# JFIF 1.02: 16 bits each; 1 for pixels per inch, 2 for pixels per centimetre.
LARGEST: Final = 0xFFFF
INCH, CENTIMETRE = 1, 2
METRES: Final = {INCH: 0.0254, CENTIMETRE: 0.01}


def density_per_metre(x: int, y: int) -> tuple[int, int, int] | None:
    """Return pixels along x and y per unit and the unit, with the smaller rounding error.

    Return None if the density is 0 or too high for the integers.
    """
    best, least_error = None, 1.0
    for unit, metres in METRES.items():
        rounded = round(x * metres), round(y * metres)
        if all(0 < density <= LARGEST for density in rounded):
            error = abs(rounded[0] / (x * metres) - 1) + abs(rounded[1] / (y * metres) - 1)
            if error < least_error:
                best, least_error = (*rounded, unit), error
    return best
