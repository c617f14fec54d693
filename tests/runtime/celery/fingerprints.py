"""Prints the fingerprints of what one program does under every single fault, to be compared between versions of Celery.

PYTHONPATH=.:tests/runtime/celery python tests/runtime/celery/fingerprints.py [--same]

With --same the program is without what Celery's versions do otherwise, so that all of them print the same.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from typing import Any

import celery
from celery import Celery, chain, chord, group
from simulated import Outcome, explore

from flake8_tasks.runtime.kernel.broker import RABBITMQ, REDIS


def program(same: bool) -> tuple[Celery, Any]:
    """An app and a client that uses much of it; without revocation and a rate limit when all is to be the same."""
    app = Celery("shop")

    @app.task(bind=True, max_retries=2, default_retry_delay=3)
    def flaky(self: Any) -> int:
        if self.request.retries < 1:
            raise self.retry()
        return 1

    @app.task(acks_late=True, reject_on_worker_lost=True, soft_time_limit=20, time_limit=30)
    def slow(seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    @app.task(rate_limit=None if same else "1/s", ignore_result=True)
    def limited() -> None:
        pass

    @app.task(autoretry_for=(ValueError,), retry_backoff=2, max_retries=2)
    def unlucky() -> None:
        raise ValueError("never")

    @app.task
    def total(numbers: list[float]) -> float:
        return sum(numbers)

    def act(driver: Any) -> None:
        chord([slow.s(1), flaky.s(), slow.s(2)], total.s()).delay()
        chain(total.s([1, 2]), slow.s()).delay()
        group(slow.s(25), slow.s(3), limited.s(), limited.s()).delay()
        unlucky.apply_async(link_error=limited.si())
        slow.apply_async((1,), countdown=5, expires=2)
        result = slow.apply_async((10,), countdown=8)
        driver.simulation.sleep(10)
        if not same:
            result.revoke(terminate=True)

    return app, act


def runs(same: bool = False) -> dict[str, list[Outcome]]:
    """Name → the runs under no fault and under each one."""
    app, act = program(same)
    faults = ["child-killed", "node-killed"]
    return {
        f"{profile.name}, {results}": explore(app, act, faults=faults, profile=profile, results=results, horizon=60)
        for profile, results in ((RABBITMQ, "redis"), (REDIS, "database"))
    }


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    outcomes_of = runs(same="--same" in sys.argv)
    prints = {name: {" ".join(it.faults): it.fingerprint for it in found} for name, found in outcomes_of.items()}
    whole = hashlib.sha256(json.dumps(prints, sort_keys=True).encode()).hexdigest()[:16]
    print(json.dumps({"celery": celery.__version__, "all": whole, "runs": prints}, indent=1))
