"""What a fork waits for."""

from __future__ import annotations

import subprocess
import sys


def run(script: str) -> tuple[str, str]:
    """What a script says, and complains of."""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    return done.stdout.strip(), done.stderr


def test_a_guarded_lock_is_open_in_the_child() -> None:
    """A fork beside a thread that holds the lock waits for it, and parent and child find it open, each time anew."""
    script = """
import os, threading, time
from sa_auth._forks import guarded
lock, taken = guarded(threading.Lock()), threading.Event()
def hold():
    with lock:
        taken.set()
        time.sleep(0.2)
for _ in range(2):
    taken.clear()
    thread = threading.Thread(target=hold)
    thread.start()
    taken.wait(10)
    pid = os.fork()
    if pid == 0:
        os._exit(0 if lock.acquire(timeout=5) else 1)
    print(os.waitpid(pid, 0)[1], lock.acquire(blocking=False))
    lock.release()
"""
    assert run(script) == ("0 True\n0 True", "")


def test_asked_for_while_a_fork_has_begun() -> None:
    """What is asked for by a module whose import a fork waits for has no part in that fork, and one in the next."""
    script = """
import os, threading
from sa_auth._forks import around
said = []
def imported():
    if not said:
        around(lambda: said.append("before"), lambda: said.append("parent"), lambda: said.append("child"))
os.register_at_fork(before=imported)
for _ in range(2):
    said.append("fork")
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
print(*said)
"""
    script = script.replace("if not said:", "if said == ['fork']:")
    assert run(script) == ("fork fork before parent", "")
