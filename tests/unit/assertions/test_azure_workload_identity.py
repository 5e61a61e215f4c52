"""The token that Azure Workload Identity projects into a pod."""

from __future__ import annotations

from pathlib import Path

import pytest

from sa_auth.assertions import AzureWorkloadIdentity
from sa_auth.errors import ConfigError

from .texts import NOW, token


def test_variable_and_file_are_read_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The webhook's variable names the file, and both are read when an assertion is asked for."""
    source = AzureWorkloadIdentity()
    for name in ("one", "two"):
        (tmp_path / name).write_text(token(sub=name))
        monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / name))
        assert source.mint(NOW) == token(sub=name)
    assert source.fingerprint() == ("azure_workload_identity",)


def test_outside_of_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the variable or the file is missing, the hint says what makes the webhook set it."""
    monkeypatch.delenv("AZURE_FEDERATED_TOKEN_FILE", raising=False)
    with pytest.raises(ConfigError, match="AZURE_FEDERATED_TOKEN_FILE") as caught:
        AzureWorkloadIdentity().mint(NOW)
    assert (caught.value.code, caught.value.retryable) == ("assertion_missing", False)
    assert "azure.workload.identity/use" in caught.value.hint
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(ConfigError) as caught:
        AzureWorkloadIdentity().mint(NOW)
    assert (caught.value.code, caught.value.retryable) == ("assertion_missing", True)


@pytest.mark.parametrize("value", ["", token()])
def test_a_variable_that_names_no_file(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is empty, or holds the token itself, is refused and not repeated."""
    monkeypatch.setenv("AZURE_FEDERATED_TOKEN_FILE", value)
    with pytest.raises(ConfigError) as caught:
        AzureWorkloadIdentity().mint(NOW)
    assert caught.value.hint
    assert token()[:30] not in str(caught.value)
