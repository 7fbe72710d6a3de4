"""The people of an episode: families behind one phone, some whom no SMS reaches, some under their team's own codes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

# What the team wrote → what Twilio is asked to send to. The last two take no SMS.
PHONES = {f"0912000{n:03}": f"+84912000{n:03}" for n in range(40)} | {"02438251234": "", "12": ""}
UNREACHABLE = ("02438251234", "12")


@dataclass(frozen=True)
class Person:
    """The number makes the person."""

    number: int
    phone: str
    code: str

    @property
    def name(self) -> str:
        return f"Người Số {self.number}"

    @property
    def cells(self) -> dict[str, str]:
        born = f"19{50 + self.number % 40}-0{1 + self.number % 9}-1{self.number % 10}"
        who = {"full_name": self.name, "birth_date": born, "sex": "M", "phone": self.phone, "citizen_id": ""}
        return who | {"address": f"{self.number} đường Thử", "person_code": self.code}


def people(chance: Random, count: int) -> list[Person]:
    families = list(PHONES)[: max(2, count)]
    phones = [chance.choice(UNREACHABLE) if chance.random() < 0.1 else chance.choice(families) for _ in range(count)]
    return [Person(number, phone, f"P{number}" if chance.random() < 0.3 else "") for number, phone in enumerate(phones)]
