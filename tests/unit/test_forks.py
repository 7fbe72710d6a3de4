"""A fork ends although a thread is importing, and wants to say something (tests/forks.py)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A thread in the middle of looking for a module; the fork begins, and takes logging's lock or waits for the import's; then the thread logs.
PROGRAM = """
import _imp, logging, os, threading, time
from tests.forks import import_before_logging

importing, forking = threading.Event(), threading.Event()

def is_taken():
    if free := logging._lock.acquire(blocking=False):
        logging._lock.release()
    return not free

def thread():
    _imp.acquire_lock()
    importing.set()
    forking.wait()
    end = time.monotonic() + 1
    while time.monotonic() < end and not is_taken():
        pass
    with logging._lock:
        _imp.release_lock()

import_before_logging()
os.register_at_fork(before=forking.set)
threading.Thread(target=thread, daemon=True).start()
importing.wait()
if (child := os.fork()) == 0:
    import colorsys
    logging.getLogger("a child may import and log")
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_beside_a_thread_that_imports_and_logs_ends() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, timeout=60, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
