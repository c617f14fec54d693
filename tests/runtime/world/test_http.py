"""Servers outside, reached by real requests, httpx and urllib."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import httpx
import pytest
import requests
import urllib3
from recording import Forever, running

from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.world.http import Answer, Outside, Request, Server, charge
from flake8_tasks.runtime.world.ledger import InMemory
from flake8_tasks.runtime.world.replaced import NotModelled

URL = "https://pay.example/charges"
CLIENTS = ("requests", "httpx", "urllib")


@pytest.fixture
def ledger() -> InMemory:
    return InMemory()


@pytest.fixture
def outside(ledger: InMemory) -> Iterator[Outside]:
    with Outside(ledger) as opened:
        yield opened


def send(client: str, timeout: float | None = 10.0, url: str = URL) -> tuple[int, object]:
    """POST {"order": 1}; the answer's status and JSON."""
    headers = {"Idempotency-Key": "order-1"}
    match client:
        case "requests":
            answer = requests.post(url, json={"order": 1}, headers=headers, timeout=timeout)
            return answer.status_code, answer.json()
        case "httpx":
            response = httpx.post(url, json={"order": 1}, headers=headers, timeout=timeout)
            return response.status_code, response.json()
        case _:
            headers["Content-Type"] = "application/json"
            asked = urllib.request.Request(url, data=b'{"order": 1}', headers=headers)
            with urllib.request.urlopen(asked, timeout=timeout) as opened:
                return opened.status, json.load(opened)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_nobody_described_answers_200(client: str, ledger: InMemory, outside: Outside) -> None:
    with running() as runs:
        assert send(client, url=f"{URL}?x=1") == (200, {})
    (entry,) = ledger.entries("request")
    assert entry.detail == {
        "method": "POST",
        "url": f"{URL}?x=1",
        "body": {"order": 1},
        "key": "order-1",
        "status": 200,
    }
    assert entry.time == 0
    assert runs.time == 0.1
    assert runs.points == [("request", f"POST {URL}", ("refused", "timed-out", "answer-lost"), "outside")]
    assert runs.events == [(0, "request", f"POST {URL}: 200", "outside")]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_handler_answers(client: str, ledger: InMemory) -> None:
    def book(request: Request) -> Answer:
        assert request.headers["content-type"].startswith("application/json")
        return Answer(201, json={"charged": request.body})

    with Outside(ledger, {"https://pay.example/": book}):
        assert send(client) == (201, {"charged": {"order": 1}})


def test_the_longest_beginning_counts(ledger: InMemory) -> None:
    servers = {
        "https://a.example/": lambda request: Answer(text="short"),
        "https://a.example/b": lambda request: Answer(text="long", headers={"X-Server": "b"}),
    }
    with Outside(ledger, servers):
        answer = requests.get("https://a.example/bc", timeout=1)
        assert (answer.text, answer.headers["X-Server"]) == ("long", "b")
        assert requests.get("https://a.example/c", timeout=1).text == "short"


def test_a_body_is_text_where_it_is_not_json(ledger: InMemory, outside: Outside) -> None:
    requests.post(URL, data={"a": "b c"}, timeout=1)
    requests.post(URL, data=iter([b"one ", b"two"]), timeout=1)
    requests.get(URL, timeout=1)
    assert [entry["body"] for entry in ledger.entries()] == ["a=b+c", "one two", None]


CASES = [
    ("requests", "refused", requests.ConnectionError),
    ("requests", "timed-out", requests.ConnectTimeout),
    ("requests", "answer-lost", requests.ReadTimeout),
    ("httpx", "refused", httpx.ConnectError),
    ("httpx", "timed-out", httpx.ConnectTimeout),
    ("httpx", "answer-lost", httpx.ReadTimeout),
    ("urllib", "refused", urllib.error.URLError),
    ("urllib", "timed-out", urllib.error.URLError),
    ("urllib", "answer-lost", TimeoutError),
]


@pytest.mark.parametrize(("client", "failure", "error"), CASES)
def test_failures_are_the_librarys_own(
    client: str, failure: str, error: type[Exception], ledger: InMemory, outside: Outside
) -> None:
    with running(failure) as runs, pytest.raises(error) as raised:
        send(client, timeout=5)
    assert type(raised.value) is error
    assert [entry["status"] for entry in ledger.entries()] == {"refused": [0], "timed-out": [], "answer-lost": [200]}[
        failure
    ]
    assert runs.time == (0 if failure == "refused" else 5)


WITHOUT_TIMEOUT = [
    ("requests", "timed-out", requests.ConnectionError, 127),
    ("requests", "answer-lost", requests.ConnectionError, 0.1),
    ("httpx", "timed-out", httpx.ConnectError, 127),
    ("httpx", "answer-lost", httpx.ReadError, 0.1),
    ("urllib", "timed-out", urllib.error.URLError, 127),
    ("urllib", "answer-lost", ConnectionResetError, 0.1),
]


@pytest.mark.parametrize(("client", "failure", "error", "seconds"), WITHOUT_TIMEOUT)
def test_without_a_timeout_the_system_gives_up_connecting_and_a_lost_answer_is_a_broken_connection(
    client: str, failure: str, error: type[Exception], seconds: float, outside: Outside
) -> None:
    with running(failure) as runs, pytest.raises(error) as raised:
        send(client, timeout=None)
    assert type(raised.value) is error
    assert runs.time == seconds


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_never_answers_holds_a_client_without_timeout_for_ever(client: str, ledger: InMemory) -> None:
    with Outside(ledger, {"https://pay.example": lambda request: Answer.never()}):
        with running(), pytest.raises(Forever):
            send(client, timeout=None)
        with running() as runs, pytest.raises((requests.ReadTimeout, httpx.ReadTimeout, TimeoutError)):
            send(client, timeout=30)
        assert runs.time == 30
        with pytest.raises(RuntimeError, match="it would wait for ever"):
            send(client, timeout=None)
    assert [entry["status"] for entry in ledger.entries()] == [0, 0, 0]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_slow_server_has_done_its_work_when_the_client_gives_up(client: str, ledger: InMemory) -> None:
    with Outside(ledger, {"https://pay.example": Server(latency=30)}):
        with running() as runs, pytest.raises((requests.ReadTimeout, httpx.ReadTimeout, TimeoutError)):
            send(client, timeout=10)
        assert runs.time == 10
        with running() as runs:
            assert send(client, timeout=60) == (200, {})
        assert runs.time == 30
    assert [entry["status"] for entry in ledger.entries()] == [200, 200]


def test_a_server_is_down_for_a_while(ledger: InMemory) -> None:
    servers = {"https://a.example": Server(down=(100, 300)), "https://b.example": Server(down=(100, 300), refuses=True)}
    with Outside(ledger, servers), running() as runs:
        answers = []
        for runs.time in (99.9, 100, 299.9, 300):
            answers.append(requests.get("https://a.example/", timeout=1).status_code)
        assert answers == [200, 503, 503, 200]
        runs.time = 200
        with pytest.raises(requests.ConnectionError, match="Connection refused"):
            requests.get("https://b.example/", timeout=1)
    assert [(round(entry.time, 1), entry["status"]) for entry in ledger.entries()] == [
        (99.9, 200),
        (100, 503),
        (299.9, 503),
        (300, 200),
        (200, 0),
    ]


def test_a_payment_service_charges_once_per_idempotency_key(ledger: InMemory) -> None:
    with Outside(ledger, {"https://pay.example": charge}):
        for key in ("a", "b", "a"):
            assert requests.post(URL, json={"order": 1}, headers={"Idempotency-Key": key}, timeout=1).status_code == 201
        for _ in range(2):
            requests.post(URL, json={"order": 2}, timeout=1)
    assert [(entry["key"], entry["order"]) for entry in ledger.entries("charge")] == [
        ("a", 1),
        ("b", 1),
        (None, 2),
        (None, 2),
    ]
    assert [entry["key"] for entry in ledger.entries("request")] == ["a", "b", "a", None, None]


def test_an_error_status_is_what_each_library_makes_of_it(ledger: InMemory) -> None:
    with Outside(ledger, {"https://pay.example": lambda request: Answer(503)}):
        with pytest.raises(requests.HTTPError, match="503 Server Error: Service Unavailable"):
            requests.post(URL, timeout=1).raise_for_status()
        with pytest.raises(httpx.HTTPStatusError, match="503 Service Unavailable"):
            httpx.post(URL).raise_for_status()
        with pytest.raises(urllib.error.HTTPError, match="503") as raised:
            send("urllib")
        raised.value.close()


def test_redirects_are_followed_by_the_client(ledger: InMemory) -> None:
    servers = {"https://old.example": lambda request: Answer(302, headers={"Location": "https://new.example/"})}
    with Outside(ledger, servers):
        assert requests.get("https://old.example/", timeout=1).url == "https://new.example/"
        assert str(httpx.get("https://old.example/", follow_redirects=True).url) == "https://new.example/"
        with urllib.request.urlopen("https://old.example/") as answer:
            assert answer.url == "https://new.example/"
    assert [entry["status"] for entry in ledger.entries()] == [302, 200] * 3


def test_an_adapter_with_retries_tries_again(ledger: InMemory) -> None:
    """It waits 0, 2 and 4 s before its attempts, as urllib3 does with a factor of 1."""
    session = requests.Session()
    retry = urllib3.Retry(3, backoff_factor=1, status_forcelist=[503], allowed_methods=None)
    session.mount("https://", requests.adapters.HTTPAdapter(max_retries=retry))
    with Outside(ledger, {"https://pay.example": Server(down=(0, 5))}):
        with running("refused") as runs:
            assert session.post(URL, timeout=1).status_code == 200
        assert [(entry.time, entry["status"]) for entry in ledger.entries()] == [
            (0, 0),
            (0, 503),
            (2.1, 503),
            (6.2, 200),
        ]
        with running("refused", "refused", "refused", "refused"), pytest.raises(requests.ConnectionError):
            session.post(URL, timeout=1)
        session.mount("https://", requests.adapters.HTTPAdapter(max_retries=retry.new(total=1)))
        with running(), pytest.raises(requests.exceptions.RetryError):
            session.post(URL, timeout=1)
    assert runs.time == pytest.approx(6.3)


def test_a_transport_with_retries_connects_again(ledger: InMemory, outside: Outside) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=2)) as client:
        with running("refused", "refused") as runs:
            assert client.get(URL).status_code == 200
        assert runs.time == pytest.approx(0.6)
        with running("refused", "refused", "refused"), pytest.raises(httpx.ConnectError):
            client.get(URL)


def test_timeouts_for_connecting_and_reading(outside: Outside) -> None:
    for timeout in ((3, 7), urllib3.Timeout(connect=3, read=7)):
        with running("timed-out", "answer-lost") as runs:
            with pytest.raises(requests.ConnectTimeout):
                requests.get(URL, timeout=timeout)
            assert runs.time == 3
            with pytest.raises(requests.ReadTimeout):
                requests.get(URL, timeout=timeout)
            assert runs.time == 10


def test_httpx_gives_up_after_its_own_five_seconds(outside: Outside) -> None:
    with running("answer-lost") as runs, pytest.raises(httpx.ReadTimeout):
        httpx.get(URL)
    assert runs.time == 5


def test_an_asynchronous_client_is_refused(outside: Outside) -> None:
    async def ask() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(URL)

    with pytest.raises(NotModelled, match=f"GET {URL} is sent by an asynchronous client"):
        asyncio.run(ask())


def test_everything_is_as_before_afterwards(ledger: InMemory) -> None:
    before = requests.adapters.HTTPAdapter.send, httpx.HTTPTransport.handle_request
    finders = list(sys.meta_path)
    opens = urllib.request.AbstractHTTPHandler.do_open  # type: ignore[attr-defined]
    with contextlib.suppress(ZeroDivisionError), Outside(ledger):
        assert requests.adapters.HTTPAdapter.send is not before[0]
        raise ZeroDivisionError
    assert (requests.adapters.HTTPAdapter.send, httpx.HTTPTransport.handle_request) == before
    assert urllib.request.AbstractHTTPHandler.do_open is opens  # type: ignore[attr-defined]
    assert sys.meta_path == finders


LATER = """
import sys
from flake8_tasks.runtime.kernel.actors import Actor
from flake8_tasks.runtime.kernel.choices import Oracle
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.kernel.simulation import Simulation
from flake8_tasks.runtime.world.http import Outside
from flake8_tasks.runtime.world.ledger import InMemory
from flake8_tasks.runtime.world.replaced import NotModelled
ledger = InMemory()
with Outside(ledger):
    assert not {"requests", "httpx", "urllib.request"} & set(sys.modules)
    from requests import post
    import httpx
    post("https://a.example/", timeout=1)
    httpx.post("https://a.example/")
assert len(ledger.entries()) == 2
assert httpx.HTTPTransport.handle_request.__module__.startswith("httpx")
"""


def test_a_library_that_the_program_imports_later_is_replaced_then() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", LATER], check=True, timeout=60)


def _ended(actor: Actor) -> None:
    pass


def _killed(actor: Actor, fault: Fault) -> None:
    pass


def test_a_killed_tasks_finally_reaches_nobody(ledger: InMemory) -> None:
    """Neither in the run, nor when it is closed and the abandoned task is thrown away."""

    def work() -> None:
        try:
            requests.post("https://a.example/", timeout=1)
        finally:
            requests.post("https://b.example/", timeout=1)

    oracle = Oracle([1], {"fault": 1})
    with Outside(ledger), Simulation(oracle, faults=[Fault.CHILD_KILLED]) as simulation:
        simulation.spawn(Actor("worker/0", _ended, _killed, (Fault.CHILD_KILLED,), "work#1"), work)
        assert simulation.run() == "quiet"
    assert ledger.entries() == ()
