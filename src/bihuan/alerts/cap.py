"""CAP 1.2 out: the signed warning as the Common Alerting Protocol knows it.

Source: OASIS Common Alerting Protocol Version 1.2 (2010-07-01), section 3.2 (order and cardinality of elements, date
format of 3.3.2 without ``Z``, coordinates as ``lat,lon`` pairs with a closed ring).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from xml.etree import ElementTree as Xml
from zoneinfo import ZoneInfo

from bihuan.alerts.act import Warning, basis, headline
from bihuan.alerts.ladder import ladder_settings
from bihuan.core import CHINA, InputError, Language, WarningRefused, text

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
LANGUAGES: tuple[tuple[Language, str], ...] = (("zh", "zh-CN"), ("en", "en-US"))
EXPIRES = timedelta(hours=24)
"""A message without an end of its own is looked at again after a day."""

CapStatus = Literal["Actual", "Exercise", "System", "Test", "Draft"]


@dataclass(frozen=True, slots=True)
class CapArea:
    """Where it holds.

    Attributes
    ----------
    names : (str, str)
        Chinese and English.
    rings : sequence of rings of (lon, lat)
        Outer rings; closed here if they are open. [degrees]
    geocodes : sequence of (str, str)
        Name of the code list and code: ``("GB/T 2260", "410100")``.
    """

    names: tuple[str, str]
    rings: Sequence[Sequence[tuple[float, float]]] = ()
    geocodes: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class CapSender:
    """Who speaks: `address` is CAP's sender, unique and without spaces, commas, ``<`` and ``&``."""

    address: str
    names: tuple[str, str]
    contact: str = ""
    web: str = ""


def cap(
    warning: Warning,
    area: CapArea,
    sender: CapSender,
    status: CapStatus = "Actual",
    zone: ZoneInfo = CHINA,
    languages: Collection[Language] = ("zh", "en"),
) -> bytes:
    """Return a signed warning as CAP 1.2.

    Parameters
    ----------
    warning : Warning
    area : CapArea
    sender : CapSender
    status : CapStatus
        ``Exercise`` for a synthetic city.
    zone : ZoneInfo
        Local time that the message is written in.
    languages : collection of Language
        Each gives one ``info``; ours is always the order of Chinese, then English.

    Returns
    -------
    bytes
        UTF-8 XML: ``Alert`` for the first message, ``Update`` for a change of grade, ``Cancel`` for the lift, both
        with references to every earlier message.

    Raises
    ------
    WarningRefused
        If no person signed it: a draft never leaves.
    InputError
        If the sender's address cannot be used in CAP.
    """
    if not warning.signed or warning.signed_at is None:
        raise WarningRefused(f"{warning.ref} is not signed: CAP leaves only after a named person signed")
    if not sender.address or any(letter in sender.address for letter in " ,<&"):
        raise InputError(f"CAP sender {sender.address!r} must not be empty nor hold spaces, commas, '<' or '&'")
    Xml.register_namespace("", NAMESPACE)
    alert = Xml.Element(f"{{{NAMESPACE}}}alert")
    kinds = {"issue": "Alert", "upgrade": "Update", "downgrade": "Update", "lift": "Cancel"}
    _put(alert, "identifier", _identifier(warning, warning.sequence))
    _put(alert, "sender", sender.address)
    _put(alert, "sent", _stamp(warning.signed_at, zone))
    _put(alert, "status", status)
    _put(alert, "msgType", kinds[warning.action])
    _put(alert, "scope", "Public")
    if warning.earlier:
        sent = (
            f"{sender.address},{_identifier(warning, one.sequence)},{_stamp(one.signed_at, zone)}"
            for one in warning.earlier
        )
        _put(alert, "references", " ".join(sent))
    for place, (language, tag) in enumerate(LANGUAGES):
        if language not in languages:
            continue
        _info(alert, warning, area, sender, (place, language, tag), zone)
    Xml.indent(alert)
    body: bytes = Xml.tostring(alert, encoding="utf-8", xml_declaration=True)
    return body + b"\n"


def _info(
    alert: Xml.Element,
    warning: Warning,
    area: CapArea,
    sender: CapSender,
    how: tuple[int, Language, str],
    zone: ZoneInfo,
) -> None:
    place, language, tag = how
    info = _put(alert, "info", "")
    signed = warning.signed_at
    assert signed is not None
    for name, words in _info_texts(warning, tag, language):
        _put(info, name, words)
    code = _put(info, "eventCode", "")
    _put(code, "valueName", "bihuan:heavy-pollution-grade")
    _put(code, "value", warning.grade)
    begins = signed if warning.period is None else max(signed, warning.period.start)
    expires = signed + EXPIRES if warning.period is None else max(warning.period.end, signed + timedelta(hours=1))
    _put(info, "effective", _stamp(signed, zone))
    _put(info, "onset", _stamp(begins, zone))
    _put(info, "expires", _stamp(expires, zone))
    _put(info, "senderName", sender.names[place])
    _put(info, "headline", headline(warning, area.names[place], language))
    _put(
        info, "description", f"{basis(warning, language)}. {text('warning.signed', language, name=warning.signed_name)}"
    )
    _put(info, "instruction", text(f"warning.advice_{'lift' if warning.action == 'lift' else 'all'}", language))
    if sender.web:
        _put(info, "web", sender.web)
    if sender.contact:
        _put(info, "contact", sender.contact)
    for name, value in (("response", warning.response), ("scheme", warning.scheme)):
        parameter = _put(info, "parameter", "")
        _put(parameter, "valueName", f"bihuan:{name}")
        _put(parameter, "value", value)
    _area(info, area, place)


def _info_texts(warning: Warning, tag: str, language: Language) -> Iterator[tuple[str, str]]:
    over = warning.action == "lift"
    yield "language", tag
    yield "category", "Env"
    yield "event", text("warning.event", language)
    yield "responseType", "AllClear" if over else "Avoid"
    yield "urgency", "Past" if over else ("Expected" if _later(warning) else "Immediate")
    yield "severity", "Minor" if over else str(ladder_settings()["severity"][warning.grade])
    yield "certainty", "Likely" if _later(warning) else "Observed"


def _later(warning: Warning) -> bool:
    """Whether the episode begins after the signature."""
    return warning.period is not None and warning.signed_at is not None and warning.period.start > warning.signed_at


def _area(info: Xml.Element, area: CapArea, place: int) -> None:
    element = _put(info, "area", "")
    _put(element, "areaDesc", area.names[place])
    for ring in area.rings:
        closed = [*ring, ring[0]] if ring[0] != ring[-1] else list(ring)
        if len(closed) < 4:
            raise InputError(f"a CAP polygon needs three corners or more; {area.names[1]} has a ring of {len(ring)}")
        _put(element, "polygon", " ".join(f"{lat:.6f},{lon:.6f}" for lon, lat in closed))
    for name, value in area.geocodes:
        code = _put(element, "geocode", "")
        _put(code, "valueName", name)
        _put(code, "value", value)


def _identifier(warning: Warning, sequence: int) -> str:
    return f"bihuan-{warning.id}-{sequence}"


def _stamp(instant: datetime, zone: ZoneInfo) -> str:
    return instant.astimezone(zone).replace(microsecond=0).isoformat()


def _put(parent: Xml.Element, name: str, words: str) -> Xml.Element:
    child = Xml.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if words:
        child.text = words
    return child
