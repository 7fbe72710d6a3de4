"""`unpool` in a process of its own that can be killed: a fork of the tests, which have imported all that takes seconds."""

from __future__ import annotations

import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.console import Console

from pipeline import __main__ as command_line
from pipeline.settings import Settings


@dataclass
class Running:
    """A process and what tells of its end."""

    process: int
    ending: int
    code: int | None = None

    def wait(self, seconds: float) -> int | None:
        """Its exit code (minus the signal that killed it), None if it still runs after so many seconds."""
        if self.code is None and select.select([self.ending], [], [], seconds)[0]:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])
        return self.code

    def kill(self) -> None:
        """The process and all of its group, at once."""
        if self.code is None:
            os.killpg(self.process, signal.SIGKILL)
            self.wait(60)


@contextmanager
def command(variables: Mapping[str, str], *words: str, output: Path) -> Iterator[Running]:
    """`unpool` with `words`; both its outputs go to `output`. What still runs at the end is killed."""
    process = os.fork()
    if process == 0:
        _be_the_command(variables, words, output)
    # From both sides: whoever is first, it is the leader of its group before it can be killed.
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(process, process)
    running = Running(process, os.pidfd_open(process))
    try:
        yield running
    finally:
        running.kill()
        os.close(running.ending)


def environment(settings: Settings, now: datetime) -> dict[str, str]:
    """The settings as they are exported, with the time to work at."""
    account = settings.twilio
    assert account is not None
    return {
        "UNPOOL_HOME": str(settings.home),
        "UNPOOL_PROGRAMME": settings.programme,
        "UNPOOL_DATABASE_URL": str(settings.database_url),
        "UNPOOL_MASTER_KEY": str(settings.master_key),
        "UNPOOL_KEYS_MIRROR": str(settings.keys_mirror or ""),
        "UNPOOL_MEMORY_LIMIT": str(settings.memory_limit),
        "UNPOOL_BATCH_FILES": str(settings.batch_files),
        "UNPOOL_NOW": now.isoformat(),
        "UNPOOL_TWILIO_URL": str(account.api_base_url),
        "TWILIO_ACCOUNT_SID": account.account_sid,
        "TWILIO_AUTH_TOKEN": account.auth_token,
        "TWILIO_FROM": account.sender,
    }


def _be_the_command(variables: Mapping[str, str], words: tuple[str, ...], output: Path) -> None:
    code = 99
    try:
        os.setpgid(0, 0)
        for name in [name for name in os.environ if name.startswith(("UNPOOL_", "TWILIO_"))]:
            del os.environ[name]
        os.environ.update(variables)
        # Wide enough to fold nothing, whatever terminal the tests run in.
        command_line.out = Console(width=500)
        sys.argv = ["unpool", *words]
        with output.open("w") as sys.stdout:
            sys.stderr = sys.stdout
            try:
                command_line.main()
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
            except BaseException:
                traceback.print_exc(file=sys.stdout)
    finally:
        os._exit(code)
