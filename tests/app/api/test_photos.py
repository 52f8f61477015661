import io
import struct
import zlib
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from PIL import ExifTags, Image

from bihuan.app.api import Office, photos
from bihuan.core import iso
from tests.app.api.busy import picture, reported
from tests.app.api.people import at_screen


@pytest.fixture(scope="module")
def officer(office: Office) -> TestClient:
    return at_screen(office, "grid_officer")


def upload(client: TestClient, data: bytes, name: str = "x.jpg") -> tuple[int, dict[str, object]]:
    answer = client.post("/api/photos", files={"file": (name, data, "image/jpeg")})
    return answer.status_code, answer.json()


def with_exif(text: str, taken: str = "2026:11:02 15:30:00", offset: str = "") -> bytes:
    image = Image.open(io.BytesIO(picture(text)))
    exif = Image.Exif()
    detail = {ExifTags.Base.DateTimeOriginal: taken}
    if offset:
        detail[ExifTags.Base.OffsetTimeOriginal] = offset
    exif[ExifTags.IFD.Exif] = detail
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N",
        ExifTags.GPS.GPSLatitude: (39.0, 47.0, 20.4),
        ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSLongitude: (101.0, 53.0, 8.16),
    }
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def huge_png(side: int) -> bytes:
    """A few bytes that say they unpack to side x side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


def test_time_and_place_of_the_camera_are_read_and_local_time_becomes_utc(officer: TestClient) -> None:
    status, told = upload(officer, with_exif("exif"))
    assert status == 200
    assert told["taken"] == "2026-11-02T07:30:00Z"
    assert told["place"] == {"lon": pytest.approx(101.8856, abs=1e-4), "lat": pytest.approx(39.789, abs=1e-4)}
    assert told["complaints"] == []


def test_the_offset_beside_the_time_of_the_camera_is_taken(officer: TestClient) -> None:
    assert upload(officer, with_exif("offset", offset="+09:00"))[1]["taken"] == "2026-11-02T06:30:00Z"


def test_a_photo_that_says_neither_is_taken_and_flagged(officer: TestClient) -> None:
    odd = upload(officer, picture("bare"))[1]["complaints"]
    assert {one["reason"] for one in odd} == {"photo_untimed", "photo_unplaced"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("data", "code", "status"),
    [
        (b"<html>no picture</html>", "photo_unreadable", 422),
        (b"", "photo_unreadable", 422),
        (picture("torn")[:4000], "photo_unreadable", 422),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "photo_heic", 422),
        (huge_png(9000), "photo_bomb", 413),
        (huge_png(60000), "photo_bomb", 413),
    ],
    ids=["html", "empty", "torn", "heic", "large picture", "bomb"],
)
def test_what_is_no_good_picture_is_refused_with_words(
    officer: TestClient, data: bytes, code: str, status: int
) -> None:
    assert (upload(officer, data)[0], upload(officer, data)[1]["code"]) == (status, code)


def test_a_file_over_the_limit_is_refused(officer: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "BYTES", 10_000)
    assert upload(officer, picture("large"))[1]["code"] == "photo_large"


def test_what_is_shown_is_never_the_original_and_says_neither_when_nor_where(officer: TestClient) -> None:
    original = with_exif("shown")
    digest = upload(officer, original)[1]["digest"]
    for small, side in ((False, photos.SIDE), (True, photos.SMALL)):
        answer = officer.get(f"/api/photos/{digest}", params={"small": small})
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.content != original
        image = Image.open(io.BytesIO(answer.content))
        assert max(image.size) <= side
        assert not image.getexif()


def test_a_photo_without_a_case_is_shown_to_nobody_else(office: Office, officer: TestClient) -> None:
    digest = upload(officer, picture("mine alone"))[1]["digest"]
    answer = at_screen(office, "verifier").get(f"/api/photos/{digest}")
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_area")


def test_the_photo_of_a_synthetic_person_is_only_a_digest(office: Office, officer: TestClient) -> None:
    answer = officer.get("/api/photos/sha256:" + "0" * 64)
    assert (answer.status_code, answer.json()["code"]) == (404, "photo_missing")


def test_a_photo_that_another_case_showed_is_flagged_with_that_case(office: Office, officer: TestClient) -> None:
    case = reported(office, "farmland", 15, 33)
    data = office.store.blobs.get(case.photos[0].digest)
    told = upload(officer, data)[1]
    assert told["reused"] == {"ref": f"case:{case.id}", "name": case.title("en")}
    other = reported(office, "plot", 16, 31)
    body = {
        "kind": "attach", "at": iso(office.now - timedelta(minutes=1)), "fields": {"note": "see"},
        "photos": [{"digest": case.photos[0].digest}],
    }  # fmt: skip
    answer = officer.post(f"/api/cases/{other.id}/actions", json=body)
    assert "photo_reused" in {odd["reason"] for odd in answer.json()["steps"][-1]["complaints"]}


def test_a_step_with_a_photo_that_was_never_uploaded_is_refused(office: Office, officer: TestClient) -> None:
    case = reported(office, "black_water", 17, 29)
    body = {"kind": "attach", "at": iso(office.now), "photos": [{"digest": "sha256:" + "1" * 64}]}
    assert officer.post(f"/api/cases/{case.id}/actions", json=body).json()["code"] == "photo_unknown"
