"""Which changes of the product do the fast tests not notice? A small mutation tester, for Python and Lua.

    python -m bench.mutants --sample 500             makes 500 changes, one after the other, and prints what survives
    python -m bench.mutants --only lua --seed 7      in the scripts only, and other ones
    python -m bench.mutants --list changes.jsonl     writes down what was changed and what came of it
    python -m bench.mutants --again changes.jsonl    makes the same changes once more, in a tree that may differ
    python -m bench.mutants --map tests.map          keeps, for the next run on this tree, which tests reach which line

A change is made in a copy of the tree and meets the tests that reach its line until one fails. Python is changed by its
syntax tree and Lua by its tokens: mutmut and cosmic-ray know no Lua, and start an interpreter for each change. Here it
is a fork of a process that has imported everything but what is ours.
"""

import argparse
import ast
import importlib
import itertools
import json
import os
import pickle
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "verification": "service/verification/*.py",
    "store": "service/store/*.py",
    "lua": "service/store/lua/**/*.lua",
    "web": "service/web/*.py",
}
TESTS = [f"tests/{name}" for name in ("verification", "web", "limits", "store", "api")]
PYTEST = "-q -x -p no:randomly -p no:cacheprovider -p no:schemathesis --hypothesis-profile=quick --hypothesis-seed=0"
ALL = ["--maxfail=10000", "-m", "not slow", *TESTS]
ALL_SECONDS = 3600.0  # ours: four hundred times what they take
NEAR = {  # of each package of the product, where its tests are
    "verification": "tests/verification/",
    "store": ("tests/store/", "tests/limits/"),
    "web": ("tests/web/", "tests/api/"),
}
NEAREST = 8  # files that have a look first; ours: to collect the tests of all files takes longer than to run these
MOST_TESTS, MOST_SECONDS = 120, 30.0  # at a time, as they took while watched, which is five times as long; ours
HANGS_SECONDS = 30.0  # and what its tests took while watched; ours: a change that runs for longer is noticed
MEMORY_BYTES = 8_000_000_000  # ours: a change may collect without end


@dataclass(frozen=True)
class Change:
    """What stands in a file from `start` to `end` (in characters) becomes `new`.

    It runs with the lines `near`. Where these run once, when the module is imported, `names` are what they define.
    """

    path: str
    text: str
    start: int
    end: int
    new: str
    near: range = range(0)
    names: tuple[str, ...] = ()

    @property
    def line(self) -> int:
        """The number of its line."""
        return self.text.count("\n", 0, self.start) + 1

    def identity(self) -> dict[str, Any]:
        """Return what finds it again although the lines around it moved."""
        lines = self.text.split("\n")[: self.line]
        column = self.start - self.text.rfind("\n", 0, self.start)
        place = {"path": self.path, "line": lines[-1].strip(), "like_it": lines.count(lines[-1]), "column": column}
        return place | {"old": self.text[self.start : self.end], "new": self.new}

    def make(self, *, back: bool = False) -> None:
        """Write it into the tree, or take it out. Python compiles by the time of a file, so each has its own."""
        changed = self.text[: self.start] + self.new + self.text[self.end :]
        Path(self.path).write_text(self.text if back else changed, "utf-8")
        os.utime(self.path, (0, 0 if back else self.start + 1))


PAIRS = [
    *(("==", "!="), ("<", "<="), (">", ">="), ("is", "is not")),
    *(("in", "not in"), ("+", "-"), ("*", "/"), ("and", "or")),
]
SWAPS = {"//": "*", "%": "*"} | dict(PAIRS) | {other: one for one, other in PAIRS}
OPERATOR = re.compile(r"\bnot\s+in\b|\bis\s+not\b|\b(?:in|is|and|or)\b|//|[=!<>]=|[-+*/%<>]")
LUA_SWAPS = SWAPS | {"==": "~=", "~=": "==", "not": "", "true": "false", "false": "true"}
TOKEN = re.compile(r"--[^\n]*|'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|\d+(?:\.\d+)?|[A-Za-z_]\w*|[=~<>]=|\.\.\.?|\S")
BEFORE_STATEMENT = {"then", "do", "else", "repeat"}
KEYWORDS = BEFORE_STATEMENT | {"and", "elseif", "for", "function", "if", "in", "local", "not", "or", "return", "while"}
CALL = re.compile(r"(?!function |return |and |or |not |in )[A-Za-z_]\w*( [.:] \w+)* \(")


def python_changes(path: str, text: str) -> Iterator[Change]:  # noqa: C901 - a row of cases
    """Yield the changes of a module, but of annotations, decorators, texts, and what is only logged."""
    lines = text.splitlines(keepends=True)
    starts = list(itertools.accumulate(map(len, lines), initial=0))

    def span(node: Any) -> tuple[int, int]:  # noqa: ANN401 - whatever has a place
        def at(line: int, column: int) -> int:
            return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())

        return at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)

    def swapped(operands: Iterable[ast.expr]) -> Iterator[Change]:
        for one, other in itertools.pairwise(operands):
            found = OPERATOR.search(text, span(one)[1], span(other)[0])
            if found and (new := SWAPS.get(" ".join(found[0].split()))):
                yield Change(path, text, *found.span(), new)

    def negated(tests: Iterable[ast.expr]) -> Iterator[Change]:
        for test in tests:
            if isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.BoolOp | ast.NamedExpr | ast.Subscript):
                start, end = span(test)
                yield Change(path, text, start, end, f"(not ({text[start:end]}))")

    def changes_at(node: ast.AST) -> Iterator[Change]:
        match node:
            case ast.Compare(first, _, others):
                yield from swapped([first, *others])
            case ast.BinOp(one, _, other) if not _is_text(one) and not _is_text(other):
                yield from swapped([one, other])
            case ast.BoolOp(_, operands):
                yield from swapped(operands)
            case ast.UnaryOp(ast.Not(), _):
                yield Change(path, text, span(node)[0], span(node)[0] + len("not"), "")
            case ast.Constant(bool(value)):
                yield Change(path, text, *span(node), str(not value))
            case ast.Constant(int(value) | float(value)):
                yield Change(path, text, *span(node), repr(value + 1))
            case ast.Expr(ast.Call()) | ast.Raise():
                yield Change(path, text, *span(node), "pass")
            case ast.If(test) | ast.IfExp(test) | ast.While(test) | ast.Return(ast.BoolOp() as test):
                yield from negated([test])
            case ast.comprehension(_, _, tests):
                yield from negated(tests)

    def visit(node: Any, near: range, names: tuple[str, ...], *, is_run: bool) -> Iterator[Change]:  # noqa: ANN401
        if _is_told(node):
            return
        if isinstance(node, ast.FunctionDef):
            near, names, is_run = range(node.body[0].lineno, node.body[-1].end_lineno + 1), (), True  # type: ignore[operator]
        elif isinstance(node, ast.stmt):
            body = getattr(node, "body", [])
            near = range(node.lineno, body[0].lineno if body else node.end_lineno + 1)  # type: ignore[operator]
            targets = [*getattr(node, "targets", []), getattr(node, "target", None)]
            names = () if is_run else tuple(one.id for one in targets if isinstance(one, ast.Name))
        yield from (replace(change, near=near, names=names) for change in changes_at(node))
        for child in ast.iter_child_nodes(node):
            told = [
                getattr(node, "annotation", None),
                getattr(node, "returns", None),
                *getattr(node, "decorator_list", []),
            ]
            if not any(child is one for one in told):
                yield from visit(child, near, names, is_run=is_run)

    yield from visit(ast.parse(text), range(0), (), is_run=False)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_told(node: ast.AST) -> bool:
    match node:
        case ast.Call(ast.Attribute(ast.Name("log"))) | ast.Expr(ast.Call(ast.Attribute(ast.Name("log")))):
            return True
        case ast.Assign([ast.Name("__slots__" | "__all__")]):
            return True
    return isinstance(node, ast.JoinedStr | ast.pattern)  # Python 3.11 does not know where parts of f-strings are


def lua_changes(path: str, text: str) -> Iterator[Change]:
    """Yield the changes of a script, but of texts and comments. A call that stands alone, is left out."""
    tokens = [found for found in TOKEN.finditer(text) if not found[0].startswith("--")]
    words = [found[0] for found in tokens]

    def change(first: int, last: int, new: str) -> Change:
        made = Change(path, text, tokens[first].start(), tokens[last].end(), new)
        return replace(made, near=range(made.line, made.line + 1))

    for i, (before, word) in enumerate(zip(["then", *words], words, strict=False)):
        is_after_value = before not in KEYWORDS and re.match(r"[\w'\")}\]]", before) is not None
        if word == "-":
            yield change(i, i, "+" if is_after_value else "")
        elif word in LUA_SWAPS and word != "in":
            yield change(i, i, LUA_SWAPS[word])
        elif word.isdecimal():
            yield change(i, i, str(int(word) + 1))
        elif word in {"if", "elseif"}:
            end = words.index("then", i)
            if {"and", "or"} & {*words[i:end]} or not {"==", "~=", "not", "<", ">", "<=", ">="} & {*words[i:end]}:
                yield change(i + 1, end - 1, f"not ({text[tokens[i + 1].start() : tokens[end - 1].end()]})")
        elif (is_after_value or before in BEFORE_STATEMENT) and (called := CALL.match(" ".join(words[i : i + 7]))):
            last = i + called[0].count(" ")
            depths = itertools.accumulate({"(": 1, ")": -1}.get(one, 0) for one in words[last:])
            yield change(i, last + list(depths).index(0), "")


def changes_of(package: str) -> list[Change]:
    """Return every change of a package, in the tree that is the working directory."""
    made = []
    for path in sorted(Path().glob(PACKAGES[package])):
        changes = lua_changes if path.suffix == ".lua" else python_changes
        made += list(changes(str(path), path.read_text("utf-8")))
    return made


HOOK = """function(enter)
  local seen = {}
  debug.sethook(function(_, line) if not seen[line] then seen[line] = true enter(line) end end, 'l')
  return function() seen = {} end
end"""


class Reached:
    """Which tests reach which line, of Python and of the scripts: all run on fakeredis, whose Lua can be watched."""

    def __init__(self) -> None:
        self.coverage = coverage.Coverage(data_file=None, config_file=False, source=["service"])
        self.coverage.start()
        self.lua: dict[str, set[str]] = defaultdict(set)  # tests by the text of a line
        self.test = ""
        self.script: list[str] = []
        self.seconds: Counter[str] = Counter()
        self.others: set[str] = set()

    def pytest_collection(self) -> None:
        """Put fakeredis in the place of every server, and look over the shoulder of its Lua."""
        from fakeredis import FakeRedis, FakeServer  # noqa: PLC0415 - they are imported in the fork only
        from fakeredis.commands_mixins.scripting_mixin import ScriptingCommandsMixin as Mixin  # noqa: PLC0415

        from tests.store.engines import Engine, Engines  # noqa: PLC0415

        def fake(*_: object) -> Engine:
            client = FakeRedis(server=FakeServer())
            return Engine(client, [client])

        def watched(mixin: Mixin, server: Any) -> Any:  # noqa: ANN401
            self.script = sys._getframe(1).f_locals["script"].decode().split("\n")  # noqa: SLF001
            is_new = not hasattr(server, "_lua_runtime")
            runtime = plain(mixin, server)
            if is_new:
                server.forget = runtime.eval(HOOK)(self.enter)
            server.forget()
            return runtime

        plain = Mixin._get_server_runtime  # noqa: SLF001
        Mixin._get_server_runtime = watched  # type: ignore[method-assign]  # noqa: SLF001
        Engines.get = fake  # type: ignore[assignment,method-assign]

    def enter(self, line: float) -> None:
        """A line of the script runs for the first time."""
        self.lua[self.script[int(line) - 1].strip()].add(self.test)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """What is reached from now on is reached by this test."""
        self.test = nodeid
        self.coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count how long it takes, and leave out what does not pass: it needs a server, or the rest of the tree."""
        self.seconds[report.nodeid] += report.duration  # type: ignore[assignment]
        if not report.passed:
            self.others.add(report.nodeid)

    def found(self) -> dict[str, Any]:
        """Return the tests by line of each module, those by text of each line of a script, and how long each takes."""
        self.coverage.stop()
        data = self.coverage.get_data()
        ours = ("service", "tests", "bench", "conftest", "__")
        return {
            "python": {os.path.relpath(path): data.contexts_by_lineno(path) for path in data.measured_files()},
            "lua": dict(self.lua),
            "seconds": {test: took for test, took in self.seconds.items() if test not in self.others},
            "modules": [name for name in sys.modules if not name.startswith(ours)],
        }


class Chosen:
    """Runs these tests only, in this order."""

    def __init__(self, tests: Iterable[str]) -> None:
        self.place = {test: place for place, test in enumerate(tests)}
        self._code = int(pytest.ExitCode.INTERNAL_ERROR)  # until the session has an end

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """See pytest."""
        self._code = int(exitstatus)

    def found(self) -> int:
        """Return how the session ended."""
        return self._code

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """See pytest."""
        items[:] = sorted((one for one in items if one.nodeid in self.place), key=lambda one: self.place[one.nodeid])


def forked(plugin: Callable[[], Any], arguments: Iterable[str], *, within: float, is_quiet: bool) -> Any:  # noqa: ANN401
    """Run pytest in a fork; return what the plugin `found`, or None when it took too long."""
    with tempfile.TemporaryFile() as answer:
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                made = plugin()
                if is_quiet:
                    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
                    os.dup2(1, 2)
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
                pytest.main([*PYTEST.split(), *arguments], plugins=[made])
                pickle.dump(made.found(), answer)
                answer.flush()
            os._exit(0)
        ends = time.monotonic() + within
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > ends:
                os.kill(child, signal.SIGKILL)
            time.sleep(0.01)
        answer.seek(0)
        with suppress(EOFError):
            return pickle.load(answer)  # noqa: S301 - our own
        return None


class Tests:
    """Knows which tests a change has to pass."""

    def __init__(self, known: Path | None) -> None:
        if known and known.exists():
            reached = pickle.loads(known.read_bytes())  # noqa: S301 - our own
        else:
            reached = forked(Reached, ALL, within=ALL_SECONDS, is_quiet=False)
            if reached is None:
                raise SystemExit("the tests did not run to their end")
            if known:
                known.write_bytes(pickle.dumps(reached))
        for module in reached["modules"]:
            with suppress(Exception):
                importlib.import_module(module)
        self.seconds: dict[str, float] = reached["seconds"]
        self.python, self.lua = reached["python"], reached["lua"]
        self.lines = {path: Path(path).read_text("utf-8").splitlines() for path in self.python}

    def verdict(self, change: Change) -> str:
        """Make the change and say what came of it. First those tests have a look that are nearest, then the others."""
        batches = [batch for batch in self.chosen(change) if batch]
        change.make()
        killed = any(self.notice(batch) for batch in batches)
        change.make(back=True)
        return "killed" if killed else "survived" if batches else "no test"

    def notice(self, tests: list[str]) -> bool:
        """Tell whether one of these tests fails, or they take too long."""
        files = dict.fromkeys(test.partition("::")[0] for test in tests)
        within = HANGS_SECONDS + sum(map(self.seconds.__getitem__, tests))
        code = forked(lambda: Chosen(tests), files, within=within, is_quiet=True)
        shutil.rmtree(".hypothesis", ignore_errors=True)  # what it found for one change is no hint for the next
        return code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}

    def chosen(self, change: Change) -> tuple[list[str], list[str]]:
        """Return tests that reach it, in the nearest files and in all others: of each in turn, the cheapest first."""
        path, by_file = Path(change.path), defaultdict[str, list[str]](list)
        for test in sorted(self.reaching(change) & set(self.seconds), key=self.seconds.__getitem__):
            by_file[test.partition("::")[0]].append(test)

        def far(file: str) -> tuple[bool, bool, float]:
            is_near = file.startswith(NEAR[path.parts[1]])
            return not (path.stem in file and is_near), not is_near, self.seconds[by_file[file][0]]

        def of(files: list[str]) -> list[str]:
            turns = {test: (far(file)[0], turn) for file in files for turn, test in enumerate(by_file[file])}
            found = sorted(turns, key=turns.__getitem__)[:MOST_TESTS]
            seconds = itertools.accumulate(map(self.seconds.__getitem__, found))
            return [test for test, until in zip(found, seconds, strict=True) if until <= MOST_SECONDS] or found[:1]

        files = sorted(by_file, key=far)
        return of(files[:NEAREST]), of(files[NEAREST:])

    def reaching(self, change: Change) -> set[str]:
        """Return all that reach it. What a module defines when it is imported is reached by who uses it."""
        if change.path.endswith(".lua"):
            above = (line.strip() for line in reversed(change.text.split("\n")[: change.line]))
            return next((self.lua[line] for line in above if line in self.lua), set())
        found = self.at(change.path, change.near)
        if found or not change.names:
            return found or self.at(change.path, range(1_000_000))
        uses = re.compile(rf"\b({'|'.join(change.names)})\b")
        for path, lines in self.lines.items():
            for number, line in enumerate(lines, 1):
                found |= self.at(path, range(number, number + 1)) if uses.search(line) else set()
        return found

    def at(self, path: str, lines: range) -> set[str]:
        """Return the tests that reach one of these lines."""
        return {test for line, tests in self.python.get(path, {}).items() if line in lines for test in tests if test}


def sampled(packages: Iterable[str], size: int, seed: int) -> list[tuple[str, Change]]:
    """Return so many changes, of each package in proportion to its lines."""
    lines = {
        one: sum(len(path.read_text("utf-8").splitlines()) for path in Path().glob(PACKAGES[one])) for one in packages
    }
    drawn = []
    for package, many in lines.items():
        every, share = changes_of(package), round(size * many / sum(lines.values()))
        drawn += [(package, one) for one in random.Random(f"{seed} {package}").sample(every, min(len(every), share))]  # noqa: S311
    return drawn


def again(written: Iterable[str]) -> Iterator[tuple[str, Change]]:
    """Yield the changes of an earlier run that can be made in this tree too. A file may have another name by now."""
    known = defaultdict(list)
    for package in PACKAGES:
        for change in changes_of(package):
            one = change.identity()
            known[one["line"], one["column"], one["new"]].append((one["path"], one["like_it"], package, change))
    for asked in map(json.loads, written):
        like = known[asked["line"], asked["column"], asked["new"]]
        if like:
            same = (asked["path"], asked["like_it"])
            yield min(like, key=lambda one: (one[:2] != same, one[0] != same[0]))[2:]
        else:
            print(f"gone      {asked['path']}  {asked['old']!r} -> {asked['new']!r}  {asked['line']}")


def move_into_copy(tree: Path) -> None:
    """Copy what Git would keep, work in the copy, and import from nowhere else."""
    names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, text=True)  # noqa: S607
    for name in filter(lambda name: (ROOT / name).is_file(), names.splitlines()):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(path for path in sys.path if path and Path(path).resolve() != ROOT)]
    sys.modules.pop("bench", None)


def main() -> None:
    """Make the changes, and print what the tests did not notice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=PACKAGES)
    parser.add_argument("--list", type=Path, default=os.devnull)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--map", type=lambda name: Path(name).resolve())
    given = parser.parse_args()
    packages = [given.only] if given.only else PACKAGES
    earlier = given.again.read_text("utf-8").splitlines() if given.again else []
    with (
        tempfile.TemporaryDirectory(prefix="textproof-mutants-") as tree,
        given.list.open("w", encoding="utf-8") as out,
    ):
        move_into_copy(Path(tree))
        drawn = list(again(earlier)) if given.again else sampled(packages, given.sample, given.seed)
        tests, came = Tests(given.map), defaultdict[str, Counter[str]](Counter)
        for package, change in drawn:
            what, one = tests.verdict(change), change.identity()
            came[package][what] += 1
            print(json.dumps(one | {"verdict": what}), file=out, flush=True)
            if what != "killed":
                print(
                    f"{what}  {change.path}:{change.line}  {one['old']!r} -> {one['new']!r}  {one['line']}", flush=True
                )
        print(f"{'package':12} {'changes':>8} {'killed':>8}")
        for package, counted in [*came.items(), ("all", sum(came.values(), Counter()))]:
            killed, many = counted["killed"], counted.total()
            print(f"{package:12} {many:8} {killed:8} {killed / max(many, 1):6.1%}")


if __name__ == "__main__":
    main()
