"""The threads that renewals run on.

Rule: a renewal never runs on a caller's stack, at most sixteen run at once, and what somebody waits for goes first.
A thread that is stuck past its limit (in a name look-up, say) is let go, one per host, so that its seat is free.
No process is forked while one of them is going.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict, deque
from typing import Protocol

from ._clock import SYSTEM, Deadline

GRACE = 0.5  # seconds past its limit after which a job counts as stuck
_GOING = 0.2  # seconds that a thread whose work is over may take to be gone, before a fork goes on without


class Job(Protocol):
    """What a thread is wanted for.

    Attributes:
        host: Whom it talks to.
        limit: Seconds it may take.
    """

    @property
    def host(self) -> str: ...  # noqa: D102 - said above

    @property
    def limit(self) -> float: ...  # noqa: D102

    def work(self) -> None:
        """Does the job; raises nothing."""
        ...

    def overdue(self, *, abandoned: bool) -> None:
        """Is told that the limit is long past; `abandoned`: the thread was let go, and another job may begin."""
        ...


class Crew:
    """Runs jobs on daemon threads.

    Args:
        size: Threads at once, at most.
    """

    def __init__(self, size: int = 16) -> None:
        self._size = size
        self.reset()

    def reset(self) -> None:
        """Starts over with nobody running: what a forked child has."""
        self._lock = threading.Lock()
        self._running: dict[Job, bool] = {}  # whether its thread has really begun
        self._wanted: OrderedDict[Job, None] = OrderedDict()
        self._others: OrderedDict[Job, None] = OrderedDict()
        self._stuck: dict[str, Job] = {}
        self._going: deque[threading.Thread] = deque(maxlen=4 * self._size)  # whose work is over

    def hold(self) -> None:
        """Has no thread end until `release` or `reset`, and waits for those that are about to: what a fork begins with.

        A thread that goes has OpenSSL tidy up after it, under a lock that a child forked meanwhile would find shut for ever.
        """
        self._lock.acquire()
        deadline = Deadline(SYSTEM, _GOING)
        for thread in self._going:
            thread.join(max(deadline.left(), 0.0))
            # Until Python 3.13 that may be a moment early: OpenSSL's turn is after Python's.
            while _is_there(thread) and deadline.left() > 0:
                pass
        self._going.clear()

    def release(self) -> None:
        """Ends what `hold` began."""
        self._lock.release()

    def launch(self, job: Job, *, wanted: bool) -> bool:
        """Starts a job, or queues it where all threads are busy; one that is known already may move ahead.

        Args:
            job: What to do.
            wanted: Whether somebody waits for it.

        Returns:
            False: the machine gives no thread; nothing was started.
        """
        try:
            with self._lock:
                if self._known(job, wanted=wanted):
                    return True
                if len(self._running) >= self._size:
                    (self._wanted if wanted else self._others)[job] = None
                    return True
                self._running[job] = False
            started = self._spawn(job)
        except BaseException:
            # Ctrl-C can strike between any two steps; whoever joins the job next launches it again.
            self._drop(job)
            raise
        if not started:
            self._drop(job)
        return started

    def _known(self, job: Job, *, wanted: bool) -> bool:
        if wanted and job in self._others:
            del self._others[job]
            self._wanted[job] = None
        return job in self._running or job in self._wanted or job in self._others or self._stuck.get(job.host) is job

    def _drop(self, job: Job) -> None:
        with self._lock:
            if self._running.get(job) is False:
                del self._running[job]

    def _spawn(self, job: Job) -> bool:
        try:
            threading.Thread(target=self._serve, args=(job,), name="sa_auth", daemon=True).start()
        except RuntimeError:  # no thread to be had, or the interpreter is shutting down
            return False
        return True

    def _serve(self, job: Job | None) -> None:
        with self._lock:
            if job is None or self._running.get(job) is not False:
                return  # launched a second time after an interrupted first
            self._running[job] = True
        while job is not None:
            watch = self._watch(job)
            job.work()
            if watch is not None:
                watch.cancel()
            job = self._next(job)

    def _watch(self, job: Job) -> threading.Timer | None:
        watch = threading.Timer(job.limit + GRACE, self._late, (job,))
        watch.daemon = True
        try:
            watch.start()
        except RuntimeError:
            return None  # callers still have deadlines of their own
        return watch

    def _next(self, done: Job) -> Job | None:
        with self._lock:
            if self._stuck.get(done.host) is done:
                del self._stuck[done.host]
                following = None  # its seat was given away while it was stuck
            else:
                self._running.pop(done, None)
                following = self._take(begun=True)
            if following is None:
                self._going.append(threading.current_thread())
            return following

    def _take(self, *, begun: bool) -> Job | None:
        queue = self._wanted or self._others
        if not queue:
            return None
        job, _ = queue.popitem(last=False)
        self._running[job] = begun
        return job

    def _late(self, job: Job) -> None:
        with self._lock:
            if job not in self._running:
                return
            abandoned = job.host not in self._stuck
            following = None
            if abandoned:
                self._stuck[job.host] = job
                del self._running[job]
                following = self._take(begun=False)
        job.overdue(abandoned=abandoned)
        if following is not None and not self._spawn(following):
            self._serve(following)  # on this watch's thread: better late than never


def _is_there(thread: threading.Thread) -> bool:
    """Whether the system still has it; False where it does not tell."""
    return os.path.exists(f"/proc/self/task/{thread.native_id}")
