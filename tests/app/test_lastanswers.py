"""What took long to make is made once, and only the last ones asked for are kept."""

import pytest

from bihuan.app.lastanswers import KEPT, LastAnswers


def test_an_answer_is_made_once_also_when_it_is_none() -> None:
    made: list[str] = []
    answers: LastAnswers[str, None] = LastAnswers()
    for _ in range(2):
        assert answers.get("a", lambda: made.append("a")) is None
    assert made == ["a"]


def test_the_one_not_asked_for_longest_goes_first() -> None:
    made: list[int] = []
    answers: LastAnswers[int, None] = LastAnswers()
    for key in range(KEPT):
        answers.get(key, lambda: made.append(0))
    answers.get(0, lambda: made.append(0))  # asked for again
    answers.get(KEPT, lambda: made.append(0))
    answers.get(0, lambda: made.append(-1))
    answers.get(1, lambda: made.append(1))
    assert made == [*[0] * (KEPT + 1), 1]


def test_what_fails_is_tried_again() -> None:
    answers: LastAnswers[str, int] = LastAnswers()
    with pytest.raises(ZeroDivisionError):
        answers.get("a", lambda: 1 // 0)
    assert answers.get("a", lambda: 2) == 2
