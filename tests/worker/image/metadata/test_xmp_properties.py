"""XMP claims nothing about parts that are not kept, and describes the finished photo's sides."""

import re
from pathlib import Path

import pytest

from tests.photos import file_of, photo
from tests.worker.image.metadata.tiff_structures import find_faults
from tests.worker.image.tagged_uploads import compress, read_tags
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.xmp import XMP_NAME, write_xmp
from worker.image.samples import RawMetadata

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "GDepth": "http://ns.google.com/photos/1.0/depthmap/",
    "GImage": "http://ns.google.com/photos/1.0/image/",
    "GAudio": "http://ns.google.com/photos/1.0/audio/",
    "GPano": "http://ns.google.com/photos/1.0/panorama/",
    "Device": "http://ns.google.com/photos/dd/1.0/device/",
    "Profile": "http://ns.google.com/photos/dd/1.0/profile/",
    "OpCamera": "http://ns.oplus.com/photos/1.0/camera/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "HDRGainMap": "http://ns.apple.com/HDRGainMap/1.0/",
    "apdi": "http://ns.apple.com/pixeldatainfo/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}
DECLARATIONS = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
SAME = Geometry((1600, 1200), 1, (1600, 1200))
SMALL = Geometry((1600, 1200), 1, (800, 600))
TURNED = Geometry((1600, 1200), 6, (1200, 1600))
CROPPED = Geometry((1600, 1200), 1, (900, 1200), is_cropped=True)
KEPT = 'crs:Exposure="+0.5" '

DIRECTORY = (
    '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item'
    ' Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="5"/></rdf:li></rdf:Seq>'
    "</Container:Directory>"
)
REGIONS = (
    '<mwg-rs:Regions rdf:parseType="Resource"><mwg-rs:AppliedToDimensions stDim:w="1600"'
    ' stDim:h="1200" stDim:unit="pixel"/></mwg-rs:Regions>'
)


def write(
    attributes: str, content: str = "", geometry: Geometry = SAME, *, has_profile: bool = False
) -> str:
    """Return what remains of a description with a kept attribute, without declarations."""
    head = f"<rdf:RDF{DECLARATIONS}><rdf:Description rdf:about='' {KEPT}"
    packet = f"{head}{attributes}>{content}</rdf:Description></rdf:RDF>"
    metadata = RawMetadata(xmp=packet.encode())
    (payload,) = write_xmp(metadata, "all", geometry, has_profile=has_profile)
    written = payload[len(XMP_NAME) :].decode()
    return (
        written[written.index(KEPT.strip()) + len(KEPT.strip()) :]
        .partition("</rdf:Desc")[0]
        .strip()
    )


@pytest.mark.parametrize(
    "attributes",
    [
        'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"',
        'GCamera:MotionPhotoPresentationTimestampUs="500000"',
        'GCamera:MicroVideo="1" GCamera:MicroVideoOffset="99"',
        'OpCamera:MotionPhotoOwner="x" OpCamera:OLivePhotoVersion="2" OpCamera:VideoLength="9"',
        'hdrgm:Version="1.0" hdrgm:GainMapMax="2"',
        'HDRGainMap:HDRGainMapVersion="65536" apdi:AuxiliaryImageType="x"',
        'GDepth:Format="RangeInverse" GDepth:Data="AAAA" GImage:Mime="image/jpeg" GAudio:Data="AA"',
        'dcterms:provenance="self#jumbf=c2pa"',
        'tiff:Compression="1" tiff:PhotometricInterpretation="2"',
        'photoshop:ICCProfile="Display P3" photoshop:ColorMode="4"',
    ],
)
def test_claims_in_attributes_are_left_out(attributes: str) -> None:
    assert write(attributes) == ">"
    elements = re.sub(r'([^ =]+)="([^"]*)" ?', r"<\1>\2</\1>", attributes)
    assert write("", elements) == ">"


@pytest.mark.parametrize(
    "element",
    [
        DIRECTORY,
        "<hdrgm:GainMapMax><rdf:Seq><rdf:li>1</rdf:li></rdf:Seq></hdrgm:GainMapMax>",
        "<Device:Profiles><rdf:Seq><rdf:li><Profile:Type>DepthPhoto</Profile:Type></rdf:li></rdf:Seq></Device:Profiles>",
        "<xmp:Thumbnails><rdf:Alt><rdf:li xmpGImg:image='/9j/'/></rdf:Alt></xmp:Thumbnails>",
        "<tiff:BitsPerSample><rdf:Seq><rdf:li>16</rdf:li></rdf:Seq></tiff:BitsPerSample>",
    ],
)
def test_claims_in_elements_are_left_out(element: str) -> None:
    assert write("", element) == ">"


def test_nothing_names_a_part_that_is_gone(tmp_path: Path) -> None:
    attributes = 'GCamera:MotionPhoto="1" hdrgm:Version="1.0" xmp:CreatorTool="a tool"'
    packet = (
        f"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{NAMESPACES['rdf']}'>"
        f"<rdf:Description rdf:about=''{DECLARATIONS} {attributes}>{DIRECTORY}</rdf:Description>"
        "</rdf:RDF></x:xmpmeta>"
    )
    jpeg = compress(file_of(photo(), "JPEG", xmp=packet.encode()), metadata="all")
    for word in (b"hdr-gain-map", b"hdrgm", b"Container", b"HDRGainMap", b"MotionPhoto", b"GDepth"):
        assert word not in jpeg
    tags = read_tags(jpeg, tmp_path)
    assert {tag for tag in tags if tag.startswith("XMP")} == {"XMP:CreatorTool"}
    assert find_faults(jpeg, tmp_path) == {"[minor] XMP is missing xpacket wrapper"}


@pytest.mark.parametrize(
    ("before", "geometry", "after"),
    [
        ('tiff:Orientation="6"', TURNED, 'tiff:Orientation="1">'),
        (
            'tiff:ImageWidth="1600" tiff:ImageLength="1200"',
            SMALL,
            'tiff:ImageWidth="800" tiff:ImageLength="600">',
        ),
        (
            'exif:PixelXDimension="1600" exif:PixelYDimension="1200"',
            TURNED,
            'exif:PixelXDimension="1200" exif:PixelYDimension="1600">',
        ),
        ('dc:format="image/heic"', SAME, 'dc:format="image/jpeg">'),
        ('photoshop:ColorMode="3"', SAME, 'photoshop:ColorMode="3">'),
        # A panorama's places in pixels.
        (
            'GPano:FullPanoWidthPixels="2001" GPano:CroppedAreaTopPixels="300"',
            SMALL,
            'GPano:FullPanoWidthPixels="1000" GPano:CroppedAreaTopPixels="150">',
        ),
        (
            'GPano:FullPanoWidthPixels="02000" GPano:ProjectionType="equirectangular"',
            SAME,
            'GPano:FullPanoWidthPixels="02000" GPano:ProjectionType="equirectangular">',
        ),
        (
            'GPano:FullPanoWidthPixels="2e9" GPano:PoseHeadingDegrees="12.5"',
            SMALL,
            'GPano:PoseHeadingDegrees="12.5">',
        ),
        ('GPano:FullPanoWidthPixels="2000" GPano:ProjectionType="equirectangular"', TURNED, ">"),
        ('GPano:FullPanoWidthPixels="2000" GPano:ProjectionType="equirectangular"', CROPPED, ">"),
    ],
)
def test_properties_follow_the_finished_photo(before: str, geometry: Geometry, after: str) -> None:
    assert write(before, geometry=geometry) == after


@pytest.mark.parametrize(
    ("element", "geometry", "is_kept"),
    [
        ("<exif:SubjectArea><rdf:Seq><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectArea>", SAME, True),
        (
            "<exif:SubjectArea><rdf:Seq><rdf:li>4</rdf:li></rdf:Seq></exif:SubjectArea>",
            SMALL,
            False,
        ),
        ("<Iptc4xmpExt:ImageRegion/>", SAME, True),
        ("<Iptc4xmpExt:ImageRegion/>", SMALL, False),
        ("<MP:RegionInfo>x</MP:RegionInfo>", SMALL, True),
        ("<MP:RegionInfo>x</MP:RegionInfo>", TURNED, False),
        ("<MP:RegionInfo>x</MP:RegionInfo>", CROPPED, False),
        (REGIONS, SAME, True),
        (REGIONS, TURNED, False),
    ],
)
def test_places_are_kept_only_where_they_hold(
    element: str, geometry: Geometry, is_kept: bool
) -> None:
    assert write("", element, geometry) == ">" + element * is_kept


def test_regions_apply_to_the_finished_size() -> None:
    smaller = REGIONS.replace("1600", "800").replace("1200", "600")
    assert write("", REGIONS, SMALL) == ">" + smaller


def test_the_name_of_a_profile_is_kept_with_the_profile() -> None:
    name = 'photoshop:ICCProfile="Display P3"'
    assert write(name, has_profile=True) == name + ">"
