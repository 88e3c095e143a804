"""The names with which a JPEG's segments of metadata begin; other formats repeat some of them."""

from typing import Final

EXIF_NAME: Final = b"Exif\0\0"
"""EXIF 2.32, 4.7.2, with its padding."""
XMP_NAME: Final = b"http://ns.adobe.com/xap/1.0/\0"
"""XMP part 3, 1.1.3."""
EXTENDED_XMP_NAME: Final = b"http://ns.adobe.com/xmp/extension/\0"
"""XMP part 3, 1.1.3.1."""
ICC_NAME: Final = b"ICC_PROFILE\0"
"""ICC.1:2010, B.4."""
PHOTOSHOP_NAME: Final = b"Photoshop 3.0\0"
"""IPTC is in Photoshop's image resources."""
