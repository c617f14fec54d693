"""`flake8-tasks prove --broker`: a proof's runs on a real worker."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from flake8_tasks.runtime.conformance.servers import Server


def prove(*arguments: str) -> subprocess.CompletedProcess[str]:
    root = Path(__file__).parents[3]
    return subprocess.run(
        [sys.executable, "-m", "flake8_tasks", "prove", *arguments],
        capture_output=True,
        encoding="utf-8",
        cwd=root,
        timeout=120,
    )


def test_the_runs_that_a_proof_shows_leave_the_same_behind_with_redis(redis: Server) -> None:
    run = prove("TSK601", "--broker", redis.url)
    assert (run.returncode, run.stderr) == (0, "")
    equal = [line for line in run.stdout.splitlines() if line.startswith("equal  TSK601 save-before-request, ")]
    assert len(equal) == 2
    assert "child-killed" in equal[0]


def test_json_says_what_was_compared_with_rabbitmq(rabbitmq: Server) -> None:
    run = prove("TSK601", "--json", "--broker", rabbitmq.url)
    assert (run.returncode, run.stderr) == (0, "")
    bad, good = json.loads(run.stdout)["real"]
    assert (bad["name"], bad["verdict"], bad["differences"]) == ("TSK601 save-before-request, bad", "equal", [])
    assert (good["name"], good["verdict"], good["reason"]) == ("TSK601 save-before-request, good", "equal", "")
    assert bad["seconds"] > 0


def test_a_database_as_broker_stays_the_program_s_own(redis: Server) -> None:
    run = prove("database-broker", "--json", "--broker", redis.url)
    assert (run.returncode, run.stderr) == (0, "")
    document = json.loads(run.stdout)
    assert [proof["holds"] for proof in document["proofs"]] == [True] * 3
    assert {real["reason"] for real in document["real"] if real["name"].endswith("bad")} == {
        "its own broker is sqla+postgresql, which no other stands for"
    }
