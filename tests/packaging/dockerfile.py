"""Read a Dockerfile into instructions and stages, and say what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction; ``words`` is its argument text with continuations joined."""

    line: int
    name: str
    words: str

    def listed(self) -> list[str]:
        """The exec form's words, or the shell form's split at blanks."""
        text = self.words.strip()
        return list(json.loads(text)) if text.startswith("[") else text.split()


@dataclass(frozen=True, slots=True)
class Stage:
    """What follows one FROM."""

    base: str
    name: str | None
    instructions: tuple[Instruction, ...]

    def named(self, name: str) -> list[Instruction]:
        return [each for each in self.instructions if each.name == name]


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """Build arguments before the first FROM, with their defaults, and the stages."""

    arguments: dict[str, str | None]
    stages: tuple[Stage, ...]

    def stage(self, name: str) -> Stage:
        (found,) = (stage for stage in self.stages if stage.name == name)
        return found


def instructions(text: str) -> Iterator[Instruction]:
    """Every instruction, comments and continuations resolved. Raises ValueError for a line that is none."""
    pending: list[str] = []
    first = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("#") or not line:
            continue
        if not pending:
            first = number
        if line.endswith("\\"):
            pending.append(line[:-1].strip())
            continue
        pending.append(line)
        name, _, words = " ".join(pending).partition(" ")
        if re.fullmatch("[A-Z]+", name) is None or not words:
            raise ValueError(f"line {first}: no instruction: {pending[0]}")
        yield Instruction(first, name, words.strip())
        pending = []
    if pending:
        raise ValueError(f"line {first}: the file ends inside an instruction")


def parse(text: str) -> Dockerfile:
    """Raises ValueError when the text is no Dockerfile."""
    arguments: dict[str, str | None] = {}
    stages: list[Stage] = []
    for each in instructions(text):
        if each.name == "FROM":
            base, _, name = each.words.partition(" AS ")
            stages.append(Stage(base, name.strip() or None, ()))
        elif stages:
            last = stages[-1]
            stages[-1] = Stage(last.base, last.name, (*last.instructions, each))
        elif each.name == "ARG":
            key, given, default = each.words.partition("=")
            arguments[key] = default if given else None
        else:
            raise ValueError(f"line {each.line}: {each.name} before the first FROM")
    if not stages:
        raise ValueError("no FROM")
    return Dockerfile(arguments, tuple(stages))


def _base_problems(read: Dockerfile) -> Iterator[str]:
    for stage in read.stages:
        argument = re.fullmatch(r"\$\{(\w+)\}", stage.base)
        if argument is None:
            yield f"base-not-an-argument: {stage.base}"
            continue
        default = read.arguments.get(argument.group(1))
        if default is None:
            yield f"base-without-default: {stage.base}"
        elif "@" in default:
            yield f"base-digest-written-down: {default}"
        elif ":" not in default.rpartition("/")[2] or default.endswith(":latest"):
            yield f"base-latest: {default}"


def _final_problems(final: Stage) -> Iterator[str]:
    users = final.named("USER")
    if not users or re.fullmatch(r"[1-9]\d*(:[1-9]\d*)?", users[-1].words) is None:
        yield "user-not-numeric-or-root"
    elif any(each.line > users[-1].line for each in final.named("RUN")):
        yield "run-after-user"
    if not any(each.words != "NONE" for each in final.named("HEALTHCHECK")):
        yield "healthcheck-missing"
    for name in ("ENTRYPOINT", "CMD"):
        if not all(each.words.startswith("[") for each in final.named(name)):
            yield f"{name.lower()}-in-shell-form"
    if not final.named("ENTRYPOINT"):
        yield "entrypoint-missing"
    if any(re.search(r"\b(apt-get|pip|curl|wget)\b", each.words) for each in final.named("RUN")):
        yield "final-stage-installs"
    if not all("--from=" in each.words for each in final.named("COPY")):
        yield "final-stage-copies-the-context"


def _stage_problems(stage: Stage) -> Iterator[str]:
    for each in stage.instructions:
        if each.name == "ADD":
            yield f"add-instead-of-copy: line {each.line}"
        if each.name in {"ENV", "ARG"} and re.search(r"(?i)(password|secret|token|api_?key)", each.words):
            yield f"secret-in-layer: line {each.line}"
        if each.name == "COPY" and re.search(r"(^|\s)\.(\s|$)", each.words):
            yield f"copies-everything: line {each.line}"
        if each.name == "WORKDIR" and not each.words.startswith("/"):
            yield f"workdir-relative: line {each.line}"
        for command in each.words.split("&&") if each.name == "RUN" else ():
            if re.search(r"\bpip install\b", command) and not re.search(
                "--require-hashes|--no-deps --no-index", command
            ):
                yield f"install-without-hashes: line {each.line}"
            if re.search(r"\bsudo\b|chmod\s+(-R\s+)?0?777", command):
                yield f"needless-privilege: line {each.line}"


def problems(text: str) -> list[str]:
    """Each problem as ``kebab-case-id[: where]``; empty when the file is as we want it."""
    read = parse(text)
    found = [*_base_problems(read), *_final_problems(read.stages[-1])]
    for stage in read.stages:
        found.extend(_stage_problems(stage))
    if len(read.stages) < 2:
        found.append("single-stage")
    return found
