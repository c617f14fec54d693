"""How Django reaches the mail server of the world: by `MAILERS`, and before 6.1 by `EMAIL_BACKEND`."""

from __future__ import annotations

from collections.abc import Sequence
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from flake8_tasks.runtime.world import mail


class EmailBackend(BaseEmailBackend):
    """Sends as Django's SMTP backend does: each message to all its recipients at once, then the next one."""

    def __init__(
        self, fail_silently: bool = False, timeout: float | None = None, *, alias: str | None = None, **further: object
    ) -> None:
        super().__init__(**({} if alias is None else {"alias": alias}))
        self.fail_silently = fail_silently
        # A mailer has no setting for it, only its own option.
        self.timeout = settings.EMAIL_TIMEOUT if timeout is None and alias is None else timeout

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """How many were sent."""
        return sum(self._send(message) for message in email_messages)

    def _send(self, message: EmailMessage) -> bool:
        recipients = message.recipients()
        if not recipients:
            return False
        message.message()  # Refuses what the real backend refuses: a header with a line end in it.
        try:
            mail.current().accept(message.from_email, recipients, message.subject, message.body, self.timeout)
        except SMTPException:
            if not self.fail_silently:
                raise
            return False
        return True
