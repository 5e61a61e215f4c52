"""The ID token of a GitLab job."""

from __future__ import annotations

import pytest

from sa_auth.assertions import GitLab
from sa_auth.errors import ConfigError

from .texts import NOW, token


def test_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job's token stands in the variable that its definition names."""
    monkeypatch.setenv("GITLAB_OIDC_TOKEN", token())
    monkeypatch.setenv("VAULT_ID_TOKEN", "other")
    assert GitLab().mint(NOW) == token()
    assert GitLab("VAULT_ID_TOKEN").mint(NOW) == "other"
    assert GitLab().fingerprint() != GitLab("VAULT_ID_TOKEN").fingerprint()


@pytest.mark.parametrize("value", [None, ""])
def test_outside_of_a_job(value: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not set, the hint shows the block of the job's definition that sets it."""
    monkeypatch.delenv("VAULT_ID_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("VAULT_ID_TOKEN", value)
    with pytest.raises(ConfigError) as caught:
        GitLab("VAULT_ID_TOKEN").mint(NOW)
    assert "id_tokens: {VAULT_ID_TOKEN: {aud: " in caught.value.hint
