"""One deadline for a whole send, whatever the server does with the time.

All cases run side by side, once: they would take a minute one after the other.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import SimpleNamespace

import httpcore
import httpx
import pytest

from service.sender.deadline import DeadlineTransport, _Backend, _left, deadline
from service.sender.telnyx import ANSWER_SECONDS, CONNECT_SECONDS, WHOLE_SECONDS, TelnyxSender
from service.verification.errors import SendRefused, SendUncertain, VerificationError
from service.verification.message import Message
from service.verification.phone import PhoneNumber
from tests.sender import trickle
from tests.support.http import burst
from tests.support.processes import LONG_SECONDS, free_port, wait_until
from tests.support.telnyx import FakeTelnyx

GIVEN_UP = 30  # seconds; ours: no case lasts as long on a busy machine, nor ends as soon without the deadline
EVERY_BYTE = 0.3  # seconds: 1,500 bytes would take more than seven minutes
MANY, NOBODY_KNOWS = "telnyx.example", "gone.example"


@dataclass(frozen=True)
class Ending:
    """How a send ended, and after how many seconds."""

    error: VerificationError | None
    seconds: float


@contextmanager
def full_house() -> Iterator[int]:
    """Listen on a port, and take no connection: the queue of those that wait is full."""
    port = free_port()
    with ExitStack() as ends:
        listener = ends.enter_context(socket.create_server(("127.0.0.1", port), backlog=0))
        for _ in range(3):
            waiting = ends.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield port


class Resolver:
    """Two made-up names: `MANY` stands for sixty times this machine, and so does `NOBODY_KNOWS`, once `back` is set.

    Until then nothing is heard of it. `asked` has the name of each question.
    """

    def __init__(self) -> None:
        self.back = threading.Event()
        self.asked: list[str] = []
        self._resolve = socket.getaddrinfo

    def __call__(self, host, port, *options, **more):
        self.asked.append(host)
        if host == NOBODY_KNOWS:
            self.back.wait()
        if host in {MANY, NOBODY_KNOWS}:
            return self._resolve("127.0.0.1", port, *options, **more) * 60
        return self._resolve(host, port, *options, **more)


@contextmanager
def resolver() -> Iterator[Resolver]:
    """Let a `Resolver` answer for all names."""
    made = Resolver()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", made)
        try:
            yield made
        finally:
            made.back.set()


def _message(place: int) -> Message:
    return Message(to=PhoneNumber(f"+1202555{place:04}"), text="4E1AC0 is your Acme code.", id=f"{place:063}", send=1)


def _send(base_url: str, place: int) -> Ending:
    sender = TelnyxSender(api_key="KEY", from_number="+13125550001", profile="", base_url=base_url, connections=1)
    begun = time.monotonic()
    try:
        sender.send(_message(place))
    except VerificationError as error:
        return Ending(error, time.monotonic() - begun)
    finally:
        sender._client.close()
    return Ending(None, time.monotonic() - begun)


@pytest.fixture(scope="module")
def endings() -> Iterator[dict[str, Ending]]:
    """How each case ended."""
    with ExitStack() as ends:
        servers = {
            name: ends.enter_context(trickle.Trickle(behave)).port
            for name, behave in {
                "headers": trickle.headers,
                "interim": trickle.interim,
                "chunks": trickle.chunks,
                "error": trickle.error_body,
                "silence": trickle.silence,
            }.items()
        }
        addresses = {name: f"http://127.0.0.1:{port}/v2" for name, port in servers.items()}
        addresses["tls"] = f"https://127.0.0.1:{servers['silence']}/v2"
        full = ends.enter_context(full_house())
        addresses["connect"] = f"http://127.0.0.1:{full}/v2"
        addresses["addresses"] = f"http://{MANY}:{full}/v2"
        addresses["name"] = f"http://{NOBODY_KNOWS}:{full}/v2"
        ends.enter_context(resolver())
        for outcome, seconds in (("hang", 0.0), ("drip", EVERY_BYTE)):
            fake = ends.enter_context(FakeTelnyx(api_key="KEY"))
            fake.answer(outcome, seconds=seconds)
            addresses[outcome] = fake.base_url
        yield _all_at_once(addresses, _send)


def _all_at_once(addresses: dict[str, str], send: Callable[[str, int], Ending]) -> dict[str, Ending]:
    found: dict[str, Ending] = {}

    def note(name: str, place: int) -> None:
        found[name] = send(addresses[name], place)

    threads = [threading.Thread(target=note, args=[name, place]) for place, name in enumerate(addresses)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@pytest.mark.slow
@pytest.mark.parametrize("case", ["hang", "silence"])
def test_a_server_that_says_nothing_is_given_up(endings, case):
    assert isinstance(endings[case].error, SendUncertain)
    assert endings[case].seconds < GIVEN_UP


@pytest.mark.slow
@pytest.mark.parametrize("case", ["drip", "headers", "interim", "chunks", "error"])
def test_a_server_that_trickles_is_given_up(endings, case):
    """Each piece comes long before the time-out for one read; only the whole has an end."""
    assert isinstance(endings[case].error, SendUncertain)
    assert ANSWER_SECONDS < endings[case].seconds < GIVEN_UP


@pytest.mark.slow
@pytest.mark.parametrize("case", ["name", "connect", "tls"])
def test_a_server_that_takes_no_connection_is_given_up_and_was_sent_nothing(endings, case):
    assert isinstance(endings[case].error, SendRefused)
    assert endings[case].seconds < GIVEN_UP


@pytest.mark.slow
def test_many_addresses_that_do_not_answer_share_the_deadline(endings):
    """A host with several addresses is tried at each of them: the whole is what counts."""
    assert isinstance(endings["addresses"].error, SendRefused)
    assert endings["addresses"].seconds < GIVEN_UP


def test_each_step_gets_what_is_left_of_the_whole(monkeypatch):
    """And never more than it would have had without."""
    passed = 0.0
    monkeypatch.setattr("service.sender.deadline.time", SimpleNamespace(monotonic=lambda: passed))

    with deadline(6):
        assert _left(5, httpcore.ReadTimeout) == 5
        passed = 4.0
        assert _left(5, httpcore.ReadTimeout) == _left(None, httpcore.ReadTimeout) == 2
        passed = 6.0
        with pytest.raises(httpcore.ReadTimeout):
            _left(5, httpcore.ReadTimeout)


def test_the_sender_waits_as_long_as_it_says(carrier):
    assert carrier._client.timeout == httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    assert (CONNECT_SECONDS, ANSWER_SECONDS, WHOLE_SECONDS) == (2, 5, 6)


@pytest.fixture
def names() -> Iterator[Resolver]:
    with resolver() as made:
        yield made


def test_all_who_wait_for_a_name_have_one_thread_until_it_is_known(names):
    """While no name server answers, sends go on and on: what they leave behind does not pile up."""
    backend = _Backend()

    def connect(seconds: float) -> httpcore.NetworkStream:
        with deadline(seconds):
            return backend.connect_tcp(NOBODY_KNOWS, listener.getsockname()[1])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        given_up = burst(32, lambda _: connect(0.05), 16)
        names.back.set()
        connect(LONG_SECONDS).close()

    assert {type(error) for error in given_up} == {httpcore.ConnectTimeout}
    assert names.asked.count(NOBODY_KNOWS) <= 2  # the second, where the first was over by then


def test_a_name_that_nobody_has_is_asked_for_again_each_time(monkeypatch):
    asked = []

    def has_none(host, *_, **__):
        asked.append(host)
        raise socket.gaierror("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", has_none)
    backend = _Backend()

    for _ in range(3):
        with pytest.raises(httpcore.ConnectError, match="not known"):
            backend.connect_tcp(NOBODY_KNOWS, 443, timeout=5)
        wait_until(lambda: not backend._names._asked, what="the thread is over")

    assert asked == [NOBODY_KNOWS] * 3


def test_the_connections_of_the_sender_keep_the_deadline(carrier):
    """There is no door for a network backend in httpx, so that it is put in behind its back: see that it stays."""
    transport = carrier._client._client._transport

    assert isinstance(transport, DeadlineTransport)
    assert isinstance(transport._pool._network_backend, _Backend)
    assert carrier._client._client._mounts == {}, "no proxy of the environment goes round it"
    assert carrier._client.max_retries == 0


def test_as_many_connections_are_kept_as_there_may_be(make_sender):
    """For httpcore 1.0.9 may close one that is in use when it has to choose which to keep."""
    pool = make_sender(connections=24)._client._client._transport._pool

    assert (pool._max_connections, pool._max_keepalive_connections) == (24, 24)
