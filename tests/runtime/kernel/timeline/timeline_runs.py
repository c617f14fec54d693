"""Runs as the runtime records them, of the sizes that it records, for the tests of the timelines."""

from __future__ import annotations

from collections.abc import Iterator

from flake8_tasks.runtime.kernel.trace import Event, fingerprint
from flake8_tasks.runtime.proof import Further, Line, Proof, Shown, Side

REQUEST = "GET https://facebook.test/me"
SAVES = "people/tasks.py:9", "people/tasks.py:10", "people/tasks.py:12"

PEOPLE = """from people.celery import app
from people.facebook import facebook_request
from people.models import User


@app.task
def update_data(user_pk):
    user = User.objects.get(pk=user_pk)
    user.status = "updated"
    user.save()
    r = facebook_request(user.token)
    user.name = r["name"]
    user.save()
"""

CHARGES = """from shop.celery import app
from shop.models import Order
from shop.payments import post


@app.task(acks_late=True)
def charge(order_id):
    order = Order.objects.get(pk=order_id)
    if order.paid:
        return
    post("https://pay.test/charges", order.total)
    order.paid = True
    order.save(update_fields=["paid"])
"""


def half_saved() -> Shown:
    """TSK601: the request is refused after the first save."""
    task, slot, file = "update_data#1", "worker/0", "people/tasks.py"
    events = (
        Event(0, "client", "save", detail="User 1: status=new, name=''", to="database"),
        Event(0, "client", "commit", to="database"),
        Event(0, "client", "publish", detail=task, to="broker"),
        Event(0, "worker", "deliver", task),
        Event(0, slot, "start", task),
        Event(0, "worker", "ack", task, to="broker"),
        Event(0, slot, "read", task, "User 1", f"{file}:8", "database"),
        Event(0, slot, "save", task, "User 1: status=updated", f"{file}:10", "database"),
        Event(0, slot, "commit", task, "", f"{file}:10", "database"),
        Event(0, slot, "fault", task, f"refused: update_data#1 before request {REQUEST}", f"{file}:11"),
        Event(0.1, slot, "request", task, f"{REQUEST}: refused", f"{file}:11", "outside"),
        Event(0.1, slot, "store", task, "FAILURE", to="results"),
        Event(0.1, slot, "end", task, "FAILURE ConnectionError"),
        Event(0.1, "client", "violation", detail="status is updated, name is not"),
    )
    final = {"rows": {"User 1": {"status": "updated", "name": ""}}, "requests": [f"{REQUEST}: refused"]}
    violation = "status is updated, name is not"
    return Shown((0, 1), (f"refused: update_data#1 before request {REQUEST}",), violation, events, final)


def saved_once() -> Shown:
    """The fixed form of TSK601 under the same fault: nothing is saved."""
    bad = half_saved()
    events = tuple(event for event in bad.events if event.kind != "violation" and event.place != SAVES[1])
    events = tuple(event for event in events if not event.place.endswith(":10"))
    final = {"rows": {"User 1": {"status": "new", "name": ""}}, "requests": [f"{REQUEST}: refused"]}
    return Shown(bad.schedule, bad.faults, "", events, final)


def locked_up() -> Shown:
    """TSK301 with the check off: three parents in two slots wait for their children."""
    events = [Event(0, "client", "publish", detail=f"invoice#{number}", to="broker") for number in (1, 2, 3)]
    for slot in (0, 1):
        task, lane = f"invoice#{slot + 1}", f"worker/{slot}"
        events += [
            Event(0, "worker", "deliver", task),
            Event(0, lane, "start", task),
            Event(0, "worker", "ack", task, to="broker"),
        ]
    for slot in (0, 1):
        task, child, lane = f"invoice#{slot + 1}", f"total_of#{slot + 1}", f"worker/{slot}"
        events += [
            Event(0, lane, "publish", task, child, "shop/tasks.py:14", "broker"),
            Event(0, lane, "block", task, f"result of {child}", "shop/tasks.py:14"),
        ]
    for slot in (0, 1):
        waits = f"waits for result of total_of#{slot + 1}"
        events.append(Event(0, f"worker/{slot}", "deadlock", f"invoice#{slot + 1}", waits))
    events.append(Event(0, "client", "violation", detail="2 of 3 invoices are never written"))
    final = {"results": {"invoice#1": "PENDING", "invoice#2": "PENDING", "invoice#3": "PENDING"}}
    return Shown((), (), "2 of 3 invoices are never written", tuple(events), final)


def chained() -> Shown:
    """The fixed form of TSK301: a chain, each link ends before the next begins."""
    events = [Event(0, "client", "publish", detail=f"total_of#{number}", to="broker") for number in (1, 2, 3)]
    for number in (1, 2, 3):
        for name in ("total_of", "invoice"):
            task, lane = f"{name}#{number}", f"worker/{number % 2}"
            events += [
                Event(0, "worker", "deliver", task),
                Event(0, lane, "start", task),
                Event(0, "worker", "ack", task, to="broker"),
                Event(0, lane, "store", task, "SUCCESS", to="results"),
                Event(0, lane, "end", task, "SUCCESS"),
            ]
            if name == "total_of":
                events.insert(-1, Event(0, lane, "publish", task, f"invoice#{number}", "", "broker"))
    final = {"results": {f"invoice#{number}": 100 + number for number in (1, 2, 3)}}
    return Shown((), (), "", tuple(events), final)


def charged_twice() -> Shown:
    """A late acknowledgement, the node killed between the charge and the save, and the second execution."""
    task, file = "charge#1", "shop/tasks.py"
    where = f"node-killed: charge#1 before line {file}:12"

    def attempt(time: float) -> Iterator[Event]:
        yield Event(time, "worker", "deliver", task)
        yield Event(time, "worker/0", "start", task)
        yield Event(time, "worker/0", "read", task, "Order 1", f"{file}:8", "database")
        yield Event(
            time + 0.1, "worker/0", "request", task, "POST https://pay.test/charges: 200", f"{file}:11", "outside"
        )

    events = (
        Event(0, "client", "save", detail="Order 1: total=20, paid=False", to="database"),
        Event(0, "client", "publish", detail=task, to="broker"),
        *attempt(0),
        Event(0.1, "worker/0", "fault", task, where, f"{file}:12"),
        Event(0.1, "worker", "node-down", detail="1 message unacknowledged"),
        Event(0.1, "broker", "redeliver", task, "connection lost"),
        Event(5.1, "worker", "node-up"),
        *attempt(5.1),
        Event(5.2, "worker/0", "save", task, "Order 1: paid=True", f"{file}:13", "database"),
        Event(5.2, "worker/0", "commit", task, "", f"{file}:13", "database"),
        Event(5.2, "worker/0", "store", task, "SUCCESS", to="results"),
        Event(5.2, "worker/0", "end", task, "SUCCESS"),
        Event(5.2, "worker", "ack", task, to="broker"),
        Event(5.2, "client", "violation", detail="order 1 is charged 2 times"),
    )
    final = {"rows": {"Order 1": {"total": 20, "paid": True}}, "charges": ["Order 1: 20", "Order 1: 20"]}
    return Shown((0, 0, 0, 1), (where,), "order 1 is charged 2 times", events, final)


def charged_once() -> Shown:
    """The fixed form of the double charge under the same fault."""
    bad = charged_twice()
    events = tuple(event for event in bad.events if event.kind != "violation")
    final = {"rows": {"Order 1": {"total": 20, "paid": True}}, "charges": ["Order 1: 20"]}
    return Shown(bad.schedule, bad.faults, "", events, final)


def herd(tasks: int = 100, jitter: bool = False) -> Shown:
    """A service is down for five minutes; so many tasks come back in the same second, or spread out."""
    names = [f"sync_order#{number}" for number in range(1, tasks + 1)]
    events = [Event(0, "client", "publish", detail=name, to="broker") for name in names]

    def attempt(number: int, name: str, time: float, retry: int) -> Iterator[Event]:
        lane = f"worker/{number % 4}"
        answer = "refused" if retry == 0 else "200"
        yield Event(time, "worker", "deliver", name)
        yield Event(time, lane, "start", name, f"retry {retry}" if retry else "")
        yield Event(time, "worker", "ack", name, to="broker")
        yield Event(time, lane, "request", name, f"POST https://stock.test/sync: {answer}", "shop/sync.py:9", "outside")
        if retry == 0:
            yield Event(time, lane, "publish", name, f"{name}, retry 1, not before 22:16:20", to="broker")
        yield Event(time, lane, "store", name, "RETRY" if retry == 0 else "SUCCESS", to="results")
        yield Event(time, lane, "end", name, "RETRY in 180 s" if retry == 0 else "SUCCESS")

    for number, name in enumerate(names):
        events += attempt(number, name, 0.0, 0)
    spread = sorted((number * 37 % 180 if jitter else 180.0, number) for number in range(tasks))
    for time, number in spread:
        events += attempt(number, names[number], 180.0 + time if jitter else 180.0, 1)
    violation = "" if jitter else "100 arrivals in one second"
    if violation:
        events.append(Event(180, "client", "violation", detail=violation))
    return Shown((), (), violation, tuple(events), {"most arrivals in a second": 3 if jitter else tasks})


def proof(bad: Shown, good: Shown, code: str = "TSK601", name: str = "save-before-request") -> Proof:
    """A proof about two runs; its counts are made up."""
    lines = {"people/tasks.py:8": Line(1, 0), SAVES[0]: Line(1, 0), SAVES[1]: Line(2, 1), SAVES[2]: Line(2, 2)}
    return Proof(
        code=code,
        name=name,
        holds=True,
        invariant="a row is updated whole or not at all",
        faults=("refused", "node-killed"),
        budget={"fault": 1, "switch": 0, "order": 0},
        bad=Side(12, 12, 6, {bad.violation: 6}, bad, lines),
        good=Side(10, 14, 0, {}, None, {"people/tasks.py:8": Line(1, 0)}, good),
        further=(Further("child-killed", 9, 2, "status is updated, name is not"), Further("timed-out", 4, 0, "")),
        trace=fingerprint(bad.events),
        seconds=0.3149,
    )
