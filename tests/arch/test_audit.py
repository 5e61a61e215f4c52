"""An audit that asked nobody is a failure."""

from __future__ import annotations

import json

from tests.arch.audit import judge

HOLE = {"id": "CVE-2018-18074", "fix_versions": ["2.20.0"]}
REACHED = json.dumps({"dependencies": [{"name": "requests", "version": "2.19.0", "vulns": [HOLE]}]})


def report(*dependencies: dict[str, object]) -> str:
    """A report of pip-audit."""
    return json.dumps({"dependencies": dependencies, "fixes": []})


def test_nothing_is_known():
    """All were looked up, nothing is known: nothing is said."""
    assert judge(report({"name": "urllib3", "version": "2.8.0", "vulns": []}), REACHED) == []


def test_a_hole():
    """What is known is told, with what mends it."""
    hole = {"id": "CVE-2026-97688", "fix_versions": ["2.8.0"]}
    assert judge(report({"name": "urllib3", "version": "2.7.0", "vulns": [hole]}), REACHED) == [
        "urllib3 2.7.0: CVE-2026-97688, mended in 2.8.0"
    ]


def test_what_was_left_out():
    """A dependency that could not be looked up is a failure, though pip-audit says that all is well."""
    said = judge(report({"name": "urllib3", "skip_reason": "Dependency not found"}), REACHED)
    assert said == ["urllib3 could not be audited: Dependency not found"]


def test_a_database_that_knows_nothing():
    """Who does not know what was published years ago was not asked."""
    clean = report({"name": "urllib3", "version": "2.8.0", "vulns": []})
    nothing = report({"name": "requests", "version": "2.19.0", "vulns": []})
    for of_known in (nothing, report({"name": "requests", "skip_reason": "Dependency not found"}), ""):
        (said,) = judge(clean, of_known)
        assert said.startswith("Could not be audited")


def test_no_report():
    """Without a report there is no audit."""
    assert judge("", REACHED) == ["Could not be audited: there is no report."]
