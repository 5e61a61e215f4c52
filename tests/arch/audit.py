"""Asks what is known of each run-time dependency, and lists them all as build/sbom.cdx.json.

Rule: what could not be asked about is a failure, as is a database that knows nothing of a release whose holes were
published years ago. `AUDIT_OFFLINE=1` leaves the question out, and says so. `python -m tests.arch.audit`, or `make audit`.
Source: pip-audit, whose exit code is 0 where it looked nothing up; CycloneDX 1.6.
"""

from __future__ import annotations

import configparser
import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from tests.arch.floors import ROOT, floors

BUILD = ROOT / "build"
KNOWN = "requests==2.19.0"  # CVE-2018-18074 and later ones: a database that was reached names them


def main() -> int:
    """Installs the newest of each dependency apart, lists them, and asks."""
    site = _installed(BUILD / "audited")
    found = sorted({f"{each.name}=={each.version}" for each in distributions(path=[str(site)])}, key=str.lower)
    _list(BUILD / "audited" / "bin" / "python", BUILD / "sbom.cdx.json")
    print(f"{len(found)} dependencies are listed in build/sbom.cdx.json.")
    if os.environ.get("AUDIT_OFFLINE"):
        print("They were NOT audited: AUDIT_OFFLINE is set.")
        return 0
    wrong = judge(_asked(found), _asked([KNOWN]))
    print("\n".join(wrong) or "Nothing is known against any of them.")
    if any("could not be audited" in line.lower() for line in wrong):
        print(
            "It takes a package index that tells what is known of its packages. AUDIT_OFFLINE=1 leaves the question out."
        )
    return 1 if wrong else 0


def judge(said: str, of_known: str) -> list[str]:
    """What stands against the dependencies.

    Args:
        said: pip-audit's report of them, as JSON.
        of_known: Its report of the release with known holes.

    Returns:
        One sentence each; empty where all were looked up and nothing is known.
    """
    known = _dependencies(of_known)
    if not any(each.get("vulns") for each in known):
        return [f"Could not be audited: whoever answered knows nothing against {KNOWN}, so it was no database."]
    each_said = _dependencies(said)
    if not each_said:
        return ["Could not be audited: there is no report."]
    wrong = []
    for each in each_said:
        if "vulns" not in each:
            wrong.append(f"{each.get('name')} could not be audited: {each.get('skip_reason')}")
        for hole in each.get("vulns") or ():
            mended = ", ".join(hole.get("fix_versions", ())) or "no release"
            wrong.append(f"{each['name']} {each['version']}: {hole['id']}, mended in {mended}")
    return wrong


def _dependencies(report: str) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return []
    return found


def _asked(names: list[str]) -> str:
    wanted = BUILD / "audited.txt"
    wanted.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    command = [
        "pip_audit",
        "--requirement",
        str(wanted),
        "--no-deps",
        "--disable-pip",
        "--format=json",
        "--progress-spinner=off",
    ]
    return subprocess.run(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
    ).stdout


def _installed(place: Path) -> Path:
    shutil.rmtree(place, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    _run("venv", "--without-pip", str(place))
    wanted = [f"{name}>={floor}" for name, floor in floors().items()]
    _run("pip", "--disable-pip-version-check", "-qq", "--python", str(place / "bin" / "python"), "install", *wanted)
    return next(place.glob("lib/python*/site-packages"))


def _list(python: Path, to: Path) -> None:
    _run(
        "cyclonedx_py",
        "environment",
        "--output-reproducible",
        "--spec-version=1.6",
        "--output-format=JSON",
        f"--output-file={to}",
        str(python),
    )
    read = configparser.ConfigParser()
    read.read(ROOT / "setup.cfg", encoding="utf-8")
    listed = json.loads(to.read_text(encoding="utf-8"))
    ours = {"type": "library", "bom-ref": "sa_auth", "name": "sa_auth", "version": read["metadata"]["version"]}
    refs = {each["name"].lower(): each["bom-ref"] for each in listed["components"]}
    listed["metadata"]["component"] = ours
    listed["dependencies"].append({"ref": "sa_auth", "dependsOn": sorted(refs[name.lower()] for name in floors())})
    to.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")


def _run(*command: str) -> None:
    # Not in this folder, nor with it on the path: the list would find the project's own egg-info.
    elsewhere = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([sys.executable, "-m", *command], check=True, cwd=BUILD, env=elsewhere)


if __name__ == "__main__":
    sys.exit(main())
