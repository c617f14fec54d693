"""The mail server, reached by real smtplib and Django."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from recording import plain_django, running

from flake8_tasks.runtime.world.ledger import InFile, InMemory
from flake8_tasks.runtime.world.mail import Mail


@pytest.fixture
def ledger() -> InMemory:
    return InMemory()


@pytest.fixture(autouse=True)
def django() -> Iterator[None]:
    with plain_django():
        yield


def message(*recipients: str) -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "shop@a.test", ", ".join(recipients), "Größe"
    written.set_content("It fits.\n")
    return written


@pytest.mark.parametrize("server", [smtplib.SMTP, smtplib.SMTP_SSL])
def test_smtplib_reaches_the_server(server: type[smtplib.SMTP], ledger: InMemory) -> None:
    with Mail(ledger), running() as runs, server("mail.test", timeout=3) as smtp:
        smtp.login("shop", "secret")
        assert smtp.send_message(message("a@a.test", "b@a.test")) == {}
        smtp.sendmail("shop@a.test", "c@a.test", "Subject: plain\n\nHello")
    assert [entry.detail for entry in ledger.entries("mail")] == [
        {"to": "a@a.test", "sender": "shop@a.test", "subject": "Größe", "body": "It fits.\n"},
        {"to": "b@a.test", "sender": "shop@a.test", "subject": "Größe", "body": "It fits.\n"},
        {"to": "c@a.test", "sender": "shop@a.test", "subject": "plain", "body": "Hello"},
    ]
    assert runs.points == [
        ("mail", "a@a.test, b@a.test", ("refused", "answer-lost"), "mail"),
        ("mail", "c@a.test", ("refused", "answer-lost"), "mail"),
    ]
    assert runs.time == pytest.approx(0.2)


def test_a_refused_message_reaches_nobody(ledger: InMemory) -> None:
    with Mail(ledger), running("refused"), smtplib.SMTP("mail.test") as smtp:
        with pytest.raises(smtplib.SMTPDataError, match="451"):
            smtp.send_message(message("a@a.test"))
        smtp.send_message(message("b@a.test"))
    assert [entry["to"] for entry in ledger.entries()] == ["b@a.test"]


@pytest.mark.parametrize(("timeout", "seconds"), [(20.0, 20), (None, 0.1)])
def test_a_message_whose_answer_is_lost_has_arrived(timeout: float | None, seconds: float, ledger: InMemory) -> None:
    with Mail(ledger), running("answer-lost") as runs:
        smtp = smtplib.SMTP("mail.test") if timeout is None else smtplib.SMTP("mail.test", timeout=timeout)
        with pytest.raises(smtplib.SMTPServerDisconnected, match="Connection unexpectedly closed"), smtp:
            smtp.send_message(message("a@a.test"))
    assert [entry["to"] for entry in ledger.entries()] == ["a@a.test"]
    assert runs.time == seconds


def test_unknown_addresses_are_refused_and_others_are_not(ledger: InMemory) -> None:
    with Mail(ledger, unknown={"gone@a.test"}), smtplib.SMTP("mail.test") as smtp:
        assert list(smtp.send_message(message("a@a.test", "gone@a.test"))) == ["gone@a.test"]
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.send_message(message("gone@a.test"))
    assert [entry["to"] for entry in ledger.entries()] == ["a@a.test"]


BACKENDS = ["flake8_tasks.runtime.world.email_backend.EmailBackend", "django.core.mail.backends.smtp.EmailBackend"]


def reaching(backend: str, **options: object) -> Any:
    """A connection as Django makes it: with mailers, and before 6.1 without."""
    import django
    from django.core import mail
    from django.test import override_settings

    if django.VERSION < (6, 1):
        return mail.get_connection(backend, **options)
    with override_settings(MAILERS={"default": {"BACKEND": backend, "OPTIONS": {"host": "mail.test", **options}}}):
        return mail.mailers.default


@pytest.mark.parametrize("backend", BACKENDS)
def test_django_sends_one_message_after_the_other(backend: str, ledger: InMemory) -> None:
    """The world's own backend and Django's, over the smtplib that is replaced, do the same."""
    from django.core.mail import EmailMessage

    first = EmailMessage("News", "What is new\n", "shop@a.test", ["a@a.test"], bcc=["b@a.test"])
    second = EmailMessage("News", "What is new\n", "shop@a.test", ["c@a.test"])
    nobody = EmailMessage("News", "What is new\n", "shop@a.test", [])
    with Mail(ledger), running("", "refused") as runs:
        connection = reaching(backend, timeout=4)
        assert connection.timeout == 4
        with pytest.raises(smtplib.SMTPDataError):
            connection.send_messages([first, second])
        assert connection.send_messages([nobody]) == 0
        assert connection.send_messages([second]) == 1
        with pytest.raises(ValueError, match=r"newline|linefeed"):
            connection.send_messages([EmailMessage("two\nlines", "", "shop@a.test", ["a@a.test"])])
        runs.failures = ["refused"]
        assert reaching(backend, fail_silently=True).send_messages([first, second]) == 1
    assert [entry["to"] for entry in ledger.entries()] == ["a@a.test", "b@a.test", "c@a.test", "c@a.test"]
    assert ledger.entries()[0].detail == {
        "to": "a@a.test",
        "sender": "shop@a.test",
        "subject": "News",
        "body": "What is new\n",
    }


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_time_out_is_none_unless_it_is_given(backend: str) -> None:
    assert reaching(backend).timeout is None


def test_a_ledger_in_a_file_serves_as_well(tmp_path: Path) -> None:
    with Mail(InFile(tmp_path / "ledger.jsonl")), smtplib.SMTP("mail.test") as smtp:
        smtp.send_message(message("a@a.test"))
    assert [entry["to"] for entry in InFile(tmp_path / "ledger.jsonl").entries()] == ["a@a.test"]


def test_without_a_server_the_backend_says_so() -> None:
    from django.core.mail import EmailMessage

    connection = reaching(BACKENDS[0])
    with pytest.raises(RuntimeError, match="no mail server is up"):
        connection.send_messages([EmailMessage("News", "What is new", "shop@a.test", ["a@a.test"])])


def test_smtplib_is_as_before_afterwards(ledger: InMemory) -> None:
    before = dict(vars(smtplib.SMTP))
    with Mail(ledger):
        assert smtplib.SMTP.connect is not before["connect"]
    assert dict(vars(smtplib.SMTP)) == before
