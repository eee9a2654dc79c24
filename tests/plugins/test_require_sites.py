"""The plugin that finds rules without a test, run by pytest on small projects."""

from __future__ import annotations

import pytest

from refexec.errors import RuleViolation, require
from tests.imports import ROOT
from tests.plugins.require_sites import sites_below, sites_in, watch

RULES = """
from refexec import errors
from refexec.errors import RuleViolation, require

def positive(x):
    require(x > 0, "x > 0", x=x); require(x < 100, "x < 100", x=x)
    return x

def even(x):
    errors.require(
        x % 2 == 0,
        "x is even",
        x=x,
    )

def never(x):
    if x == 7:
        raise RuleViolation("x != 7")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{pytester.path}")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    pytester.mkdir("rules")
    pytester.path.joinpath("rules", "numbers.py").write_text(RULES, "utf-8")
    return pytester


def run(project: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    body = "\nimport pytest\nfrom refexec.errors import RuleViolation\nfrom rules.numbers import *\n" + tests
    project.makepyfile(test_rules=body)
    return project.runpytest_subprocess(
        "-p", "tests.plugins.require_sites", "-p", "no:cacheprovider", f"--require-sites-below={project.path / 'rules'}", *options
    )


BREAKS_TWO = """
def test_positive():
    with pytest.raises(RuleViolation):
        positive(0)

def test_even():
    with pytest.raises(RuleViolation):
        even(3)
"""
BREAKS_ALL = (
    BREAKS_TWO
    + """
def test_below_100():
    with pytest.raises(RuleViolation):
        positive(100)

def test_seven():
    with pytest.raises(RuleViolation):
        never(7)
"""
)


def test_sites_that_never_raised_are_named_with_file_line_and_rule(project: pytest.Pytester) -> None:
    result = run(project, BREAKS_TWO, "--require-sites=list")
    result.stdout.fnmatch_lines(["rules/numbers.py:6: 'x < 100'", "rules/numbers.py:18: 'x != 7'", "require sites never raised: 2 of 4"])
    result.stdout.no_fnmatch_line("*'x > 0'*")
    assert result.ret == 0


def test_two_sites_on_one_line_are_told_apart(project: pytest.Pytester) -> None:
    result = run(project, BREAKS_TWO.replace("positive(0)", "positive(100)"), "--require-sites=list")
    result.stdout.fnmatch_lines(["rules/numbers.py:6: 'x > 0'"])
    result.stdout.no_fnmatch_line("*'x < 100'*")


def test_by_default_only_the_count_is_printed(project: pytest.Pytester) -> None:
    result = run(project, BREAKS_TWO)
    result.stdout.fnmatch_lines(["require sites never raised: 2 of 4"])
    result.stdout.no_fnmatch_line("*numbers.py*")


def test_off_prints_nothing(project: pytest.Pytester) -> None:
    run(project, BREAKS_TWO, "--require-sites=off").stdout.no_fnmatch_line("*require sites*")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "two workers"])
@pytest.mark.parametrize(("tests", "status"), [(BREAKS_TWO, 1), (BREAKS_ALL, 0)], ids=["two left", "none left"])
def test_fail_sets_the_exit_status_when_a_site_is_left(project: pytest.Pytester, tests: str, status: int, workers: tuple[str, ...]) -> None:
    result = run(project, tests, "--require-sites=fail", *workers)
    result.stdout.fnmatch_lines([f"require sites never raised: {2 if status else 0} of 4"])
    result.assert_outcomes(passed=2 if status else 4)
    assert result.ret == status


def test_failing_tests_keep_their_own_exit_status(project: pytest.Pytester) -> None:
    assert run(project, "def test_wrong():\n    assert False", "--require-sites=fail").ret == 1
    assert run(project, "", "--require-sites=fail").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_rule_that_holds_is_not_counted_as_broken(project: pytest.Pytester) -> None:
    result = run(project, "def test_fine():\n    assert positive(5) == 5\n    even(4)\n    never(1)")
    result.stdout.fnmatch_lines(["require sites never raised: 4 of 4"])


def test_sites_are_found_by_each_spelling() -> None:
    source = "require(a, 'A')\nerrors.require(b, f'B {c}')\nraise errors.RuleViolation('C')\nrequires(d, 'D')\nx.required('E')\n"
    assert sites_in(source, "f") == {("f", 1, 0): "'A'", ("f", 2, 0): "f'B {c}'", ("f", 3, 6): "'C'"}


def test_the_module_that_defines_require_has_no_site() -> None:
    assert not any(file.endswith("/refexec/errors.py") for file, _, _ in sites_below(ROOT / "refexec"))


def test_watching_ends_and_leaves_the_error_as_it_was() -> None:
    before = RuleViolation.__init__
    seen: set[tuple[str, int, int]] = set()
    end = watch(seen)
    with pytest.raises(RuleViolation, match=r"1 == 2 \(x=3\)"):
        require(False, "1 == 2", x=3)
    end()
    assert RuleViolation.__init__ is before
    with pytest.raises(RuleViolation):
        require(False, "1 == 2", x=3)
    assert len(seen) == 1
