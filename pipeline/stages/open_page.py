"""A person opens the page of a link: the link says which specimen, the birth date says that it is theirs."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pipeline.domain.words import PersonState
from pipeline.errors import Broken, KeyMissing
from pipeline.ledger import openings
from pipeline.ledger.engine import Ledger
from pipeline.ledger.openings import Shown
from pipeline.vault import births
from pipeline.vault.identity import VaultRef, read_batch
from pipeline.vault.keys import Keys
from pipeline.vault.tokens import specimen_of, specimens_of

# After this long without news a link opens nothing any more.
VALID_FOR: Final = timedelta(days=90)
_NO_SPECIMEN: Final = str(uuid.UUID(int=0))
BirthDateOf = Callable[[VaultRef, str], str | None]
IsBirthDate = Callable[[VaultRef, str, str], bool]


@dataclass(frozen=True)
class Door:
    """What opening needs. `is_birth_date`: where the identity lies, specimen id, ISO date → whether it is that person's."""

    ledger: Ledger
    token_key: bytes
    is_birth_date: IsBirthDate

    def open(self, token: str, birth_date: str, now: datetime) -> bool:
        """Whether `birth_date` (ISO) is that of the token's person. One False for unknown, wrong, expired and locked; each costs a try."""
        # What is no token asks for nobody's card, so that it takes as long as any other.
        specimen_id = specimen_of(self.token_key, token) or _NO_SPECIMEN
        with self.ledger.begin() as conn:
            asked = openings.take_try(conn, specimen_id, since=now - VALID_FOR, now=now)
        # Outside of the transaction: the try is spent whatever happens now.
        if asked is None or not self.is_birth_date(VaultRef(asked.vault_day, asked.vault_batch), specimen_id, birth_date):
            return False
        with self.ledger.begin() as conn:
            openings.note_opened(conn, specimen_id, now)
        return True

    def shown(self, tokens: Sequence[str]) -> Mapping[str, Shown]:
        """What the pages of opened tokens say, by token. One whose card is gone is left out."""
        specimens = specimens_of(self.token_key, tokens)
        with self.ledger.asking() as ask:
            found = ask(lambda conn: openings.shown(conn, list(specimens.values())))
        return {token: found[specimen_id] for token, specimen_id in specimens.items() if specimen_id in found}


def require_whole(shown: Shown) -> None:
    """Raises Broken where a card lacks what the page must say: nothing is made up for it."""
    if None in (shown.basis, shown.collected_on, shown.place) or (shown.state is PersonState.READY) != (shown.result is not None):
        raise Broken("A card of an earlier version does not say what the page must: run `unpool rebuild`.")


def birth_check(keys: Keys) -> IsBirthDate:
    """By the index of a batch; where it cannot tell, by the batch itself."""
    birth_date_of = birth_dates(keys)

    def is_birth_date(ref: VaultRef, specimen_id: str, birth_date: str) -> bool:
        told = births.is_birth_date(keys, ref, specimen_id, birth_date)
        if told is None:
            known = birth_date_of(ref, specimen_id)
            told = known is not None and hmac.compare_digest(known.encode(), birth_date.encode())
        return told

    return is_birth_date


def birth_dates(keys: Keys) -> BirthDateOf:
    """From the vault, as ISO. None for an erased day and for who gave no birth date.

    Who gave a year alone is never let in: a year can be guessed. That person asks at the place of the swab.
    """

    def birth_date_of(ref: VaultRef, specimen_id: str) -> str | None:
        try:
            table = read_batch(keys, ref.day, ref.batch_no, ["birth_date"], {specimen_id})
        except KeyMissing:
            return None
        found = table["birth_date"].to_pylist()
        return str(found[0]) if found and found[0] else None

    return birth_date_of
