"""What SensorThings answers when it cannot: a status, and words that say what is allowed."""

from __future__ import annotations


class StaError(Exception):
    """A request that is answered with an error.

    Parameters
    ----------
    status : int
    message : str
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message
