"""`sa-auth doctor` against every documented refusal of a vendor and every fault of the fault table.

What it prints is a golden file: `golden/doctor/<vendor>-<row>.txt` the whole of it, `golden/doctor/faults/<row>.txt` its end.
With GOLDEN=write in the environment they are written anew; whoever does that reads each aloud: is the cause true, and the
remedy what one would do?
"""

from __future__ import annotations

import json
import os
import re
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import jwt
import pytest

from sa_auth.cli.app import run
from sa_auth.cli.steps import walk
from sa_auth.policy import Retry
from sa_auth.testing import Authority, new_key
from tests.faults import Trust
from tests.flow import test_fault_table as table
from tests.flow.doctor_rows import NOT_PLAYED, PRIVATE, ROWS, VENDORS, Row

ENOUGH = 0.5  # seconds for a handshake
GOLDEN = Path(__file__).parent / "golden" / "doctor"

# What differs from run to run, or from machine to machine.
_STABLE = (
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"\d{10} \(\d{4}-[^)]*\)", "SECONDS (TIME)"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, [^\n]*", "TIME"),
    (r"lives (\d+ minutes?|1 hour|\d\d seconds)( \d+ seconds?)?$", "lives LIFE"),
    (r"\b\d+ bytes", "N bytes"),
    (r"(?<=jti: )[\w-]+", "JTI"),
    (r"\b\d+ s (ahead|behind)", r"N s \1"),
    (r"2 hours 1 minute", "2 hours"),
    (r"\d{4}-\d\d-\d\d", "DATE"),
    (r"(?<=public half )[0-9a-f]{8}", "HASH"),
    (r"SHA256:[\w+/]{43}=", "SHA256:FINGERPRINT"),
    (r"(?<![\w-])(?=[\w-]*[A-Z])[\w-]{27}(?![\w-])|(?<![\w-])[\w-]{43}(?![\w-])", "THUMBPRINT"),
    # Which of them it is hangs on who is quicker.
    (r"\(\w*(Error|Disconnected|StatusLine|IncompleteRead|error)\)", "(WHY)"),
)


def stable(text: str, folder: Path) -> str:
    """The text without what differs."""
    text = text.replace(str(folder), "FOLDER")
    for pattern, name in _STABLE:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text


def golden(name: str, text: str) -> None:
    """Compares with the file, or writes it."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No terminal, no proxy, no long pause, and warnings as they were."""
    for name in (
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "SA_AUTH_KEY",
    ):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(walk, "_RETRY", Retry(attempts=2, shortest=0.01, longest=0.02))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)


def signed_in(row: Row, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the output of a sign-in that the row says how to spoil."""
    vendor = VENDORS[row.vendor]
    authority = Authority(dialect=row.vendor)
    with authority.serve() as server:
        vendor.know(authority, row)
        authority.skew = row.skew
        if row.body is not None:
            authority.answer(row.status, row.body)
        path = folder / vendor.path
        if vendor.write is None:
            path.write_text(PRIVATE)
            path.chmod(0o600)
        else:
            vendor.write(path, server.url)
        capsys.readouterr()
        code = run(["doctor", str(path), *row.arguments(server.url)])
    shown = capsys.readouterr()
    assert not shown.err
    return code, stable(shown.out, folder)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_refused(row: Row, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A documented refusal leads to its cause and its remedy."""
    code, out = signed_in(row, tmp_path, capsys)
    assert code == (3 if row.name in {"internal-failure", "temporarily-unavailable"} else 1), out
    assert row.says in out
    assert "\nCause: " in out
    assert "\nRemedy: " in out
    golden(row.id, out)


@pytest.mark.parametrize("vendor", VENDORS)
def test_signed_in(vendor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same sign-in, unspoilt, works: so what the rows show is their own fault."""
    name = "signed-here" if vendor == "snowflake" else "signed-in"
    code, out = signed_in(Row(vendor, name, "", key="own" if vendor != "snowflake" else ""), tmp_path, capsys)
    assert code == 0, out
    golden(f"{vendor}-{name}", out)


@pytest.mark.parametrize("vendor", ["google", "docusign"])
def test_a_wrong_clock_that_did_no_harm(vendor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A clock that is off by less than an hour is mended by the library, and told."""
    code, out = signed_in(Row(vendor, "clock", "", skew=-600.0), tmp_path, capsys)
    assert code == 0, out
    assert "Warning: This machine's clock is 10 minutes ahead of the server's." in out


def test_without_a_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where a token service hands the assertion over, there is no key to look at, and the rest is gone through."""
    now, (private, _) = int(time.time()), new_key("p256")
    claims = {"iss": "https://cluster.example", "sub": "pod", "aud": "pool", "iat": now, "exp": now + 600}
    (tmp_path / "token").write_text(jwt.encode(claims, private, algorithm="ES256"))
    (tmp_path / "pool.json").write_text(json.dumps({
        "type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(tmp_path / "token")},
    }))  # fmt: skip
    (tmp_path / "pool.json").chmod(0o600)
    assert run(["doctor", str(tmp_path / "pool.json"), "--offline"]) == 1
    assert "Remedy: Say --provider google_workload_identity if you trust" in capsys.readouterr().out
    with Authority(dialect="google_workload_identity").serve() as server:
        given = ["--provider", "google_workload_identity", "--token-endpoint", f"{server.url}/v1/token", "--scope", "a"]
        assert run(["doctor", str(tmp_path / "pool.json"), *given]) == 1
    out = capsys.readouterr().out
    assert "as subject_token, ES256, lives 10 minutes" in out
    assert "Cause: The provider expects tokens of another issuer" in out


def test_no_metadata(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where the server's metadata cannot be had, no assertion was sent, and none is told of."""
    authority = Authority()
    (tmp_path / "key.pem").write_text(PRIVATE)
    (tmp_path / "key.pem").chmod(0o600)
    with authority.serve() as server:
        given = ["--server", f"{server.url}/nowhere", "--grant", "client_credentials", "--issuer", "app"]
        assert run(["doctor", str(tmp_path / "key.pem"), *given]) == 1
    out = capsys.readouterr().out
    assert "- assertion   not reached" in out
    assert "metadata" in out.partition("Cause: ")[2]


def test_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The output in docs/doctor.md is that of the golden file."""
    page = (Path(__file__).parents[2] / "docs" / "doctor.md").read_text(encoding="utf-8")
    shown = page.partition("```text\n")[2].partition("```")[0]
    assert stable(shown, tmp_path) == (GOLDEN / "google-invalid-jwt-signature.txt").read_text(encoding="utf-8")


def test_what_is_not_played() -> None:
    """Each has its reason."""
    assert all(NOT_PLAYED.values())


# --- the fault table


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    """Certificates, made once."""
    return Trust(tmp_path_factory.mktemp("trust"))


@pytest.fixture
def scene(trust: Trust, monkeypatch: pytest.MonkeyPatch) -> Iterator[table.Scene]:
    """Servers of this test alone."""
    scene = table.Scene(trust, monkeypatch)
    yield scene
    scene.close()


@pytest.fixture
def keyfile(tmp_path: Path) -> Path:
    """A key that no server looks at."""
    path = tmp_path / "key.pem"
    path.write_text(table.PRIVATE)
    path.chmod(0o600)
    return path


@pytest.fixture
def faulty(
    scene: table.Scene, keyfile: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[table.Row], tuple[int, str]]:
    """Runs a row of the fault table."""

    def act(row: table.Row) -> tuple[int, str]:
        reach = row.arm(scene)
        reach.begin()
        given = ["--issuer", "robot@example.test", "--scope", "read", "--token-endpoint", reach.endpoint,
                 "--ca", str(scene.trust.bundle), "--timeout", str(max(row.seconds, ENOUGH))]  # fmt: skip
        proxies = reach.transport._proxies or {}
        given += ["--proxy", proxies["https"]] if "https" in proxies else []
        capsys.readouterr()
        code = run(["doctor", str(keyfile), *given])
        reach.end()
        return code, capsys.readouterr().out

    return act


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.id)
def test_fault(row: table.Row, faulty: Callable[[table.Row], tuple[int, str]], tmp_path: Path, trust: Trust) -> None:
    """A fault of the server, the network or the name service leads to its cause and its remedy."""
    code, out = faulty(row)
    told, _, end = out.rpartition("\n\n")
    failed = next(line for line in told.splitlines() if line.startswith("\u2717"))
    name = failed.split()[1]
    assert code in {1, 3}
    golden(f"faults/{row.id}", stable(f"{name}, exit code {code}\n{end}", tmp_path).replace(str(trust.bundle), "CA"))
