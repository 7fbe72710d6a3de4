"""Unlock: a person gives the tries of a link back, after its owner has called and said who they are."""

from __future__ import annotations

from datetime import datetime

from pipeline.delivery.link import link_in
from pipeline.errors import ActionNeeded
from pipeline.ledger import audit, cards, openings
from pipeline.log import event
from pipeline.stages.house import House
from pipeline.vault.keys import KeyPurpose
from pipeline.vault.tokens import specimen_of


def unlock_link(house: House, link: str, *, who: str, why: str, now: datetime) -> int:
    """Give the tries of `link` back: the whole link or what stands at its end. Returns how many were spent.

    Raises ActionNeeded where it is no link of ours, or `who` or `why` is missing. The audit names the specimen, never the link.
    """
    if not who.strip() or not why.strip():
        raise ActionNeeded("Say who unlocks (--by) and why (--why): both go into the audit.")
    found = link_in(f"/{link.strip()}")
    specimen_id = specimen_of(house.keys.derive(KeyPurpose.TOKEN), found.token) if found else None
    with house.ledger.begin() as conn:
        if specimen_id is None or cards.by_specimen(conn, specimen_id) is None:
            raise ActionNeeded("This is no link of ours: copy it whole from the message.")
        spent = openings.unlock(conn, specimen_id)
        audit.append(conn, who.strip(), "link_unlocked", f"specimen {specimen_id}", why.strip(), now)
    event("link_unlocked", specimen=specimen_id, tries=spent)
    return spent
