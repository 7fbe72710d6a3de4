"""Calls of the system that fail: strace lets the Nth of them answer with an error, in a fork that does some work.

strace counts the calls of one name and thread: "the third" is the third of each thread. What the fork imported already is not counted.
"""

from __future__ import annotations

import ctypes
import os
import pickle
import shutil
import signal
import socket
import subprocess
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.errors import UnpoolError

LIMIT_S = 60.0
_PR_SET_PTRACER = 0x59616D61
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: `make test` installs it where it may")


@dataclass(frozen=True)
class Fault:
    """`calls` answer `error`: strace's words. `lasts`: from the Nth on, else the Nth alone."""

    calls: str
    error: str
    lasts: bool

    def at(self, nth: int) -> list[str]:
        when = f"{nth}+" if self.lasts else str(nth)
        return ["-e", f"trace={self.calls}", "-e", f"inject={self.calls}:error={self.error}:when={when}"]


@dataclass(frozen=True)
class Injected:
    """`faults`: how many calls failed. `raised`: the class of what the work raised, '' where it ended well; `words`: what it said."""

    faults: int
    raised: str
    words: str


def injected(work: Callable[[], object], fault: Fault, nth: int, folder: Path) -> Injected:
    """Do `work` in a fork while the `nth` call fails. Skips the test where strace may not trace."""
    log = folder / f"{nth}.strace"
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _obey(work, theirs)
    theirs.close()
    ours.settimeout(LIMIT_S)
    command = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(log), *fault.at(nth), "-p", str(child)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as tracer, ours:
        try:
            _wait_until_traced(child, tracer)
            ours.sendall(b"go")
            told = b"".join(iter(lambda: ours.recv(1 << 16), b""))
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        tracer.communicate(timeout=LIMIT_S)
    raised, words = pickle.loads(told) if told else ("nothing was told", "the process died")
    return Injected(log.read_text(errors="replace").count("(INJECTED)"), raised, words)


def _obey(work: Callable[[], object], line: socket.socket) -> None:
    """The fork: wait for the word, work, tell. By a socket, since strace is at everything that is written."""
    try:
        # Some systems let a process be traced by its parents only, if by anybody.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1), 0, 0, 0)
        line.recv(2)
        told = ("", "")
        try:
            work()
        except UnpoolError as error:
            told = (type(error).__name__, error.message)
        except BaseException as error:
            told = (type(error).__name__, traceback.format_exc())
        line.sendall(pickle.dumps(told))
    finally:
        os._exit(0)


def _wait_until_traced(child: int, tracer: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + LIMIT_S
    while "TracerPid:\t0\n" in Path(f"/proc/{child}/status").read_text():
        if tracer.poll() is not None:
            pytest.skip(f"strace may not trace here: {(tracer.stderr.read() if tracer.stderr else '').strip()}")
        assert time.monotonic() < limit, "strace does not attach"
        time.sleep(0.002)
