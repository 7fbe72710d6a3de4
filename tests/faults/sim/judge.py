"""What came of an episode against the reference: every row, every outcome, every list, hold and message, and what Twilio accepted."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pipeline.delivery.link import links
from pipeline.domain.messages import render
from pipeline.domain.words import HoldReason, MessageState, Purpose
from pipeline.ledger import holds, journal, outbox, receipts
from pipeline.ledger.outbox import Message
from pipeline.ledger.tables import BatchKind
from pipeline.programme import CORRECTION
from pipeline.stages.house import House
from pipeline.stages.lists import identities
from pipeline.vault.tokens import token
from tests.faults.sim.model import UNTOLD, World
from tests.faults.sim.people import PHONES
from tests.faults.sim.plan import Plan
from tests.faults.sim.twilio import Twilio
from tests.faults.sim.world import LOCAL
from tests.property.reference_model import Decision, SpecimenKey

# Where a message may end: at Twilio once, or in a queue that somebody works through.
ACCEPTED = (MessageState.SENT, MessageState.DELIVERED, MessageState.UNDELIVERED)
QUEUES = (MessageState.NO_PHONE, MessageState.FAILED, MessageState.TOO_OLD)


@dataclass
class Verdict:
    """One sentence for each difference. `met`: faults and figures of the episode; `state`: the warehouse's hash in the end."""

    seed: int = -1
    state: str = ""
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    met: Counter[str] = field(default_factory=Counter)

    @property
    def is_good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def differ(self, what: str, found: Any, expected: Any) -> None:
        if found == expected:
            return
        if isinstance(found, dict):
            found, expected = ({key: some[key] for key in some if found.get(key) != expected.get(key)} for some in (found, expected))
        elif isinstance(found, set):
            found, expected = found - expected, expected - found
        self.wrong.append(f"{what}: found {found}, expected {expected}")

    def __str__(self) -> str:
        """What differs, and how to see it again."""
        sentences = [
            *(f"lost: {one}" for one in self.lost),
            *(f"doubled: {one}" for one in self.doubled),
            *(f"wrong: {one}" for one in self.wrong),
        ]
        return "\n".join([f"seed {self.seed}: make simulate EPISODES=1 SEED={self.seed}", *(f"  {sentence}" for sentence in sentences)])


def judge(house: House, sent: Plan, twilio: Twilio, as_of: datetime) -> Verdict:
    verdict, world = Verdict(), World()
    _replay(house, sent, world, verdict)
    decision = world.look(as_of)
    names = _facts(house, decision, verdict)
    _silences(house, as_of, verdict)
    undecided = {name for name, outcome in decision.outcomes.items() if outcome in UNTOLD}
    _messages(house, world, names, undecided, twilio, verdict)
    verdict.met.update(episodes=1, specimens=len(names), accepted=len(twilio.kept))
    return verdict


def _replay(house: House, sent: Plan, world: World, verdict: Verdict) -> None:
    """Give the reference the same files and decisions in the same order, and compare each file's counts."""
    by_bytes = {sha256(file.data).hexdigest(): file for files in sent.drops.values() for file in files}
    with house.ledger.begin() as conn:
        arrived = receipts.listing(conn)
        batches = journal.all_done(conn)
    said = _words(house)
    came = {receipt.sha256 for receipt in arrived}
    verdict.lost += [f"file {file.name} never arrived" for name, file in by_bytes.items() if name not in came]
    for batch in batches:
        local = batch.as_of.astimezone(LOCAL).replace(tzinfo=None)
        if batch.kind is BatchKind.DECIDE:
            world.decide(local, said.pop(batch.batch_no, {}))
            continue
        for one in (receipt for receipt in arrived if receipt.batch_no == batch.batch_no):
            file = by_bytes[one.sha256]
            counts = world.take(one.receipt_no, one.sender, file, local)
            found = {name: getattr(one, f"rows_{name}") for name in vars(counts)}
            verdict.differ(f"rows of {file.name}", found, vars(counts))
            verdict.differ(f"verdict on {file.name}", one.verdict.value, "accepted" if file.kind else "refused")


def _words(house: House) -> dict[int, dict[tuple[str, str], str]]:
    """Decide batch → hold, as the reference calls it → what enough people had said to it."""
    with house.warehouse(spill=True) as warehouse:
        rows = warehouse.connection.execute(
            """SELECT DISTINCT signed_hold.batch_no, reason, subject, if(subject = tube_code, CAST(collected_on AS VARCHAR), ''), choice
               FROM signed_hold JOIN membership USING (tube_id)"""
        ).fetchall()
    found: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
    for batch_no, reason, subject, day, choice in rows:
        found[batch_no][reason, f"{subject} {day}".strip()] = choice
    return found


def _facts(house: House, decision: Decision, verdict: Verdict) -> dict[str, SpecimenKey]:
    """Compare outcomes, lists and holds. Returns specimen id → what the reference calls it, by the name that the vault knows."""
    with house.warehouse(spill=True) as warehouse:
        ask = warehouse.connection.execute
        people = ask(
            "SELECT CAST(specimen_id AS VARCHAR), tube_code, collected_on, batch.vault_day, batch_no FROM membership JOIN batch USING (batch_no)"
        ).fetchall()
        outcomes = dict(ask("SELECT CAST(specimen_id AS VARCHAR), outcome FROM outcome").fetchall())
        listed = ask(
            "SELECT list, CAST(subject_id AS VARCHAR), state FROM list_item WHERE state <> 'cancelled' AND list <> 'repeat'"
        ).fetchall()
        asked = ask("SELECT reason, subject FROM hold WHERE closed_at IS NULL").fetchall()
    known = identities(house, [(day, batch, specimen) for specimen, _, _, day, batch in people], ("full_name",))
    names = {specimen: (tube, day, known[specimen]["full_name"]) for specimen, tube, day, _, _ in people}
    verdict.differ("outcomes", {names[specimen]: outcome for specimen, outcome in outcomes.items()}, decision.outcomes)
    verdict.differ("worklist", {names[one] for name, one, _ in listed if name == "worklist"}, decision.worklist)
    verdict.differ("callback", {names[one]: state == "done" for name, one, state in listed if name == "callback"}, decision.callback)
    expected = {(reason, subject.split()[0]) for reason, subject in decision.holds}
    verdict.differ("holds", set(asked), expected)
    with house.ledger.begin() as conn:
        about_facts = {(str(one.reason), one.subject) for one in holds.open_holds(conn) if one.reason is not HoldReason.LAB_SILENT}
        verdict.differ("holds in the ledger", about_facts, expected)
    return names


def _silences(house: House, as_of: datetime, verdict: Verdict) -> None:
    """A watch, which comes or not, may have asked after a lab. It has been silent at least so long, however wrong the clock was then."""
    with house.ledger.begin() as conn:
        asked = [one.owner for one in holds.open_holds(conn) if one.reason is HoldReason.LAB_SILENT]
        last = {one.sender: one.received_at for one in sorted(receipts.listing(conn), key=lambda one: one.receipt_no)}
    limit = timedelta(hours=house.programme.clocks.lab_silent_hours)
    spoke = [lab for lab in asked if as_of - last[lab].astimezone(LOCAL).replace(tzinfo=None) <= limit]
    verdict.wrong += [f"{lab} is called silent, and sent within {limit}" for lab in spoke]
    verdict.met.update({"silent labs": len(asked)})


def _messages(
    house: House, world: World, names: dict[str, SpecimenKey], undecided: set[SpecimenKey], twilio: Twilio, verdict: Verdict
) -> None:
    """Every telling is a message; each was accepted once or waits in a queue; what Twilio accepted is that and nothing else."""
    by_specimen: dict[str, list[Message]] = {}
    with house.ledger.begin() as conn:
        for specimen in names:
            by_specimen[specimen] = outbox.of_specimen(conn, specimen)
    expected = world.messages()
    found = {(names[one], message.version): message.purpose.value for one, some in by_specimen.items() for message in some}
    verdict.lost += [f"nobody was to be told {telling} {expected[telling]}" for telling in expected.keys() - found.keys()]
    both = found.keys() & expected.keys()
    verdict.differ("why somebody was to be told", {one: found[one] for one in both}, {one: expected[one] for one in both})
    verdict.wrong += [f"somebody was to be told {telling} {found[telling]}" for telling in found.keys() - expected.keys()]
    link_of = links(house.settings.result_url, lambda specimen: token(house.keys.derive("token"), specimen))
    at_twilio: dict[str, list[tuple[str, str]]] = defaultdict(list)
    of_link = {link_of(specimen): specimen for specimen in names}
    for kept in twilio.kept:
        at_twilio[of_link[kept.body.rsplit(" ", 1)[1]]].append((kept.to, kept.body))
    for specimen, messages in by_specimen.items():
        name = names[specimen]
        to = PHONES[world.phones[name]]
        _of_one(house, name, messages, at_twilio[specimen], to, link_of(specimen), verdict, may_wait=name in undecided)


def _of_one(
    house: House,
    name: SpecimenKey,
    messages: list[Message],
    accepted: list[tuple[str, str]],
    to: str,
    link: str,
    verdict: Verdict,
    *,
    may_wait: bool,
) -> None:
    """One specimen's messages, oldest first, against what Twilio accepted for its link, in that order.

    may_wait: its outcome was taken back since, and the last word may wait for whoever decides.
    """
    told = [message for message in messages if message.sid is not None]
    due, has_result = [], False
    for message in told:
        is_result = message.purpose is Purpose.RESULT
        text = house.programme.texts[CORRECTION if is_result and has_result else message.purpose]
        due.append((to, render(text, programme=house.programme.sms_name, link=link)))
        has_result |= is_result
    if len(accepted) > len(told):
        verdict.doubled.append(f"{name}: Twilio accepted {len(accepted)} messages, the ledger knows {[m.purpose.value for m in told]}")
    elif len(accepted) < len(told):
        verdict.lost.append(f"{name}: the ledger calls {len(told)} messages accepted, Twilio has {len(accepted)}")
    else:
        verdict.differ(f"what {name} was told", accepted, due)
    for message in messages[-1:]:
        if message.state not in ACCEPTED + QUEUES + (MessageState.QUEUED,) * may_wait:
            verdict.lost.append(f"{name}: the last word ({message.purpose}) is {message.state}, and nobody knows")
        if (message.state is MessageState.NO_PHONE) != (to == ""):
            verdict.wrong.append(f"{name}: {message.state} with the number {to or 'none'}")
    for message in messages[:-1]:
        if message.state not in ACCEPTED + QUEUES + (MessageState.SUPERSEDED,):
            verdict.lost.append(f"{name}: an earlier word ({message.purpose}) is {message.state}")
