"""What is odd about the photos, the place and the time of an action: flagged, never refused.

An officer without signal, with a phone whose clock is wrong, or with a photo from the other side of a wall must
not be stopped; the one who checks sees what is odd and judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bihuan.cases.actions import Photo
from bihuan.cases.settings import CaseSettings
from bihuan.core import Complaint, Place, Ref

NOTHING_SEEN: Mapping[str, Ref] = {}


def examine(
    photos: tuple[Photo, ...],
    place: Place | None,
    at: datetime,
    settings: CaseSettings,
    used: Mapping[str, Ref] = NOTHING_SEEN,
) -> tuple[Complaint, ...]:
    """Return what is odd about photos.

    Parameters
    ----------
    photos : tuple of Photo
    place : Place or None
        Where the case is; None skips the distance.
    at : datetime
        When the step was done.
    settings : CaseSettings
    used : mapping of str to Ref
        Digest -> case or step that showed the same photo before.

    Returns
    -------
    tuple of Complaint
        Reasons ``photo_reused photo_far photo_early photo_late photo_untimed photo_unplaced``.
    """
    odd: list[Complaint] = []
    here: set[str] = set()
    for photo in photos:
        odd += _reuse(photo, used, here)
        odd += _distance(photo, place, settings)
        odd += _time(photo, at, settings)
        here.add(photo.digest)
    return tuple(odd)


def strayed(actor: Place | None, place: Place | None, settings: CaseSettings) -> tuple[Complaint, ...]:
    """Return a complaint when someone who claims to be there stood too far from the case."""
    if actor is None or place is None:
        return ()
    metres = actor.distance(place)
    if metres <= settings.photo_metres:
        return ()
    return (Complaint("place_far", f"stood {metres:.0f} m from the case, {settings.photo_metres:.0f} m are allowed"),)


def _reuse(photo: Photo, used: Mapping[str, Ref], here: set[str]) -> list[Complaint]:
    if photo.digest in here:
        return [Complaint("photo_reused", "the same photo stands twice in one step", photo.digest)]
    if photo.digest in used:
        return [Complaint("photo_reused", f"the same photo was shown in {used[photo.digest]}", photo.digest)]
    return []


def _distance(photo: Photo, place: Place | None, settings: CaseSettings) -> list[Complaint]:
    if photo.place is None:
        return [Complaint("photo_unplaced", "the photo does not say where it was taken", photo.digest, "note")]
    if place is None:
        return []
    metres = photo.place.distance(place)
    if metres <= settings.photo_metres:
        return []
    text = f"taken {metres:.0f} m from the case, {settings.photo_metres:.0f} m are allowed"
    return [Complaint("photo_far", text, photo.digest)]


def _time(photo: Photo, at: datetime, settings: CaseSettings) -> list[Complaint]:
    if photo.taken is None:
        return [Complaint("photo_untimed", "the photo does not say when it was taken", photo.digest, "note")]
    if photo.taken > at + timedelta(minutes=settings.clock_minutes):
        return [Complaint("photo_late", f"taken {photo.taken - at} after the step", photo.digest)]
    if photo.taken < at - timedelta(hours=settings.photo_hours_before):
        text = f"taken {at - photo.taken} before the step, {settings.photo_hours_before:g} h are allowed"
        return [Complaint("photo_early", text, photo.digest)]
    return []
