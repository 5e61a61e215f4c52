"""`sa-auth providers`: the table, and one provider's page."""

from __future__ import annotations

import pytest

from sa_auth.providers import PROVIDERS


def test_the_table(command):
    """Each provider stands in a line with what it is."""
    done = command("providers")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(PROVIDERS)
    assert all(PROVIDERS[line.split()[0]].page.title in line for line in lines)


def test_for_programs(command):
    """With --json all that is known of all of them is one object."""
    told = command("providers", "--json").json["providers"]
    assert {one["name"] for one in told} == set(PROVIDERS)
    assert all({"console", "file", "example", "limits", "sources", "upload"} <= one.keys() for one in told)


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_page(command, name):
    """A provider's page has console, file, example, limits and sources, and no backtick."""
    done = command("providers", name)
    page = PROVIDERS[name].page
    assert (done.code, done.err) == (0, "")
    assert page.title in done.out
    assert page.example in done.out
    assert all(source in done.out for source in page.sources)
    for heading, text in (("From the console: ", page.console), ("Key file: ", page.file), ("Limits: ", page.limits)):
        assert (heading in done.out) == bool(text)
    assert "`" not in done.out
    assert command("providers", name, "--json").json["console"] == page.console


def test_unknown(command):
    """A name that there is not is told those there are."""
    done = command("providers", "gogle")
    assert done.code == 2
    assert "google" in done.err
