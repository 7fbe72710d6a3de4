"""The error policy on one screen.

Two questions choose the class: can the person in front of the screen act on it, and would waiting help?

- `ActionNeeded`: a person can act; the message says what to do. The command line prints it alone and exits 1.
- `TryAgain`: waiting helps (a lock, a database that restarts). Airflow retries it.
- `Broken`: an invariant does not hold. Neither waiting nor the sender helps: it must be looked at. Exits 3.

Messages name the file, row, column and rule, and never a cell's value: they reach logs and screens.
"""

from __future__ import annotations


class UnpoolError(Exception):
    """Base of all errors raised on purpose. `fields` are for the log and must hold no person's data."""

    exit_code = 1

    def __init__(self, message: str, **fields: object) -> None:
        super().__init__(message)
        self.message = message
        self.fields = fields


class ActionNeeded(UnpoolError):
    exit_code = 1


class SettingsError(ActionNeeded):
    """A setting, a programme or a format file is wrong or missing."""


class ProgrammeError(SettingsError):
    """programme.toml breaks a rule of its own (an SMS of two parts, a pool size of 0, an unknown key)."""


class FormatError(SettingsError):
    """formats/*.toml breaks a rule of its own."""


class FileRefused(ActionNeeded):
    """A received file cannot be read as what it should be. `code` is an entry of texts/reasons, stored with the receipt."""

    def __init__(self, code: str, message: str, **fields: object) -> None:
        super().__init__(message, **fields)
        self.code = code


class FieldWrong(ActionNeeded):
    """A field of a form is missing or wrong. `field` is its name."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The field {field} is missing or wrong.", field=field)
        self.field = field


class QuotaSpent(ActionNeeded):
    """An account has sent all that it may in a day."""


class KeyMissing(ActionNeeded):
    """The master key, or a day's data key, is not to be had."""


class TryAgain(UnpoolError):
    exit_code = 2


class WarehouseBusy(TryAgain):
    """Another process holds the writer's lock."""


class LedgerUnavailable(TryAgain):
    """The ledger's database does not answer."""


class ProviderFails(TryAgain):
    """The OpenID provider does not answer, or not as one."""


class DiskFails(TryAgain):
    """The disk is full, or does not write what it is given. What was acknowledged stays; the rest is done by a later run."""


class Broken(UnpoolError):
    exit_code = 3


class CountsDoNotBalance(Broken):
    """received = accepted + duplicate + rejected + held does not hold for a file."""


class WarehouseDamaged(Broken):
    """The warehouse's file does not open. `unpool rebuild` makes it anew."""


class WarehouseBehind(Broken):
    """The warehouse lacks batches that the ledger says were done. `unpool rebuild` makes it anew."""
