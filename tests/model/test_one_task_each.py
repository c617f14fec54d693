"""Loops that send something for each of many: what counts as many, and what becomes of the body."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporary import TemporaryProject

from flake8_tasks.edit import Fix, Refusal
from flake8_tasks.rules.atomicity.fan_out_in_one_task import rule

FILES = """\
# file: news/models.py
from django.contrib.auth.models import AbstractUser
from django.db import models

class User(AbstractUser):
    logo = models.FileField()
    phone = models.CharField()
    boss = models.ForeignKey("self", on_delete=models.CASCADE)

    @property
    def title(self):
        return ""
# file: news/tasks.py
from contextlib import nullcontext, suppress

import requests
import stripe
from celery import shared_task
from django.core.mail import send_mail, send_mass_mail
from django.core.paginator import Paginator
from news.models import User

ADDRESSES = ["a@news.test"]

def send(*what):
    send_mail("News", "text", None, [str(what)])

def everybody():
    return User.objects.all()

def a_few():
    return ["a@news.test", "b@news.test"]

def pages_of(items):
    return items

"""


def project_of(tmp_path: Path, *lines: str, head: str = "def work(emails, flag=None, *others):") -> TemporaryProject:
    body = "".join(f"    {line}\n" for line in lines)
    return TemporaryProject.written(tmp_path / "project", f"{FILES}@shared_task\n{head}\n{body}")


@pytest.mark.parametrize(
    ("items", "named"),
    [
        ("emails", "emails"),
        ("enumerate(sorted(emails), 1)", "emails"),
        ("zip(emails, range(9))", "emails"),
        ("filter(None, emails)", "emails"),
        ("list(User.objects.all())", "User.objects.all()"),
    ],
)
def test_what_a_loop_goes_through_is_named_and_not_what_hands_it_on(tmp_path: Path, items: str, named: str) -> None:
    [found] = project_of(tmp_path, f"for item in {items}:", "    send(item)").findings([rule])
    assert f"the rest of `{named}` go without" in found.message


@pytest.mark.parametrize(
    "items",
    [
        "User.objects.all()",
        "User.objects.filter(email='').iterator()",
        "User.objects.all()[:500]",
        "everybody()",
        "sorted(emails)",
        "emails or []",
        "emails if flag else []",
        "set(emails) | set(flag)",
        "[email.lower() for email in emails]",
        "{email for email in emails}",
        "(email for email in emails)",
        "{email: 1 for email in emails}",
        "emails.split(',')",
        "emails[1:]",
        "flag['recipients']",
        "flag.get('users', [])",
        "flag.all_members",
        "(found := emails)",
        "emails + ADDRESSES",
    ],
)
def test_many_rows_or_recipients_are_found(tmp_path: Path, items: str) -> None:
    assert len(project_of(tmp_path, f"for one in {items}:", "    send(one)").findings([rule])) == 1


@pytest.mark.parametrize(
    "items",
    [
        "range(3)",
        "ADDRESSES",
        "a_few()",
        "('a@news.test', 'b@news.test')",
        "emails[:3]",
        "User.objects.all()[:3]",
        "pages_of(emails)",
        "Paginator(emails, 100)",
        "flag.parts()",
        "flag['parts']",
        "flag.EMAILS",
        "flag.get(emails)",
        "lambda: emails",
        "unknown",
    ],
)
def test_a_handful_parts_and_what_nobody_knows_are_not(tmp_path: Path, items: str) -> None:
    assert project_of(tmp_path, f"for one in {items}:", "    send(one)").findings([rule]) == []


@pytest.mark.parametrize("name", ["batch", "chunk_of_mails", "page", "attempt", "region", "queue_name_step", "server"])
def test_the_name_of_an_item_says_that_there_are_few(tmp_path: Path, name: str) -> None:
    assert project_of(tmp_path, f"for {name} in emails:", f"    send({name})").findings([rule]) == []


@pytest.mark.parametrize(
    "body",
    [
        "stripe.Charge.create(customer=one)",
        "requests.request('POST', one)",
        "text = f'Dear {one}'; send(text)",
        "with nullcontext(one) as it: send(it)",
        "for it in one: requests.post(it)",
        "print(it := one); send(it)",
    ],
)
def test_what_is_sent_has_to_do_with_the_item(tmp_path: Path, body: str) -> None:
    assert len(project_of(tmp_path, "for one in emails:", f"    {body}").findings([rule])) == 1


@pytest.mark.parametrize(
    "body",
    [
        "stripe.Charge.retrieve(one)",
        "requests.request('GET', one)",
        "requests.request(flag, one)",
        "send(flag)",
        "with suppress(OSError): send(one)",
        "send(one); break",
        "if not send(one): return",
        "send_mail('', '', None, [one], fail_silently=True)",
    ],
)
def test_a_body_that_goes_on_or_only_reads_is_not_found(tmp_path: Path, body: str) -> None:
    assert project_of(tmp_path, "for one in emails:", f"    {body}").findings([rule]) == []


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("for one, two in emails:", "    send(one)"), "more than one name"),
        (("for one in emails:", "    send(one)", "else:", "    print(flag)"), "has an `else`"),
        (("with open(flag):", "    for one in emails:", "        send(one)"), "inside the `with`"),
        (("for one in emails:", "    one = one.lower()", "    send(one)"), "is given another value"),
        (("for one in emails:", "    it = one", "    send(one)", "print(it)"), "`it` is used outside"),
        (("for one in emails:", "    flag.append(one)", "    send(one)"), "the body changes `flag`"),
        (("for one in emails:", "    flag[one] = send(one)"), "the body changes `flag`"),
        (("for one in emails:", "    send(one, others)"), "uses `*others`"),
        (("now = everybody()", "for one in emails:", "    send(one, now)"), "`now` may not fit"),
        (("for one in emails:", "    yield send(one)"), "a function of its own"),
        (("for one in emails: send(one)",), "on the line of its head"),
        (("for one in emails:", '    send(one, """a', '    b""")'), "a text of several lines"),
        (("for one in User.objects.annotate(n=1):", "    send(one, one.n)"), "only the query gives it"),
        (("for one in User.objects.values():", "    send(one)"), "what `one` is cannot be said"),
        (("for one in emails:", "    send(one.email)"), "what `one` is cannot be said"),
    ],
)
def test_a_body_that_is_no_task_is_left_and_the_reason_is_told(
    tmp_path: Path, lines: tuple[str, ...], reason: str
) -> None:
    (found,) = project_of(tmp_path, *lines).findings([rule], fixes=True)
    assert isinstance(found.fix, Refusal)
    assert reason in found.fix.reason


@pytest.mark.parametrize(
    ("head", "decorator", "reason"),
    [
        ("def work(emails):", "@shared_task\n@print", "other decorators"),
        ("def work(emails):", "@shared_task('work')", "more than making a task"),
        ("def work(emails):", "@shared_task(bind=FLAG)", "other decorators"),
    ],
)
def test_a_decorator_that_may_do_more_is_left(tmp_path: Path, head: str, decorator: str, reason: str) -> None:
    text = f"{FILES}FLAG = print()\n\n{decorator}\n{head}\n    for one in emails:\n        send(one)\n"
    found = TemporaryProject.written(tmp_path / "project", text).findings([rule], fixes=True)
    assert [one.fix.reason for one in found if isinstance(one.fix, Refusal) and reason in one.fix.reason]


@pytest.mark.parametrize(
    ("body", "head", "first", "call"),
    [
        ("send(one.email)", "(email)", "send(email)", "(one.email)"),
        ("send(one.phone)", "(phone)", "send(phone)", "(one.phone)"),
        ("send(one.pk, flag)", "(one_pk, flag)", "send(one_pk, flag)", "(one.pk, flag)"),
        ("send(one.logo)", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("send(one.title)", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("send(one.boss)", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("send(one)", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("one.email_user('a', 'b')", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("send(f'{one.email}')", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
        ("send(one.email, one.phone)", "(one_pk)", "one = User.objects.get(pk=one_pk)", "(one.pk)"),
    ],
)
def test_a_row_goes_as_one_plain_column_or_by_its_key(
    tmp_path: Path, body: str, head: str, first: str, call: str
) -> None:
    project = project_of(tmp_path, "for one in User.objects.all():", f"    {body}")
    text = project.fixed(rule)
    assert f"@shared_task\ndef send_work{head}:\n    {first}\n" in text
    assert f"        send_work.delay{call}\n" in text


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("newsletter", "send_newsletter"),
        ("send_mails", "send_mail_to_user"),  # `send_mail` is imported
        ("notify_parties", "notify_party"),
        ("send_news", "send_news_to_user"),
        ("reports", "send_report"),
    ],
)
def test_the_new_task_has_a_name_of_its_own(tmp_path: Path, name: str, one: str) -> None:
    head = f"def {name}():"
    project = project_of(tmp_path, "for user in everybody():", "    send(user.email)", head=head)
    assert f"def {one}(email):" in project.fixed(rule)
    assert [type(found.fix) for found in project.findings([rule], fixes=True)] == [Fix]


def test_where_something_is_kept_for_each_item_a_retry_is_not_mentioned(tmp_path: Path) -> None:
    project = project_of(tmp_path, "for one in everybody():", "    send(one)", "    one.save()")
    assert [found.message for found in project.findings([rule])] == [
        "if one `send` fails, the rest of `everybody()` go without"
    ]
