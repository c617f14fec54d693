"""`flake8-tasks prove` as users run it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from command import CLEAN, PACKAGE, Shop
from unmeasured import unmeasured

from flake8_tasks import proofs

NEEDED = 'flake8-tasks prove needs the runtime: pip install "flake8-tasks[runtime]"'
MISFIT = "the schedule does not fit TSK601 save-before-request"

WITNESS_SITE = """\
import flake8_tasks.witnesses
flake8_tasks.witnesses.__path__.append({path!r})
"""
LOST_IMPORT = """\
from flake8_tasks.runtime.scenario import Scenario
from flake8_tasks.runtime.world.invariants import no_deadlock
from flake8_tasks.witnesses.witness import Witness

witness = Witness(
    Scenario(no_deadlock(), lambda stage: None, budget={}), code="TSK997", bad="import nowhere", good="import nowhere"
)
"""


def document(shop: Shop, *arguments: str) -> dict[str, Any]:
    run = shop.run("prove", *arguments, "--json")
    assert run.returncode in (0, 1), run.stderr
    whole = json.loads(run.stdout)
    assert isinstance(whole, dict)
    return whole


class TestProof:
    def test_both_timelines_and_the_verdict_are_said(self, shop: Shop) -> None:
        run = shop.run("prove", "TSK601")
        assert (run.returncode, run.stderr) == (0, "")
        bad, good, verdict = run.stdout.strip("\n").split("\n\n")
        assert re.match(r"TSK601 save-before-request, bad: .* \(--replay [\d,]+\)\n", bad)
        assert re.search(r"^✗ .* FAULT ", bad, re.MULTILINE)
        assert bad.splitlines()[-1].startswith("! broken: status is 'updated'")
        assert re.match(r"TSK601 save-before-request, good: .* \(--good --replay [\d,]+\)\n", good)
        assert good.endswith("\n  the invariant holds")
        assert verdict.startswith("TSK601 save-before-request: proved\n")
        counts = re.findall(r"hazard in (\d+) of (\d+) schedules \(explored (\d+) of (\d+)\)", verdict)
        (hazards, *explored), (none, *all_explored) = [[int(number) for number in found] for found in counts]
        assert 0 < hazards < explored[0]
        assert none == 0
        assert len(set(explored)) == len(set(all_explored)) == 1
        assert re.search(r"^  seconds +\d+\.\d\d$", verdict, re.MULTILINE)

    def test_several_are_counted_at_the_end(self, shop: Shop) -> None:
        run = shop.run("prove", "TSK202", "pickle-serializer")
        assert run.returncode == 0
        assert re.fullmatch(r"3 of 3 proofs hold, \d+\.\d\d s", run.stdout.splitlines()[-1])

    def test_json_has_what_was_found(self, shop: Shop) -> None:
        whole = document(shop, "TSK601")
        (proof,) = whole.pop("proofs")
        assert whole == {}
        assert (proof["code"], proof["name"], proof["holds"]) == ("TSK601", "save-before-request", True)
        assert proof["bad"]["hazards"] == sum(proof["bad"]["violations"].values())
        assert proof["bad"]["shortest"]["violation"] in proof["bad"]["violations"]
        assert (proof["good"]["hazards"], proof["good"]["shortest"]) == (0, None)
        assert all(len(event) == 7 for event in proof["bad"]["shortest"]["events"])
        assert re.fullmatch(r"[0-9a-f]{16}", proof["trace"])
        assert proof["seconds"] > 0

    def test_a_proof_that_does_not_hold_is_1(self, shop: Shop) -> None:
        run = shop.run("prove", "TSK601", "--faults", "none")
        assert (run.returncode, run.stderr) == (1, "")
        assert "TSK601 save-before-request: NOT proved\n" in run.stdout
        assert "--faults none)" in run.stdout

    def test_what_was_not_explored_is_said_and_proves_nothing(self, shop: Shop) -> None:
        run = shop.run("prove", "TSK601", "--limit", "9")
        assert run.returncode == 1
        assert re.search(r"good has more schedules than were explored, 9 of \d+ or more: --limit", run.stderr)
        assert "explored 9 of" in run.stdout
        assert "good holds under duplicated: 0 of 2 schedules" in run.stdout
        assert "good holds" not in shop.run("prove", "TSK601", "--limit", "1").stdout

    def test_other_faults_and_budgets_are_tried_instead(self, shop: Shop) -> None:
        (proof,) = document(shop, "TSK601", "--faults", "refused", "--budget", "fault=2")["proofs"]
        assert (proof["faults"], proof["budget"], proof["further"]) == (["refused"], {"fault": 2}, [])
        assert all(fault.startswith("refused: ") for fault in proof["bad"]["shortest"]["faults"])

    def test_colour_is_asked_for(self, shop: Shop) -> None:
        assert "\x1b[" in shop.run("prove", "TSK205", "--color", "always").stdout
        assert "\x1b[" not in shop.run("prove", "TSK205").stdout


class TestReplay:
    def test_the_shortest_run_is_repeated_as_it_was(self, shop: Shop) -> None:
        (proof,) = document(shop, "TSK601")["proofs"]
        shortest = proof["bad"]["shortest"]
        schedule = ",".join(map(str, shortest["schedule"]))
        replayed = document(shop, "TSK601", "--replay", schedule)
        about = {key: replayed.pop(key) for key in ("code", "name", "program")}
        assert about == {"code": "TSK601", "name": "save-before-request", "program": "bad"}
        assert replayed == shortest

    def test_the_run_without_a_fault_is_0(self, shop: Shop) -> None:
        run = shop.run("prove", "TSK601", "--replay", "0", "--good")
        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout.startswith("TSK601 save-before-request, good: schedule 0\n")
        assert "✗" not in run.stdout
        assert run.stdout.endswith("  the invariant holds\n\n")

    @pytest.mark.parametrize(
        ("schedule", "words"), [("0,9", f"{MISFIT}: choice 1 has"), ("0," * 500 + "1", "the schedule has 501 numbers")]
    )
    def test_a_schedule_that_does_not_fit_is_wrong_usage(self, shop: Shop, schedule: str, words: str) -> None:
        run = shop.run("prove", "TSK601", "--replay", schedule)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("flake8-tasks: error: --replay: ")
        assert words in run.stderr
        assert len(run.stderr.splitlines()) == 1


class TestTimelines:
    def test_a_proof_is_drawn(self, shop: Shop) -> None:
        assert shop.run("prove", "TSK601", "--timeline", "proof.svg").returncode == 0
        drawn = ElementTree.parse(shop.root / "proof.svg").getroot()
        assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
        assert "a user is updated whole" in "".join(drawn.itertext())

    def test_of_several_each_has_a_picture_with_its_code(self, shop: Shop) -> None:
        assert shop.run("prove", "TSK202", "--timeline", "proof.svg").returncode == 0
        assert sorted(path.name for path in shop.root.glob("*.svg")) == [
            "proof-TSK202-queryset-argument-with-pickle.svg",
            "proof-TSK202-queryset-argument.svg",
        ]

    def test_a_page_has_them_all(self, shop: Shop) -> None:
        assert shop.run("prove", "TSK202", "TSK205", "--timeline", "proofs.html").returncode == 0
        page = (shop.root / "proofs.html").read_text(encoding="utf-8")
        assert re.findall("<h1>(.*?)</h1>", page) == [
            "TSK202 queryset-argument",
            "TSK202 queryset-argument, with pickle",
            "TSK205 pickle-serializer",
        ]
        assert page.count("<svg xmlns") == 3
        identifiers = re.findall(r'\bid="([^"]*)"', page)
        assert len(identifiers) == len(set(identifiers))

    def test_a_folder_that_is_not_there_is_said_before_the_work(self, shop: Shop) -> None:
        run = shop.run("prove", "--all", "--timeline", "nowhere/proof.svg")
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr == "flake8-tasks: error: --timeline: nowhere is no folder\n"


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ([], "say what to prove: a code, a name, or --all; there is TSK101, "),
            (["TSK999"], "nothing to prove is called 'TSK999'"),
            (["TSK401"], "TSK401 implicit-max-retries has no witness; there is TSK101, "),
            (["TSK601", "--limit", "0"], "expected a number from 1 on, not '0'"),
            (
                ["TSK601", "--broker", "kafka://localhost"],
                "--broker: expected redis://HOST:PORT/0 or amqp://HOST:PORT//",
            ),
        ],
        ids=" ".join,
    )
    def test_wrong_usage_is_2(self, shop: Shop, arguments: list[str], words: str) -> None:
        run = shop.run("prove", *arguments)
        assert (run.returncode, run.stdout) == (2, "")
        assert words in run.stderr

    @pytest.mark.parametrize("package", ["celery", "greenlet", "time_machine"])
    def test_without_the_extra_it_says_what_to_install(self, shop: Shop, package: str) -> None:
        shop.write(f"hidden/{package}/__init__.py", f"raise ModuleNotFoundError('No module named {package}')\n")
        path = os.pathsep.join((str(shop.root / "hidden"), shop.environment["PYTHONPATH"]))
        # Measured, it would say itself that greenlet is missing.
        run = shop.run("prove", "TSK601", PYTHONPATH=path, COVERAGE_PROCESS_CONFIG="", COVERAGE_PROCESS_START="")
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr == f"flake8-tasks: error: {NEEDED}\n"

    def test_without_any_package_it_says_so_too_and_pages_have_their_proofs(self, shop: Shop) -> None:
        bare = {**shop.environment, "PYTHONPATH": str(PACKAGE)}

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-S", "-m", "flake8_tasks", *arguments]
            return subprocess.run(command, capture_output=True, encoding="utf-8", env=bare, cwd=shop.root, timeout=60)

        assert run("prove", "TSK601").stderr == f"flake8-tasks: error: {NEEDED}\n"
        assert "FAULT child-killed" in run("explain", "TSK601").stdout

    def test_a_version_of_celery_that_nobody_has_tried_is_refused(self, shop: Shop) -> None:
        shop.write("site/sitecustomize.py", "import celery\n\ncelery.__version__ = '6.1.0'\n")
        path = os.pathsep.join((str(shop.root / "site"), str(PACKAGE)))
        run = shop.run("prove", "TSK601", "TSK301", PYTHONPATH=path)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("flake8-tasks: error: Celery 6.1.0 has not been tried with the reference runtime")
        assert len(run.stderr.splitlines()) == 1

    def test_a_program_that_cannot_be_run_is_said_and_the_others_go_on(self, shop: Shop) -> None:
        shop.write("more/made_up/__init__.py", "")
        shop.write("more/made_up/lost_import.py", LOST_IMPORT)
        shop.write("site/sitecustomize.py", WITNESS_SITE.format(path=str(shop.root / "more")))
        path = os.pathsep.join((str(shop.root / "site"), str(PACKAGE)))
        run = shop.run("prove", "TSK997", "TSK205", PYTHONPATH=path)
        assert run.returncode == 2
        assert run.stderr == (
            "flake8-tasks: error: TSK997 lost-import cannot be proved: shop/tasks.py:1: "
            "the program imports nowhere, but the package nowhere is not installed\n"
        )
        assert "TSK205 pickle-serializer: proved\n" in run.stdout
        assert run.stdout.splitlines()[-1].startswith("1 of 2 proofs hold, ")

    def test_a_broker_that_is_down_is_said_before_the_work(self, shop: Shop) -> None:
        run = shop.run("prove", "--all", "--broker", "redis://127.0.0.1:1/0")
        assert (run.returncode, run.stdout) == (2, "")
        assert "flake8-tasks: error: --broker: the broker at redis://" in run.stderr
        assert "127.0.0.1:1/0 does not answer" in run.stderr

    @pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
    def test_interrupted_it_ends_at_once_and_leaves_no_folder(self, shop: Shop, number: int, status: int) -> None:
        folder = shop.root / "temporary"
        folder.mkdir()
        run = subprocess.Popen(
            shop.command("prove", "--all"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**unmeasured(shop.environment), "TMPDIR": str(folder)},
        )
        assert run.stdout is not None
        run.stdout.readline()
        run.send_signal(number)
        begun = time.monotonic()
        _, err = run.communicate(timeout=60)
        assert time.monotonic() - begun < 10
        assert (run.returncode, err) == (status, b"")
        assert list(folder.iterdir()) == []


class TestRecord:
    def test_what_is_found_is_kept_beside_the_package(self, shop: Shop) -> None:
        """In a copy of it: the file is written anew, and is what was kept before."""
        with tempfile.TemporaryDirectory() as copy:
            shutil.copytree(proofs.FOLDER.parent, Path(copy, "flake8_tasks"), ignore=shutil.ignore_patterns("*.pyc"))
            written = Path(copy, "flake8_tasks", "proofs", "arguments", "pickle_serializer.json")
            before = written.read_bytes()
            written.unlink()
            run = shop.run("prove", "pickle-serializer", "--record", PYTHONPATH=copy)
            assert run.returncode == 0, run.stderr
            assert written.read_bytes() == before


PLUGIN = "[flake8:local-plugins]\nextension =\n  TSK = flake8_tasks.frontends.flake8:Plugin\n"
LOADED = """
import re, sys
{call}
sys.exit([name for name in sys.modules if re.match({names!r}, name)])
"""


class TestTheLinter:
    @pytest.mark.parametrize(
        "call",
        [
            "from flake8_tasks.frontends.cli import main; main(['check', '--jobs', '1', 'tasks.py'])",
            "from flake8_tasks.frontends.cli import main; main(['fix', '--unsafe-fixes', '--diff', 'tasks.py'])",
            "from flake8_tasks.frontends.cli import main; main(['explain', 'TSK301'])",
            "from flake8.main.cli import main; main(['--jobs', '1', '--select', 'TSK', 'tasks.py'])",
        ],
        ids=["check", "fix", "explain", "flake8"],
    )
    def test_never_imports_the_runtime(self, shop: Shop, call: str) -> None:
        shop.write("tasks.py", CLEAN.replace("return open('work')", "return work.delay().get()"))
        if not entry_points(group="flake8.extension", name="TSK"):
            shop.write(".flake8", PLUGIN)
        names = "celery|kombu|django|greenlet|time_machine|flake8_tasks\\.(runtime|witnesses|frontends\\.prov)"
        program = LOADED.format(call=call, names=names)
        run = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=shop.root,
            env=unmeasured(shop.environment),
            timeout=60,
        )
        assert "self.replace" in run.stdout or "TSK301" in run.stdout
        assert run.stderr.splitlines()[-1] == "[]"
