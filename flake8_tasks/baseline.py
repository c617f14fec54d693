"""The findings that a project lives with for now: they are known, and not reported; new ones are.

A finding is known by its file, code and message, wherever in the file it stands; of alike ones as many as were written
down.  A message names what it is about, the task for instance, and no lines.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flake8_tasks.config import Config, ConfigError
from flake8_tasks.diagnostic import Diagnostic

_VERSION = 1

Known = tuple[str, str, str]
"""A path relative to the project's root, a code, a message."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """One project's.

    Arguments:
        file: where it stands, absolute.
        config: the project's configuration.
        known: how many alike findings are known.
    """

    file: str
    config: Config
    known: Counter[Known]

    def new(self, findings: Iterable[Diagnostic]) -> Iterator[Diagnostic]:
        """Those that are not known; of alike ones the last."""
        left = self.known.copy()
        for found in findings:
            known = self._key(found)
            if left[known] > 0:
                left[known] -= 1
            else:
                yield found

    def gone(self, findings: Iterable[Diagnostic], paths: Collection[str], codes: Collection[str]) -> int:
        """How many known ones are no more.

        Arguments:
            findings: what a run has found in the project.
            paths: the absolute paths of the files that it has checked.
            codes: of the rules that it has asked.
        """
        looked_for = self.known - self._elsewhere(paths, codes)
        return (looked_for - Counter(map(self._key, findings))).total()

    def written_anew(self, findings: Sequence[Diagnostic], paths: Collection[str], codes: Collection[str]) -> Baseline:
        """The same with what a run has found, see `gone`; what it has not looked at stays, unless its file is gone."""
        found = Counter(self._key(each) for each in findings if each.code in codes)
        return Baseline(self.file, self.config, found + self._elsewhere(paths, codes))

    def write(self) -> None:
        """Put it in place, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        findings: dict[str, dict[str, list[str]]] = {}
        for path, code, message in sorted(self.known.elements()):
            findings.setdefault(path, {}).setdefault(code, []).append(message)
        text = json.dumps({"version": _VERSION, "findings": findings}, indent=1, ensure_ascii=False)
        beside = f"{self.file}.{os.getpid()}.tmp"
        try:
            with open(beside, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
                file.write(text + "\n")
            os.replace(beside, self.file)
        except BaseException:
            if os.path.exists(beside):
                os.unlink(beside)
            raise

    def _key(self, found: Diagnostic) -> Known:
        return self.config.relative(found.path), found.code, found.message

    def _elsewhere(self, paths: Collection[str], codes: Collection[str]) -> Counter[Known]:
        checked = {self.config.relative(path) for path in paths}
        kept = Counter[Known]()
        for known, number in self.known.items():
            path, code, _ = known
            if (path not in checked or code not in codes) and os.path.exists(os.path.join(self.config.root, path)):
                kept[known] = number
        return kept


def load(config: Config, *, to_write: bool = False) -> Baseline | None:
    """The baseline that a project's configuration names, None where it names none.

    Arguments:
        to_write: it is about to be written: it need not be there, and may be of another version.

    Raises:
        ConfigError: it is not there, or is no baseline.
    """
    if not config.baseline:
        return None
    file = os.path.join(config.root, config.baseline)
    anew = "`flake8-tasks check --write-baseline` writes it"
    known = Counter[Known]()
    try:
        with open(file, encoding="utf-8") as opened:
            whole = json.load(opened)
        if whole["version"] == _VERSION:
            known.update(_read(whole["findings"]))
        elif not to_write:
            raise ConfigError(f"{file}: of another version, {whole['version']!r}: {anew} anew")
    except FileNotFoundError:
        if not to_write:
            raise ConfigError(f"{file}: it is not there: {anew}") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        words = f"not JSON: {error}" if isinstance(error, ValueError) else "not a baseline"
        raise ConfigError(f"{file}: {words}; remove it, and {anew} anew") from None
    return Baseline(file, config, known)


def _read(findings: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[Known]:
    for path, codes in findings.items():
        for code, messages in codes.items():
            for message in messages:
                yield path, code, str(message)
