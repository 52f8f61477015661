"""Photos: the original is kept by its digest and never given away; what is shown is re-encoded, without metadata."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response, UploadFile
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError
from pydantic import BaseModel

from bihuan.app.access import Session, sees_case
from bihuan.app.api.case_shapes import Named, Odd, Spot
from bihuan.app.api.case_views import spot
from bihuan.app.api.errors import PROBLEMS, Refused
from bihuan.app.api.guard import TheLanguage, TheOffice, needs
from bihuan.app.api.office import Office
from bihuan.core import InputError, Language, NotCovered, Place, from_json, text, to_json, utc
from bihuan.store import Entry

router = APIRouter(prefix="/api", tags=["photos"], responses=PROBLEMS)  # type: ignore[arg-type]

BYTES = 12_000_000
"""Of one photo; a phone's are 2 to 8 MB."""

PIXELS = 60_000_000
"""Of one photo, asked before anything is unpacked; a phone's have 8 to 50 million."""

SIDE, SMALL = 1600, 320
"""Longest side of what is shown. [pixels]"""

FORMATS = ("JPEG", "PNG", "WEBP")
HEIC = (b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1", b"avif")
"""Brands of the container that phones write when they save space; refused with words."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is remembered of an uploaded photo beside its bytes.

    Attributes
    ----------
    by : str
        Person who uploaded it; may look at it before a case shows it.
    at : datetime
    taken : datetime or None
        As the camera wrote it.
    place : Place or None
        As the camera wrote it.
    """

    by: str
    at: datetime
    taken: datetime | None = None
    place: Place | None = None


class PhotoTaken(BaseModel):
    """An uploaded photo."""

    digest: str
    taken: datetime | None
    place: Spot | None
    width: int
    height: int
    complaints: list[Odd]
    reused: Named | None


def _name(digest: str) -> str:
    return f"photo/{digest}"


def photo_of(office: Office, digest: str) -> Kept | None:
    """Return what is remembered of a photo whose bytes are kept, or None."""
    try:
        if digest not in office.store.blobs:
            return None
    except InputError:
        return None
    body = office.store.records.state(_name(digest))
    return from_json(body, Kept) if body else None


@router.post("/photos")
def upload_photo(
    file: UploadFile,
    request: Request,
    session: Annotated[Session, needs("case.act")],
    office: TheOffice,
    language: TheLanguage,
) -> PhotoTaken:
    """Take a photo (JPEG, PNG or WebP). The same one a second time changes nothing."""
    data = file.file.read(BYTES + 1)
    if len(data) > BYTES:
        raise Refused(413, "photo_large", f"the photo has more than {BYTES // 1_000_000} MB: take it at a lower size")
    image = _open(data)
    taken, place = _exif(image, office)
    digest = office.store.blobs.put(data)
    now = office.now
    if office.store.records.state(_name(digest)) is None:
        with office.store.records.transaction():
            office.store.records.set_state(_name(digest), to_json(Kept(session.person.id, now, taken, place)))
            office.store.ledger.add(Entry(now, session.person.id, "photo.upload", "", to_json({"digest": digest})))
    odd = [_odd(name, language) for name, given in (("photo_untimed", taken), ("photo_unplaced", place)) if not given]
    first = office.desk.shown_in(digest)
    case = office.desk.find(first.id) if first else None
    if case:
        odd.append(_odd("photo_reused", language))
    seen = case if case and sees_case(session, case) else None
    return PhotoTaken(
        digest=digest,
        taken=taken,
        place=spot(place),
        width=image.width,
        height=image.height,
        complaints=odd,
        reused=Named(ref=str(seen.ref), name=office.title(seen, language)) if seen else None,
    )


def _odd(reason: str, language: Language) -> Odd:
    severity = "warning" if reason == "photo_reused" else "note"
    return Odd(reason=reason, words=text(f"complaint.{reason}", language), detail="", severity=severity)


def _open(data: bytes) -> Image.Image:
    """Return the unpacked picture.

    Raises
    ------
    Refused
        For what is no picture, is torn, or would unpack to more than memory should hold.
    """
    if data[4:8] == b"ftyp" and data[8:12] in HEIC:
        raise Refused(422, "photo_heic", "HEIC and AVIF cannot be read: set the camera to JPEG (most compatible)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is asked below
            image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > PIXELS:
            raise Refused(
                413, "photo_bomb", f"the picture has {image.width} x {image.height} pixels: send a smaller one"
            )
        image.load()
    except Image.DecompressionBombError:
        raise Refused(413, "photo_bomb", "the picture unpacks to too many pixels: send a smaller one") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as problem:
        told = f"this is no picture that can be read ({type(problem).__name__}): JPEG, PNG and WebP are taken"
        raise Refused(422, "photo_unreadable", told) from None
    return image


def _exif(image: Image.Image, office: Office) -> tuple[datetime | None, Place | None]:
    """Return when and where a picture says it was taken; a broken EXIF says nothing."""
    try:
        exif = image.getexif()
        detail = exif.get_ifd(ExifTags.IFD.Exif)
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except (OSError, SyntaxError, ValueError, KeyError):
        return None, None
    said = detail.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
    return _taken(str(said or ""), str(detail.get(ExifTags.Base.OffsetTimeOriginal) or ""), office), _place(place)


def _taken(said: str, offset: str, office: Office) -> datetime | None:
    """A camera writes its local time; the offset stands beside it in newer ones, else it is the city's."""
    try:
        found = datetime.strptime(said.strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone comes next
        if offset.strip("\0 "):
            sign = -1 if offset.startswith("-") else 1
            parts = [int(part) for part in offset.strip("\0 +-").split(":")]
            zone = timezone(sign * timedelta(hours=parts[0], minutes=parts[1]))
            return utc(found.replace(tzinfo=zone), office.zone)
        return utc(found.replace(tzinfo=office.zone), office.zone)
    except (ValueError, IndexError, OverflowError):
        return None


def _place(gps: dict[int, Any]) -> Place | None:
    try:
        lat = _degrees(gps[ExifTags.GPS.GPSLatitude]) * (-1 if gps[ExifTags.GPS.GPSLatitudeRef] == "S" else 1)
        lon = _degrees(gps[ExifTags.GPS.GPSLongitude]) * (-1 if gps[ExifTags.GPS.GPSLongitudeRef] == "W" else 1)
        if not (math.isfinite(lat) and math.isfinite(lon)) or (lat == 0 and lon == 0):
            return None  # what cameras write that do not know
        return Place(lon, lat)
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError, InputError):
        return None


def _degrees(parts: Any) -> float:
    return float(parts[0]) + float(parts[1]) / 60 + float(parts[2]) / 3600


@router.get("/photos/{digest}", response_class=Response)
def show_photo(
    digest: str, session: Annotated[Session, needs("case.read")], office: TheOffice, small: bool = False
) -> Response:
    """Show a photo of a case one may see: re-encoded as JPEG, without metadata, never the original."""
    _may_see(digest, session, office)
    try:
        data = office.store.blobs.get(digest)
    except NotCovered:
        raise Refused(404, "photo_missing", f"only the digest {digest} is known here, not the picture") from None
    headers = {"Cache-Control": "private, max-age=3600", "ETag": f'"{digest}{"s" if small else ""}"'}
    return Response(_shown(data, SMALL if small else SIDE), media_type="image/jpeg", headers=headers)


def _may_see(digest: str, session: Session, office: Office) -> None:
    shown = [case for case in office.desk.cases if any(photo.digest == digest for photo in case.photos)]
    if any(sees_case(session, case) for case in shown):
        return
    kept = photo_of(office, digest)
    if kept and kept.by == session.person.id:
        return
    if shown or kept:
        raise Refused(403, "wrong_area", "the photo belongs to a case of another area")
    raise Refused(404, "photo_missing", f"no photo {digest} is known here")


def _shown(data: bytes, side: int) -> bytes:
    image = ImageOps.exif_transpose(_open(data))
    image.thumbnail((side, side))
    if image.mode not in {"RGB", "L"}:
        solid = Image.new("RGB", image.size, "white")
        layer = image.convert("RGBA")
        solid.paste(layer, mask=layer.getchannel("A"))
        image = solid
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()
