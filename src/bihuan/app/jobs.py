"""Long work beside the loop: one thread, one piece after the other, each with its progress. It survives no restart.

What a job had stored before a restart stays; importing the same file again changes nothing that stands there already.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from typing import Any, Literal

from bihuan.core import BihuanError

log = logging.getLogger("bihuan.jobs")

JobState = Literal["waiting", "running", "done", "failed"]

KEPT = 50
"""Jobs remembered; of more, those that ended longest ago go."""

Work = Callable[[Callable[[float], None]], Any]
"""Does it, tells the share that is done, returns the result."""


@dataclass(slots=True)
class Job:
    """One piece of work.

    Attributes
    ----------
    id : str
    kind : str
        ``import`` ...
    by : str
        Person who asked.
    title : str
    made : datetime
    state : JobState
    share : float
        Done, 0 to 1.
    result : Any
        What it returned.
    problem : str
        Why it failed, empty otherwise.
    """

    id: str
    kind: str
    by: str
    title: str
    made: datetime
    state: JobState = "waiting"
    share: float = 0.0
    result: Any = None
    problem: str = ""


@dataclass(slots=True)
class Jobs:
    """The jobs of this process.

    Attributes
    ----------
    tell : callable
        Told the id of a job whenever it went on.
    """

    tell: Callable[[str], None]
    _jobs: OrderedDict[str, Job] = field(default_factory=OrderedDict)
    _queue: SimpleQueue[tuple[Job, Work]] = field(default_factory=SimpleQueue)
    _thread: threading.Thread | None = None
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    def start(self, kind: str, by: str, title: str, now: datetime, work: Work) -> Job:
        """Put a piece of work behind those that wait."""
        job = Job(secrets.token_hex(8), kind, by, title, now)
        with self._mutex:
            self._jobs[job.id] = job
            ended = [known.id for known in self._jobs.values() if known.state in ("done", "failed")]
            for ident in ended[: max(0, len(self._jobs) - KEPT)]:
                del self._jobs[ident]
            self._queue.put((job, work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="bihuan-jobs", daemon=True)
                self._thread.start()
        return job

    def get(self, ident: str) -> Job | None:
        """Return a job, None when this process knows none of that id."""
        return self._jobs.get(ident)

    def all(self) -> list[Job]:
        """Return every job that is remembered, the latest first."""
        with self._mutex:
            return list(self._jobs.values())[::-1]

    def _run(self) -> None:
        while True:
            job, work = self._queue.get()
            job.state = "running"
            self.tell(job.id)
            try:
                job.result = work(lambda share, job=job: self._note(job, share))  # type: ignore[misc]
                job.share, job.state = 1.0, "done"
            except BihuanError as problem:
                job.state, job.problem = "failed", str(problem)
            except Exception as problem:  # the thread must outlive whatever a job does
                log.exception("a job failed: %s", job.kind)
                job.state, job.problem = "failed", f"{type(problem).__name__}: {problem}"
            self.tell(job.id)

    def _note(self, job: Job, share: float) -> None:
        if share - job.share >= 0.01:
            job.share = share
            self.tell(job.id)
