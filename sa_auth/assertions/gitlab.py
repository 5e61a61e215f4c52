"""The ID token of a GitLab CI/CD job.

Rule: the job's definition names the variable; the token lives as long as the job may take. Stands under the grants.
Source: docs.gitlab.com/ci/secrets/id_token_authentication/
"""

from __future__ import annotations

from .from_environment import FromEnvironment


class GitLab(FromEnvironment):
    """Reads the ID token of this job.

    Args:
        name: The variable that `id_tokens:` of the job names.

    Example:
        >>> GitLab().describe()
        'an assertion from the environment variable GITLAB_OIDC_TOKEN'
    """

    __slots__ = ()

    def __init__(self, name: str = "GITLAB_OIDC_TOKEN") -> None:
        super().__init__(name)

    def advice(self) -> str:
        """What makes GitLab set the variable."""
        return f"In .gitlab-ci.yml the job asks for it: `id_tokens: {{{self.name}: {{aud: https://as.example}}}}`."
