"""Invented people. Nobody here exists, and no phone here rings.

The phone numbers are of the block 0520, which the programme's pattern takes for a mobile and which is allotted to no operator
(`phonenumbers` knows 0522, 0523 and 0528 only): a sample that meets a real Twilio account by mistake reaches nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

# fmt: off
SURNAMES = ("Nguyễn", "Nguyễn", "Nguyễn", "Trần", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ")
MIDDLE = {"M": ("Văn", "Hữu", "Đức", "Quốc", "Minh", "Xuân"), "F": ("Thị", "Ngọc", "Thu", "Mỹ", "Kim", "Thanh")}
GIVEN = {
    "M": ("Anh", "Bảo", "Cường", "Dũng", "Đạt", "Hải", "Hiếu", "Khánh", "Long", "Nghĩa", "Phước", "Quân", "Sơn", "Thịnh", "Trường"),
    "F": ("Ánh", "Chi", "Diễm", "Đào", "Giang", "Hằng", "Hương", "Lan", "Mỹ", "Ngân", "Nhung", "Quỳnh", "Thảo", "Thúy", "Trang"),
}
# fmt: on
WARDS = ("phường Bến Nghé", "phường Tân Định", "xã Phước Kiển", "xã Đa Phước", "phường Hiệp Bình", "xã Bình Hưng", "phường Đông Hòa")
PROVINCES = ("079", "001", "048", "092", "074", "060", "031")


@dataclass(frozen=True)
class Person:
    full_name: str
    birth_date: date
    sex: str  # M or F
    phone: str  # '' when none was given
    citizen_id: str
    address: str

    @property
    def key(self) -> str:
        return self.citizen_id

    @property
    def is_reachable(self) -> bool:
        """Only mobiles get a message: a landline starts with 02."""
        return self.phone != "" and not self.phone.startswith("02")


class People:
    """Makes people, never the same id or phone twice within 100,000 people."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._next = random.randrange(100_000, 300_000)

    def one(self, landline: bool = False) -> Person:
        random = self._random
        sex = random.choice("MF")
        born = date(1940, 1, 1) + timedelta(days=random.randrange(75 * 365))
        self._next += random.randrange(1, 9)
        name = " ".join((random.choice(SURNAMES), random.choice(MIDDLE[sex]), random.choice(GIVEN[sex])))
        phone = f"028 38{self._next % 1_000_000:06d}" if landline else f"0520{self._next * 7 % 1_000_000:06d}"
        return Person(
            full_name=name,
            birth_date=born,
            sex=sex,
            phone=phone,
            citizen_id=citizen_id(random.choice(PROVINCES), born, sex, self._next),
            address=f"{random.randrange(1, 400)} {random.choice(('đường', 'hẻm', 'ấp'))} {random.randrange(1, 30)}, {random.choice(WARDS)}",
        )

    def some(self, number: int) -> list[Person]:
        return [self.one() for _ in range(number)]


def citizen_id(province: str, born: date, sex: str, serial: int) -> str:
    """12 digits: 3 province, 1 century and sex (0/1: born 19xx m/f, 2/3: 20xx), 2 birth year, 6 more. There is no check digit."""
    century = (born.year - 1900) // 100 * 2 + (sex == "F")
    return f"{province}{century}{born.year % 100:02d}{serial % 1_000_000:06d}"
