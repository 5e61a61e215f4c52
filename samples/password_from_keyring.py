"""Opens an encrypted key file by a password of the desktop's keyring, or of an environment variable.

    python -m keyring set sa_auth robot.pem     # once: asks for the password
    python samples/password_from_keyring.py robot.pem robot https://login.example/token
    KEY_PASSWORD=... python samples/password_from_keyring.py robot.pem robot https://login.example/token --from-environment

Needs `pip install keyring`, unless the variable is used. The functions are asked when the file is opened, also when it was
replaced; they travel to worker processes by name, and the password does not.
"""

import argparse
import os
import sys
import time

from sa_auth import SaAuthError, ServiceAccountCredentials


def from_keyring() -> str | None:
    """Gives the password that is kept; None, and the error then says that one is missing."""
    import keyring

    return keyring.get_password("sa_auth", "robot.pem")


def from_environment() -> str | None:
    """Gives the password of a variable, which is how containers are told one."""
    return os.environ.get("KEY_PASSWORD")


def main() -> None:
    """Shows that there is a token."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("key_file")
    parser.add_argument("issuer")
    parser.add_argument("token_endpoint")
    parser.add_argument("--from-environment", action="store_true")
    options = parser.parse_args()
    creds = ServiceAccountCredentials(
        options.key_file,
        issuer=options.issuer,
        token_endpoint=options.token_endpoint,
        password=from_environment if options.from_environment else from_keyring,
    )
    print(f"signed in for {creds.token().remaining(time.time()):.0f} s")


if __name__ == "__main__":
    try:
        main()
    except SaAuthError as error:
        sys.exit(f"Not signed in. {error}")
