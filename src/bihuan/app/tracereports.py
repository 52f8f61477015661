"""Trace reports (溯源专报), drafted, checked and signed as a bulletin is; clues, never a ground for a penalty."""

from __future__ import annotations

from bihuan.app.dossier import Asked, Reader, gather_trace
from bihuan.app.issues import LANGUAGES, Drawn, Issue, Issues, Signature
from bihuan.app.town import Town
from bihuan.cases import Case
from bihuan.core import local_date
from bihuan.reports import compose_trace


class TraceReports(Issues):
    """The trace reports of a home that somebody answers for.

    Parameters
    ----------
    store : Store
    settings : Settings
    """

    kind = "trace"
    action = "trace_report"
    listed = "/api/trace-reports"

    def make(
        self,
        asked: Asked,
        by: Signature,
        town: Town,
        cases: tuple[Case, ...],
        correcting: Issue | None = None,
        why: str = "",
    ) -> Issue:
        """Make the draft about an event from its last ranking; an unsigned one is drawn up anew with its advice kept.

        Parameters
        ----------
        asked : Asked
            The event with its ranking, sheet and search.
        by : Signature
            Whoever drafts; the whole city is told of, with every case.
        town : Town
        cases : tuple of Case
        correcting : Issue, optional
            The signed one that this one corrects.
        why : str
            Reason of the correction.

        Raises
        ------
        BulletinChanged
            If the event has a signed report: correct that one.
        """

        def draw() -> Drawn:
            contents = {}
            for one in LANGUAGES:
                given = gather_trace(self._store, town, self._settings, asked, cases, by.at, one, Reader())
                contents[one] = compose_trace(given, one)
            return Drawn(city=contents[LANGUAGES[0]].city, contents=contents)

        day = local_date(asked.event.period.start, self._zone)
        return self.draft(self.begun(day, by, str(asked.event.ref)), by, draw, correcting, why)

    def correct(self, ident: str, why: str, asked: Asked, by: Signature, town: Town, cases: tuple[Case, ...]) -> Issue:
        """Begin a new report that names the signed one it corrects and why.

        Raises
        ------
        InputError
            Without a reason.
        BulletinChanged
            If it is not signed, or has been corrected.
        """
        return self.make(asked, by, town, cases, self.correctable(ident, why), why.strip())
