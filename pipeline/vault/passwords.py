"""Passwords as Argon2id hashes. A wrong password, and the password of nobody, cost the same work."""

from __future__ import annotations

import unicodedata

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from pipeline.errors import ActionNeeded

SHORTEST, LONGEST = 12, 200


class Passwords:
    """Hashes and verifies. Costs as in RFC 9106, its second choice; memory in KiB. Cheaper ones are for tests."""

    def __init__(self, *, time_cost: int = 3, memory_cost: int = 64 * 1024, lanes: int = 4) -> None:
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_cost, parallelism=lanes, type=Type.ID)
        # What is compared where there is no account.
        self._nobody = self._hasher.hash("nobody's password")

    def hash(self, password: str) -> str:
        """The hash with its salt and costs, as text. Raises ActionNeeded for a password that is too short or too long."""
        if not SHORTEST <= len(password) <= LONGEST:
            raise ActionNeeded(f"A password has {SHORTEST} to {LONGEST} characters.")
        return self._hasher.hash(_one_form(password))

    def fits(self, hashed: str | None, password: str) -> bool:
        """Whether `password` is that of the hash. None is nobody's: False, after the same work."""
        try:
            same = self._hasher.verify(hashed or self._nobody, _one_form(password[: LONGEST + 1]))
        except (VerificationError, InvalidHashError):
            return False
        return same and hashed is not None


def _one_form(password: str) -> str:
    """Keyboards write one accented letter as one sign or as two."""
    return unicodedata.normalize("NFC", password)
