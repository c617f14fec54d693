"""What talks to the outside: requests, mails and messages, with the names and the defaults of their timeouts."""

from __future__ import annotations

from typing import Final, NamedTuple


class Effect(NamedTuple):
    """A function that talks to the outside, or a class whose methods do.

    Arguments:
        kind: "request" (a call of a service), "mail" (to a recipient), "message" (a text, call or push to a recipient).
        methods: the methods that do it, for a class; dotted where attributes lead to them (`messages.create`).
        timeout: the keyword that limits the wait, of the function, or of the class and its methods; None: none does.
        position: the place of that parameter among the positional ones, where it can stand there, after `self`.
        seconds: the limit in force when nothing is said; None: it waits for ever.
        timeout_in: who takes the keyword: "call" (the function or each method), "constructor", or "both".
    """

    kind: str
    methods: frozenset[str] = frozenset()
    timeout: str | None = "timeout"
    position: int | None = None
    seconds: float | None = None
    timeout_in: str = "call"


_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "request"})
_STREAMING: Final = _VERBS | {"send", "stream"}

_REQUESTS: Final = Effect("request")
_HTTPX: Final = Effect("request", seconds=5.0)
_MAIL: Final = Effect("mail", timeout=None)

# Methods of HTTP that only read.
READING_METHODS: Final = frozenset({"get", "head", "options"})

FUNCTIONS: Final[dict[str, Effect]] = {
    **{f"requests.{verb}": _REQUESTS for verb in sorted(_VERBS)},
    **{f"requests.api.{verb}": _REQUESTS for verb in sorted(_VERBS)},
    **{f"httpx.{verb}": _HTTPX for verb in sorted(_VERBS | {"stream"})},
    "urllib.request.urlopen": Effect("request", position=2),
    "urllib.request.urlretrieve": Effect("request", timeout=None),
    "urllib3.request": Effect("request", position=9),
    "aiohttp.request": Effect("request", seconds=300.0),
    "socket.create_connection": Effect("request", position=1),
    "django.core.mail.send_mail": _MAIL,
    "django.core.mail.send_mass_mail": _MAIL,
    "django.core.mail.mail_admins": _MAIL,
    "django.core.mail.mail_managers": _MAIL,
    "firebase_admin.messaging.send": Effect("message", timeout=None),
    "firebase_admin.messaging.send_each": Effect("message", timeout=None),
    "firebase_admin.messaging.send_each_for_multicast": Effect("message", timeout=None),
    "pywebpush.webpush": Effect("message", position=6),
}

CLASSES: Final[dict[str, Effect]] = {
    "requests.Session": Effect("request", _VERBS | {"send"}),
    "requests.sessions.Session": Effect("request", _VERBS | {"send"}),
    "requests.session": Effect("request", _VERBS | {"send"}),
    "httpx.Client": Effect("request", _STREAMING, seconds=5.0, timeout_in="both"),
    "httpx.AsyncClient": Effect("request", _STREAMING, seconds=5.0, timeout_in="both"),
    "aiohttp.ClientSession": Effect("request", _VERBS | {"ws_connect"}, seconds=300.0, timeout_in="both"),
    "urllib3.PoolManager": Effect("request", frozenset({"request", "urlopen"}), timeout_in="both"),
    "urllib3.ProxyManager": Effect("request", frozenset({"request", "urlopen"}), timeout_in="both"),
    "urllib3.HTTPConnectionPool": Effect("request", frozenset({"request", "urlopen"}), timeout_in="both"),
    "urllib3.HTTPSConnectionPool": Effect("request", frozenset({"request", "urlopen"}), timeout_in="both"),
    "urllib.request.OpenerDirector": Effect("request", frozenset({"open"}), position=2),
    "http.client.HTTPConnection": Effect("request", frozenset({"request"}), position=2, timeout_in="constructor"),
    "http.client.HTTPSConnection": Effect("request", frozenset({"request"}), timeout_in="constructor"),
    "ftplib.FTP": Effect(
        "request",
        frozenset(
            {"connect", "login", "storbinary", "storlines", "retrbinary", "retrlines", "delete", "rename", "mkd"}
        ),
        position=4,
        timeout_in="constructor",
    ),
    "ftplib.FTP_TLS": Effect(
        "request",
        frozenset(
            {"connect", "login", "storbinary", "storlines", "retrbinary", "retrlines", "delete", "rename", "mkd"}
        ),
        timeout_in="constructor",
    ),
    "smtplib.SMTP": Effect("mail", frozenset({"sendmail", "send_message"}), position=3, timeout_in="constructor"),
    "smtplib.SMTP_SSL": Effect("mail", frozenset({"sendmail", "send_message"}), timeout_in="constructor"),
    "smtplib.LMTP": Effect("mail", frozenset({"sendmail", "send_message"}), timeout_in="constructor"),
    "django.core.mail.EmailMessage": Effect("mail", frozenset({"send"}), timeout=None),
    "django.core.mail.EmailMultiAlternatives": Effect("mail", frozenset({"send"}), timeout=None),
    "django.core.mail.message.EmailMessage": Effect("mail", frozenset({"send"}), timeout=None),
    "django.core.mail.message.EmailMultiAlternatives": Effect("mail", frozenset({"send"}), timeout=None),
    "django.core.mail.get_connection": Effect("mail", frozenset({"send_messages"}), timeout=None),
    "flask_mail.Mail": Effect("mail", frozenset({"send", "send_message"}), timeout=None),
    "sendgrid.SendGridAPIClient": Effect("mail", frozenset({"send"}), timeout=None),
    "twilio.rest.Client": Effect("message", frozenset({"messages.create", "calls.create"}), timeout=None),
    "slack_sdk.WebClient": Effect(
        "message",
        frozenset({"chat_postMessage", "chat_update", "chat_postEphemeral", "files_upload_v2"}),
        seconds=30.0,
        timeout_in="constructor",
    ),
    "slack_sdk.web.WebClient": Effect(
        "message",
        frozenset({"chat_postMessage", "chat_update", "chat_postEphemeral", "files_upload_v2"}),
        seconds=30.0,
        timeout_in="constructor",
    ),
    "slack_sdk.webhook.WebhookClient": Effect(
        "message", frozenset({"send", "send_dict"}), seconds=30.0, timeout_in="constructor"
    ),
    "openai.OpenAI": Effect(
        "request",
        frozenset({"chat.completions.create", "responses.create", "embeddings.create"}),
        seconds=600.0,
        timeout_in="both",
    ),
    "anthropic.Anthropic": Effect("request", frozenset({"messages.create"}), seconds=600.0, timeout_in="both"),
}

# Functions whose result is a client: every call of a method of it is a request, those named here excepted.
FACTORIES: Final[dict[str, Effect]] = {
    "boto3.client": Effect("request", timeout=None, seconds=60.0),
    "boto3.resource": Effect("request", timeout=None, seconds=60.0),
}
FACTORY_EXCEPTIONS: Final = frozenset(
    {"close", "can_paginate", "get_paginator", "get_waiter", "generate_presigned_url"}
)
# Methods of such clients that write to a recipient.
FACTORY_MESSAGES: Final[dict[str, str]] = {
    "send_email": "mail",
    "send_raw_email": "mail",
    "send_templated_email": "mail",
    "publish": "message",
}

# Modules whose classes are a service's resources: `stripe.Charge.create(...)` is a request.
RESOURCE_MODULES: Final[dict[str, frozenset[str]]] = {
    "stripe": frozenset(
        {
            *("create", "retrieve", "modify", "list", "delete", "search", "cancel", "confirm", "capture", "refund"),
            *("finalize_invoice", "pay", "send_invoice", "void_invoice", "create_usage_record"),
        }
    ),
}

# Methods of Django's users that send a mail.
USER_MAILS: Final = frozenset({"email_user"})

# The kinds that go to a recipient.
RECIPIENT_KINDS: Final = frozenset({"mail", "message"})
