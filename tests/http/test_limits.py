"""Token buckets, and ordered faults."""

from __future__ import annotations

import pytest

from gateway.core.errors import ProtocolError
from gateway.http.limits import Fault, Faults, RateLimiter


class Timer:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_quota_is_spent_and_then_refused_with_the_time_to_wait() -> None:
    """LIM-001: the client is told when there is one again, and then there is one."""
    timer = Timer()
    limiter = RateLimiter(timer=timer)
    for _ in range(30):
        limiter.take("a", 30)
    with pytest.raises(ProtocolError) as caught:
        limiter.take("a", 30)
    assert (caught.value.code, caught.value.retry_after) == ("rate_limited", 2)
    timer.now += 2
    limiter.take("a", 30)


def test_one_client_does_not_spend_anothers_quota() -> None:
    """A bucket each."""
    limiter = RateLimiter(timer=Timer())
    limiter.take("a", 1)
    limiter.take("b", 1)


def test_the_headers_say_what_is_left() -> None:
    """LIM-002."""
    headers = dict(RateLimiter(timer=Timer()).take("a", 60))
    assert headers == {b"ratelimit": b'"default";r=59;t=1', b"ratelimit-policy": b'"default";q=60;w=60'}


def test_a_process_takes_its_share_of_the_quota() -> None:
    """Two workers with half each are together what the client was promised."""
    assert dict(RateLimiter(0.5, Timer()).take("a", 60))[b"ratelimit-policy"] == b'"default";q=30;w=60'


def test_buckets_do_not_pile_up() -> None:
    """Those that are full again are forgotten."""
    timer = Timer()
    limiter = RateLimiter(timer=timer)
    for number in range(10_000):
        limiter.take(str(number), 10)
    timer.now += 61
    limiter.take("one more", 10)
    assert len(limiter._buckets) == 1


def test_a_fault_strikes_as_often_as_ordered() -> None:
    """Then the operation works again; other operations never fail."""
    faults = Faults()
    faults.add("create_order", Fault(2, 503, drop_answer=False, retry_after=7))
    assert faults.strike("get_order") is False
    for _ in range(2):
        with pytest.raises(ProtocolError) as caught:
            faults.strike("create_order")
        assert (caught.value.code, caught.value.retry_after) == ("unavailable", 7)
    assert faults.strike("create_order") is False


def test_a_dropped_answer_does_not_stop_the_work() -> None:
    """`drop_answer` is told to the endpoint, after its work."""
    faults = Faults()
    faults.add("create_order", Fault(1, None, drop_answer=True, retry_after=None))
    assert faults.strike("create_order") is True
