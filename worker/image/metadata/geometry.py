"""How the finished photo was scaled and turned: places and sizes in its metadata follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes are (width, height)."""

    stored_px: tuple[int, int]
    """As the upload stores it, not rotated."""
    orientation: int
    """EXIF 2.32, tag 0x0112: 1 to 8, applied to the stored pixels."""
    finished_px: tuple[int, int]

    @property
    def turns_sides(self) -> bool:
        """Whether width and height change places."""
        return self.orientation >= 5

    @property
    def is_unchanged(self) -> bool:
        """Whether each pixel is where it was."""
        return self.orientation == 1 and self.stored_px == self.finished_px
