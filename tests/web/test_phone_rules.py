"""The phone's rules in JavaScript against the pipeline's own in Python, which are the judge: the same table of cases, and made-up ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pipeline.domain.identity import Sex, id_problems, read_card, read_sex
from pipeline.domain.names import fold_key, fold_name
from pipeline.domain.tube_codes import has_check, is_acceptable, is_code, normalise, with_check
from pipeline.web.base.shield import Shield
from pipeline.web.desk.phone import FILES
from tests.web.phone import CARD, Site
from tests.web.screens import NEEDS_CHROMIUM

pytestmark = [
    pytest.mark.slow,
    NEEDS_CHROMIUM,
]
MADE = 2000
SEED = 20261125
# What Python, JavaScript and Unicode tables treat apart: spaces of all kinds, marks, look-alikes, letters that change length with their case.
ODD = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\ufeff\u200b\u180e\u0301\u0323\u031b\u0309ĐđƠơƯưſKİıẞßΣςﬁ٠１Å\u212b-_./|"
PLAIN = "AaBbMmNnFfUuŨũữỮêỆ0123456789"
CARDS = [
    CARD,
    CARD + "|cha|mẹ||",
    CARD.replace("024567890", ""),
    CARD.replace("05031984", "31021984"),
    CARD.replace("05031984", "29022000"),
    CARD.replace("05031984", "29021900"),
    CARD.replace("05031984", "01010000"),
    CARD.replace("05031984", "00001984"),
    CARD.replace("05031984", "5031984"),
    CARD.replace("05031984", "٠٥٠٣١٩٨٤"),
    CARD.replace("Nữ", "NU\u031b\u0303"),
    CARD.replace("Nữ", "\ufeffnam"),
    CARD.replace("Nữ", "\u00a0 Male \x1f"),
    CARD.replace("Nữ", "Khác"),
    CARD.replace("Lê Thị", " \x85Le\u0302  Thi\u0323 "),
    CARD.replace("079084001234", " 079084001234\n"),
    CARD.replace("079084001234", "07908400123"),
    CARD.replace("079084001234", "07908400123O"),
    CARD.removesuffix("|01012022"),
    "|||||||",
    "",
    "https://example.com/",
]
IDS = [
    "079084001234",
    "001190000000",
    "009190000000",
    "099200000000",
    "100390000000",
    "079984001234",
    "07908400123",
    "0790840012345",
    "",
    "abc",
]


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    """A page behind the shield that can import the phone's modules, and nothing else."""
    empty = Route("/", lambda _: HTMLResponse("<!doctype html><title>rules</title>"))
    site = Site(Shield(Starlette(routes=[empty, Mount("/assets/phone", StaticFiles(directory=FILES))])))
    opened = chromium.new_page()
    opened.goto(site.address)
    yield opened
    opened.close()
    site.stop()


def theirs(page: Page, module: str, function: str, calls: list[list[Any]]) -> list[Any]:
    """What JavaScript answers to each call; "throws" for an error."""
    script = """async ([module, name, calls]) => {
      const { [name]: tried } = await import(`/assets/phone/${module}`);
      return calls.map((given) => { try { return tried(...given); } catch (error) { return "throws"; } });
    }"""
    return list(page.evaluate(script, [module, function, calls]))


def ours(function: Callable[..., Any], calls: list[list[Any]]) -> list[Any]:
    answers: list[Any] = []
    for given in calls:
        try:
            answers.append(function(*given))
        except ValueError:
            answers.append("throws")
    return answers


def agree(page: Page, module: str, function: str, judge: Callable[..., Any], calls: list[list[Any]]) -> list[Any]:
    right, said = ours(judge, calls), theirs(page, module, function, calls)
    odd = [(call, one, other) for call, one, other in zip(calls, right, said, strict=True) if one != other]
    assert not odd, f"{len(odd)} of {len(calls)}: {odd[:3]}"
    return right


def texts(longest: int) -> list[str]:
    chance = random.Random(SEED + longest)
    return ["".join(chance.choice(ODD if chance.random() < 0.3 else PLAIN) for _ in range(chance.randrange(longest))) for _ in range(MADE)]


def made_cards() -> list[str]:
    """The table's cards with some characters put in, taken away or exchanged."""
    chance = random.Random(SEED)
    made = []
    for _ in range(MADE):
        letters = list(chance.choice(CARDS[:15]))
        for _ in range(chance.randrange(4)):
            place = chance.randrange(len(letters))
            letters[place : place + chance.randrange(3)] = chance.choice([chance.choice(ODD), chance.choice(PLAIN), ""])
        made.append("".join(letters))
    return made


def card(text: str) -> dict[str, str | None] | None:
    read = read_card(text)
    return read and {
        "citizenId": read.citizen_id,
        "oldId": read.old_id,
        "fullName": read.full_name,
        "birthDate": read.birth_date and read.birth_date.isoformat(),
        "sex": read.sex and read.sex.value,
        "address": read.address,
        "issued": read.issued and read.issued.isoformat(),
    }


def problems(citizen_id: str, birth_year: int | None, sex: str | None) -> list[str]:
    return [one.value for one in id_problems(citizen_id, birth_year=birth_year, sex=sex and Sex(sex))]


def test_the_table_of_cards_reads_alike(page: Page) -> None:
    read = agree(page, "card.js", "readCard", card, [[text] for text in CARDS])
    assert read[0] == {
        "citizenId": "079084001234",
        "oldId": "024567890",
        "fullName": "Lê Thị Bích Đào",
        "birthDate": "1984-03-05",
        "sex": "F",
        "address": "12 Đường số 3, Phường Hiệp Bình, TP Hồ Chí Minh",
        "issued": "2022-01-01",
    }
    assert sum(one is None for one in read) >= 5


def test_made_up_cards_read_alike(page: Page) -> None:
    read = agree(page, "card.js", "readCard", card, [[text] for text in made_cards()])
    assert min(sum(one is None for one in read), sum(one is not None for one in read)) > MADE / 10, "cards and no cards, many of each"


def test_sexes_and_folded_texts_are_alike(page: Page) -> None:
    words = [[text] for text in [*texts(6), "nam", "NỮ", "Nu\u031b\u0303", " male\x1c", "\ufeffF"]]
    assert {"M", "F", None} == set(agree(page, "card.js", "readSex", lambda text: (sex := read_sex(text)) and sex.value, words))
    agree(page, "text.js", "foldName", fold_name, [[text] for text in texts(20)])
    agree(page, "text.js", "foldKey", fold_key, [[text] for text in texts(21)])


def test_an_id_s_problems_are_alike(page: Page) -> None:
    chance = random.Random(SEED)
    calls = [[one, year, sex] for one in IDS for year in (None, 1984, 1990, 2084) for sex in (None, "M", "F")]
    for _ in range(MADE):
        one = "".join(chance.choice("0123456789") for _ in range(12))
        born = 1900 + 100 * (int(one[3]) // 2) + int(one[4:6])
        calls.append([one, chance.choice([None, born, 1984]), chance.choice([None, "M", "F"])])
    found = agree(page, "card.js", "idProblems", problems, calls)
    assert len({tuple(one) for one in found}) >= 7


def test_tube_codes_and_check_characters_are_alike(page: Page) -> None:
    chance = random.Random(SEED)
    stems = ["".join(chance.choice("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") for _ in range(chance.randrange(3, 33))) for _ in range(MADE)]
    own = [with_check(stem) for stem in stems if len(stem) < 32]
    typos = [code[:at] + chance.choice("0AZ9") + code[at + 1 :] for code in own if (at := chance.randrange(len(code))) >= 0]
    codes = [[text] for text in [*texts(9), *texts(34), *stems, *own, *typos, "up102022l", " UP-1020 22.L", "A" * 33, "AB"]]
    agree(page, "codes.js", "normalise", normalise, codes)
    agree(page, "codes.js", "isCode", is_code, codes)
    agree(page, "codes.js", "withCheck", with_check, codes)
    assert set(agree(page, "codes.js", "hasCheck", has_check, codes)) == {True, False}
    assert set(agree(page, "codes.js", "isAcceptable", is_acceptable, [[*code, "UP"] for code in codes])) == {True, False}


def test_local_times_are_the_programme_s(page: Page) -> None:
    chance = random.Random(SEED)
    zones = ("Asia/Ho_Chi_Minh", "America/New_York", "UTC", "Australia/Lord_Howe")
    calls = [[chance.randrange(1_577_836_800, 2_000_000_000) * 1000, chance.choice(zones)] for _ in range(500)]
    calls += [[1_774_737_000_000 + minute * 60_000, "America/New_York"] for minute in range(0, 1440, 30)]

    def local(at: int, zone: str) -> str:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat(timespec="seconds")

    agree(page, "tubes.js", "localTime", local, calls)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("05/03/1984", "1984-03-05"),
        ("5.3.1984", "1984-03-05"),
        ("05031984", "1984-03-05"),
        ("1984-03-05", "1984-03-05"),
        (" 1984 ", "1984"),
        ("31/02/1984", None),
        ("3/5/84", None),
        ("05/03/19841", None),
        ("", None),
    ],
)
def test_a_typed_birth_date(page: Page, typed: str, read: str | None) -> None:
    assert theirs(page, "tubes.js", "readBirthDate", [[typed]]) == [read]


def test_a_rule_that_went_another_way_would_be_seen(page: Page) -> None:
    with pytest.raises(AssertionError, match="of 1:"):
        agree(page, "codes.js", "normalise", str.strip, [["a-b"]])
