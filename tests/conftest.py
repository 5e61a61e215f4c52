"""What all tests share: under CI a skip is a failure, because everything that it could lack was installed."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# How long an example takes says how busy the machine is; speed is shown by the benchmarks.
settings.register_profile("sa_auth", deadline=None)
settings.load_profile("sa_auth")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Turns a skip into a failure where `CI` is set; elsewhere its reason says what is missing and how to get it.

    Java is not brought by `make system`: its one test may be skipped.
    """
    report = yield
    installed = "Spark needs Java" not in str(report.longrepr)
    if os.environ.get("CI") and report.skipped and installed and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped under CI: {report.longrepr}"
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test keeps its name from run to run, so that a failed one can be asked for again: no address stands in it."""
    named = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if named:
        raise pytest.UsageError(f"Name these cases by what they are; an address is another one in each run: {named}")
