"""How the finished photo was scaled, turned and cropped: places and sizes in its metadata follow."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes are (width, height)."""

    stored_px: tuple[int, int]
    """As the upload stores it, not rotated."""
    orientation: int
    """EXIF 2.32, tag 0x0112: 1 to 8, applied to the stored pixels."""
    finished_px: tuple[int, int]
    is_cropped: bool = False

    @property
    def turns_sides(self) -> bool:
        """Whether width and height change places."""
        return self.orientation >= 5

    @property
    def moves_places(self) -> bool:
        """Whether places in shares of the sides change."""
        return self.orientation != 1 or self.is_cropped

    @property
    def is_unchanged(self) -> bool:
        """Whether each pixel is where it was."""
        return self.orientation == 1 and self.stored_px == self.finished_px
