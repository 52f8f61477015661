"""An order and its answers: the worked patterns of the standard, then whatever may come in any order."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from bihuan.devices.hj212.exchange import Exchange, Patience, begin, give_up, hear, tick

QN = "20160801085857223"
PATIENCE = Patience(timeout=10, resends=3, execution=60)


def sent(**other: object) -> Exchange:
    return begin(Exchange(QN, patience=PATIENCE, **other), 0)  # type: ignore[arg-type]


def test_a_request_is_answered_executed_and_done() -> None:
    """C.22: 2051 asked, 9011, the data under a number of its own, 9012."""
    exchange = hear(sent(answer="2051"), "9011", QN, 1, 1)
    assert exchange.state == "accepted"
    exchange = hear(exchange, "2051", "20160801085857534", None, 2)
    assert (exchange.state, exchange.frames) == ("accepted", 1)
    exchange = hear(exchange, "9012", QN, 1, 3)
    assert (exchange.state, exchange.returned, exchange.executed) == ("done", 1, 1)


def test_a_notice_is_done_with_9013() -> None:
    assert hear(sent(notice=True), "9013", QN, None, 1).state == "done"


def test_a_refusal_and_a_failure_keep_their_numbers() -> None:
    refused = hear(sent(), "9011", QN, 3, 1)
    assert (refused.state, refused.returned) == ("refused", 3)
    failed = hear(hear(sent(), "9011", QN, 1, 1), "9012", QN, 100, 2)
    assert (failed.state, failed.executed) == ("failed", 100)


def test_a_result_whose_9011_was_lost_is_taken() -> None:
    assert hear(sent(), "9012", QN, 1, 1).state == "done"


def test_it_is_sent_four_times_ten_seconds_apart_then_given_up() -> None:
    """Clause 9: 10 s, three resends, then the link counts as unusable."""
    exchange, times = sent(), [0]
    for now in range(1, 100):
        exchange, again = tick(exchange, now)
        times += [now] if again else []
    assert times == [0, 10, 20, 30]
    assert (exchange.state, exchange.attempts) == ("timeout", 4)


def test_data_keeps_an_accepted_order_alive_and_silence_ends_it() -> None:
    exchange = hear(sent(answer="2061"), "9011", QN, 1, 0)
    for now in (50, 100, 150):
        exchange = hear(exchange, "2061", "other", None, now)
        exchange, _ = tick(exchange, now + 50)
        assert exchange.state == "accepted"
    assert tick(exchange, 211)[0].state == "timeout"


frames = st.tuples(
    st.just("hear"),
    st.sampled_from(["9011", "9012", "9013", "9014", "2051", "2011", "1011", ""]),
    st.sampled_from([QN, "20160801085857224", ""]),
    st.sampled_from([None, 0, 1, 2, 9, 100]),
)
steps = st.lists(frames | st.tuples(st.just("wait"), st.floats(0, 40)), max_size=60)
kinds = st.sampled_from([{}, {"notice": True}, {"answer": "2051"}])


@settings(max_examples=400, deadline=None)
@given(kinds, steps, st.integers(0, 5))
def test_whatever_comes_an_end_is_an_end_and_it_is_sent_no_more_than_allowed(
    kind: dict[str, object], steps: list[tuple[object, ...]], resends: int
) -> None:
    exchange = begin(Exchange(QN, patience=Patience(10, resends, 60), **kind), 0)  # type: ignore[arg-type]
    now, posted, told = 0.0, 1, []
    for step in steps:
        before = exchange
        if step[0] == "wait":
            now += float(step[1])  # type: ignore[arg-type]
            exchange, again = tick(exchange, now)
            posted += again
        else:
            told.append(step[1:])
            exchange = hear(exchange, *step[1:], now)  # type: ignore[arg-type]
            foreign = step[2] != QN
            assert not foreign or exchange.state == before.state
        assert not before.over or exchange == before
    assert posted == exchange.attempts <= 1 + resends
    if exchange.state == "done":
        wanted = ("9013", QN, None) if exchange.notice else ("9012", QN, 1)
        assert any(one[:2] == wanted[:2] and wanted[2] in (None, one[2]) for one in told)
    if exchange.state == "refused":
        assert exchange.returned != 1 and ("9011", QN, exchange.returned) in told
    assert exchange.frames == 0 or exchange.answer


@settings(max_examples=200, deadline=None)
@given(kinds, steps)
def test_left_alone_every_order_ends(kind: dict[str, object], steps: list[tuple[object, ...]]) -> None:
    exchange, now = sent(**kind), 0.0
    for step in steps:
        if step[0] == "hear":
            exchange = hear(exchange, *step[1:], now)  # type: ignore[arg-type]
    for now in itertools.count(0.0, 5.0):
        exchange, _ = tick(exchange, now)
        if exchange.over:
            break
        assert now < 200
    assert give_up(exchange) == exchange


def test_an_order_that_never_went_out_can_be_given_up() -> None:
    waiting = Exchange(QN)
    assert tick(waiting, 1e9) == (waiting, False) and hear(waiting, "9012", QN, 1, 0) == waiting
    assert give_up(waiting).state == "timeout"
