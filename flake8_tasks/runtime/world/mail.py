"""A mail server, which smtplib reaches without a socket; Django too, see `email_backend`."""

from __future__ import annotations

import email
import email.policy
import errno
import smtplib
import socket
from collections.abc import Collection, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

from flake8_tasks.runtime.kernel import host
from flake8_tasks.runtime.kernel.faults import Fault
from flake8_tasks.runtime.world.ledger import Ledger
from flake8_tasks.runtime.world.replaced import Function, Replaced, Replacement

FAILURES = (Fault.REFUSED, Fault.ANSWER_LOST)
TRY_LATER = (451, b"4.3.0 Temporary failure, try again later")
UNKNOWN = (550, b"5.1.1 User unknown")


class Mail:
    """The mail server, as a context manager: inside it, `smtplib.SMTP` and `EmailBackend` reach this one.

    What each recipient gets is an entry "mail" of the ledger, with `to`, `sender`, `subject` and `body`.

    Arguments:
        ledger: what arrived.
        latency: seconds until the server has accepted a message.
        unknown: addresses that it never accepts.
    """

    def __init__(self, ledger: Ledger, *, latency: float = 0.1, unknown: Collection[str] = ()) -> None:
        self.ledger, self.latency, self.unknown = ledger, latency, unknown
        self._before: Mail | None = None
        self._replaced = Replaced([Replacement("smtplib", self._methods)])

    def __enter__(self) -> Self:
        global _current
        self._replaced.__enter__()
        self._before, _current = _current, self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        global _current
        _current = self._before
        self._replaced.__exit__(kind, value, traceback)

    def accept(
        self, sender: str, recipients: Sequence[str], subject: str, body: str, timeout: float | None
    ) -> dict[str, tuple[int, bytes]]:
        """One message to all its recipients, as one SMTP transaction.

        Arguments:
            timeout: how long the client waits for the answer, in seconds; None: until the connection breaks.

        Returns:
            The recipients that are refused, while others are not.

        Raises:
            smtplib.SMTPException: as smtplib raises it.
        """
        runs = host.current()
        label = ", ".join(recipients)
        failure = "" if runs is None else runs.point("mail", label, FAILURES, to="mail")
        if failure == Fault.REFUSED:
            self._record(f"to {label}: refused, {TRY_LATER[0]}")
            raise smtplib.SMTPDataError(*TRY_LATER)
        refused = {recipient: UNKNOWN for recipient in recipients if recipient in self.unknown}
        if len(refused) == len(recipients):
            self._record(f"to {label}: refused, {UNKNOWN[0]}")
            raise smtplib.SMTPRecipientsRefused(refused)
        for recipient in recipients:
            if recipient not in refused:
                self.ledger.add("mail", to=recipient, sender=sender, subject=subject, body=body)
                self._record(f"to {recipient}: {subject}")
        if failure == Fault.ANSWER_LOST:
            self._record(f"to {label}: its answer is lost")
            raise self._lost(timeout)
        if runs is not None:
            runs.sleep(self.latency)
        return refused

    def _lost(self, timeout: float | None) -> Exception:
        if runs := host.current():
            runs.sleep(self.latency if timeout is None else timeout)
        error: OSError = TimeoutError("timed out")
        if timeout is None:
            error = ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return smtplib.SMTPServerDisconnected(f"Connection unexpectedly closed: {error}")

    def _record(self, detail: str) -> None:
        if runs := host.current():
            runs.record("mail", detail, to="mail")

    def _methods(self, module: Any) -> Iterator[tuple[Any, str, Function]]:
        connection = module.SMTP
        initialise = connection.__init__

        def __init__(
            smtp: Any, host: str = "", port: int = 0, local_hostname: str | None = None, *rest: Any, **further: Any
        ) -> None:
            # With a name of its own, smtplib asks no name server for one.
            initialise(smtp, host, port, local_hostname or "localhost", *rest, **further)

        def sendmail(smtp: Any, from_addr: str, to_addrs: Any, msg: Any, *options: Any, **further: Any) -> Any:
            parse = email.message_from_string if isinstance(msg, str) else email.message_from_bytes
            message: Any = parse(msg, policy=email.policy.default)
            body = message.get_body(("plain", "html"))
            timeout = smtp.timeout
            if timeout is socket._GLOBAL_DEFAULT_TIMEOUT:  # type: ignore[attr-defined]
                timeout = socket.getdefaulttimeout()
            recipients = [to_addrs] if isinstance(to_addrs, str) else list(to_addrs)
            text = "" if body is None else body.get_content().replace("\r\n", "\n")
            return self.accept(from_addr, recipients, str(message["Subject"] or ""), text, timeout)

        yield connection, "__init__", __init__
        yield connection, "sendmail", sendmail
        for name, reply in _REPLIES.items():
            yield connection, name, _replying(reply)


_REPLIES = {
    "connect": (220, b"ready"),
    "ehlo": (250, b"mail"),
    "helo": (250, b"mail"),
    "ehlo_or_helo_if_needed": None,
    "starttls": (220, b"go ahead"),
    "login": (235, b"accepted"),
    "noop": (250, b"ok"),
    "rset": (250, b"ok"),
    "quit": (221, b"bye"),
}


def _replying(reply: tuple[int, bytes] | None) -> Function:
    return lambda *arguments, **further: reply


_current: Mail | None = None


def current() -> Mail:
    """The mail server that is up.

    Raises:
        RuntimeError: there is none.
    """
    if _current is None:
        raise RuntimeError("no mail server is up: send within `with Mail(ledger):`")
    return _current
