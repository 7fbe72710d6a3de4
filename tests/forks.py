"""Forking beside threads that import: the tests fork from processes in which servers run as threads.

`os.fork` takes logging's lock, which asks for it by `os.register_at_fork`, and then the lock of the import system. A thread that
looks for a module holds the latter, and where an object dies just then whose weak reference is logging's it waits for the former:
neither ends, and no signal reaches a process that stands there. A whole run stood so, and most likely CI until its time was over.
"""

from __future__ import annotations

import _imp
import logging  # noqa: F401 - before us: who was registered last is called first, and it registers when it is imported
import os


def import_before_logging() -> None:
    """From now on a fork of this process takes the lock of the import system first, as an importing thread does. To be said once."""
    os.register_at_fork(before=_imp.acquire_lock, after_in_parent=_imp.release_lock, after_in_child=_imp.release_lock)
