"""One client in a process of its own: `python -m benchmarks.peers`, orders in and answers out, a line of JSON each.

The first line says who: {"peer", "token_endpoint", "private_key_pem", "timeout", "most_memory" (bytes), "names" (true:
every name under .test is this machine)}. The orders: {"do": "token", "limit": seconds}; {"do": "again", "limit": ...,
"within": seconds} asks until there is a token; {"do": "lose_name", "name": ...} makes the look-up of that name hang, and
{"do": "find_name"} ends that, for good.
When it is ready it says an empty line. It ends when its input does, whatever still hangs.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time

from . import Client, Refused, load


def main() -> None:
    """Does what it is told."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    told = json.loads(sys.stdin.readline())
    resource.setrlimit(resource.RLIMIT_AS, (told["most_memory"],) * 2)
    peer = load(told["peer"])
    client = peer.open(told["token_endpoint"], told["private_key_pem"], timeout=told["timeout"])
    names = own_names() if told["names"] else None
    print(file=answers, flush=True)  # ready
    for line in sys.stdin:
        order, answer = json.loads(line), {}
        if order["do"] == "token":
            answer = ask(client, peer.own, order["limit"])
        elif order["do"] == "again":
            answer = ask_again(client, peer.own, order["limit"], order["within"])
        elif order["do"] == "lose_name":
            names.stuck.add(order["name"])
        else:
            names.free()
        print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)


def ask(client: Client, own: str, limit: float) -> dict:
    """Asks for a token on a thread, so that a hang is an answer too."""
    before, answer = peak(), {"outcome": "hang"}
    began = time.monotonic()
    thread = threading.Thread(target=lambda: answer.update(_asked(client, own)), daemon=True)
    thread.start()
    thread.join(limit)
    return {**answer, "seconds": time.monotonic() - began, "mb": (peak() - before) / 1e6}


def _asked(client: Client, own: str) -> dict:
    try:
        token = client.token()
    except BaseException as error:
        kind = type(error)
        if isinstance(error, Refused):
            return {"outcome": "own", "error": str(error)}
        mine = kind.__module__ == own or kind.__module__.startswith(f"{own}.")
        return {"outcome": "own" if mine else "foreign", "error": kind.__name__}
    until = client.until()
    return {"outcome": "token", "token": token, "kept": None if until is None else until - time.time()}


def ask_again(client: Client, own: str, limit: float, within: float) -> dict:
    """Asks until there is a token; the seconds are those of all calls."""
    began = time.monotonic()
    while True:
        answer = ask(client, own, limit)
        answer["seconds"] = time.monotonic() - began
        if answer["outcome"] in {"token", "hang"} or answer["seconds"] > within:
            return answer
        time.sleep(0.1)


def peak() -> int:
    """The most bytes that this process ever held."""
    try:
        # Linux hands ru_maxrss on to whoever is started, so a large parent would hide what a small child takes.
        with open("/proc/self/status", encoding="ascii") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) * 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def own_names():
    """A name service that can be told to hang; loaded where it is wanted, as it takes the test server along."""
    import socket

    from tests.faults import Names

    names = Names()
    socket.getaddrinfo = names.look_up
    return names


if __name__ == "__main__":
    main()
