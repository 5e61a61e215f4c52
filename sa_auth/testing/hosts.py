"""What a server's address is called by those who want to reach it.

Rule: pure; no name is looked up.
"""

from __future__ import annotations

from ipaddress import ip_address

_NEAR = frozenset({"127.0.0.1", "localhost", "::1"})


def reached_by(host: str) -> str:
    """The host as a URL has it; one that stands for all addresses is reached from this machine.

    Example:
        >>> reached_by("::"), reached_by("10.0.0.1")
        ('[::1]', '10.0.0.1')
    """
    near = host
    if _is_everywhere(host):
        near = "::1" if ":" in host else "127.0.0.1"
    return f"[{near}]" if ":" in near else near


def names_of(host: str) -> frozenset[str] | None:
    """The names that a Host field may have; None: any, as the host stands for all addresses."""
    return None if _is_everywhere(host) else _NEAR | {host}


def _is_everywhere(host: str) -> bool:
    try:
        return not host or ip_address(host).is_unspecified
    except ValueError:
        return False
