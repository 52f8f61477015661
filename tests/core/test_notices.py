"""A message is said in any language, in local time."""

from datetime import UTC, datetime

import pytest

from bihuan.core import Message, NotCovered, from_json, to_json


def test_a_message_is_said_in_the_language_asked_for() -> None:
    message = Message("aqi.good")
    assert (message.say("zh"), message.say("en")) == ("优", "Excellent")


def test_a_message_without_words_names_the_file_to_extend() -> None:
    with pytest.raises(NotCovered, match=r"texts/en\.toml"):
        Message("aqi.superb").say("en")


def test_a_message_comes_back_from_json_as_it_went() -> None:
    message = Message("aqi.good", {"a": "1"}, {"b": "aqi.light"}, {"c": datetime(2026, 1, 1, tzinfo=UTC)})
    assert from_json(to_json(message), Message) == message
