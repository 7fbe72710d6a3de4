"""The scenarios, one function each. Every one is decided by what it plants; the books beside it say what must come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta, timezone
from random import Random

from maker.book import Book, File, Row
from maker.codes import Codes, with_wrong_check
from maker.files import EXTRA, Sheet
from maker.people import People
from maker.rows import (
    FULL_RESULT_COLUMNS,
    LAB_MODE_COLUMNS,
    MANIFEST_COLUMNS,
    RESULT_COLUMNS,
    RESWAB_COLUMNS,
    Bench,
    Site,
    Tube,
    again,
    manifest,
    manifest_row,
    spoiled,
)

HANOI = timezone(timedelta(hours=7))
PREFIX = "UP"


class Day:
    """Moments of the scenario, counted back from its last day. Local times carry no offset in files; `as_of` does."""

    def __init__(self, last: date) -> None:
        self._last = last

    def at(self, days_before: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self._last - timedelta(days=days_before), time(hour, minute))

    def as_of(self, days_before: int, hour: int = 18) -> datetime:
        return self.at(days_before, hour).replace(tzinfo=HANOI)


def _start(slug: str, title: str, collected_at: datetime, seed: int) -> tuple[Book, Random, Site]:
    random = Random(f"{slug} {seed}")
    book = Book(slug, title)
    first = 100_000 + 1_000 * sorted(SCENARIOS).index(slug)
    return book, random, Site(book, random, People(random), Codes(PREFIX, first), collected_at)


def happy_day(day: Day, seed: int) -> Book:
    """Two teams, one lab, one evening. A pool of 5 and a single are positive, a tube leaked, three people have no mobile."""
    book, random, site = _start("happy_day", "One quiet day: two teams, one lab, every tube answered", day.at(0, 8, 30), seed)
    tens, fives, singles = site.tubes(14, 10, landlines=3), site.tubes(16, 5), site.tubes(10, 1)
    team_a = Sheet("doi_a_danh_sach.csv", "manifest", "vi", MANIFEST_COLUMNS, has_bom=True)
    team_b = Sheet("team_b_manifest.csv", "manifest", "en", MANIFEST_COLUMNS)
    lab = Sheet("ket_qua_toi.csv", "results", "vi", (*RESULT_COLUMNS, "reject_reason"), has_bom=True)
    bench = Bench(random, day.at(0, 14), typed=True)
    _answer(bench, tens + fives + singles, {fives[3]: "detected", singles[2]: "detected", fives[7]: "rejected"})
    files = [manifest(team_a, "team-a", tens), manifest(team_b, "team-b", fives + singles, kind=None), bench.file(lab, "lab-1", kind=None)]
    book.step("evening", day.as_of(0), files)
    return book


def two_rounds_lab(day: Day, seed: int) -> Book:
    """Mode lab: 24 pools of 5; positive, inconclusive and twice invalid pools are un-pooled; one of them is discordant."""
    book, random, site = _start("two_rounds_lab", "Two rounds in mode lab: pools, repeats, the kept specimens", day.at(2, 8, 30), seed)
    pools = site.tubes(24, 5, "lab")
    team = Sheet("doi_a_danh_sach.csv", "manifest", "vi", LAB_MODE_COLUMNS)
    bench = Bench(random, day.at(2, 14))
    plan = {**dict.fromkeys(pools[:3], "detected"), pools[3]: "inconclusive", pools[4]: "invalid", pools[5]: "invalid"}
    _answer(bench, pools, plan)
    first = bench.file(Sheet("pools_round_1.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")
    book.step("pools", day.as_of(2), [manifest(team, "team-a", pools), first])

    bench = Bench(random, day.at(1, 9), plate="K002")
    _answer(bench, pools[4:6], {pools[4]: "invalid"})
    book.step("repeats", day.as_of(1, 12), [bench.file(Sheet("repeats.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")])

    bench = Bench(random, day.at(1, 15), plate="K003")
    own = {(0, 2): "detected", (1, 1): "detected", (1, 3): "detected", (4, 0): "inconclusive", (4, 1): "rejected", (4, 2): "invalid"}
    for number, pool in enumerate(pools[:5]):
        _retest(bench, pool, {person: call for (which, person), call in own.items() if which == number})
    book.step("retests", day.as_of(1), [bench.file(Sheet("retests.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")])

    bench = Bench(random, day.at(0, 9), plate="K004")
    bench.call(pools[4].kept[2], "not_detected")
    book.step("last_one", day.as_of(0), [bench.file(Sheet("last_retest.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")])
    return book


def two_rounds_field(day: Day, seed: int) -> Book:
    """Mode field: nothing is kept, so 30 people are called back and 28 come; their new tubes name the old ones."""
    book, random, site = _start("two_rounds_field", "Two rounds in mode field: call-back and new swabs", day.at(3, 8), seed)
    pools = site.tubes(20, 10)
    bench = Bench(random, day.at(3, 15), typed=True)
    _answer(bench, pools, {pools[0]: "detected", pools[1]: "detected", pools[2]: "rejected"}, reason="broken")
    team = Sheet("team_b_manifest.csv", "manifest", "en", MANIFEST_COLUMNS, has_bom=True)
    lab_columns = (*RESULT_COLUMNS, "reject_reason")
    first = bench.file(Sheet("ket_qua_vong_1.csv", "results", "vi", lab_columns), "lab-2")
    book.step("pools", day.as_of(3), [manifest(team, "team-b", pools), first])

    back = [(pool, person) for pool in pools[:3] for person in pool.people][:28]
    singles = [site.tube([person], replaces=(pool.code,), at=day.at(1, 9)) for pool, person in back]
    bench = Bench(random, day.at(1, 15))
    _answer(bench, singles, {singles[4]: "detected", singles[11]: "inconclusive"})
    again_team = Sheet("team_b_call_backs.csv", "manifest", "en", RESWAB_COLUMNS)
    second = bench.file(Sheet("ket_qua_vong_2.csv", "results", "vi", lab_columns), "lab-2")
    book.step("new_swabs", day.as_of(1), [manifest(again_team, "team-b", singles), second])
    return book


def corrections(day: Day, seed: int) -> Book:
    """C before and after the message went out, W, X, P, a contradiction without C, and a correction that arrives late."""
    book, random, site = _start("corrections", "Corrections and withdrawals, before and after people were told", day.at(2, 8), seed)
    pools, singles = site.tubes(24, 5), site.tubes(6, 1)
    team = Sheet("doi_a_danh_sach.csv", "manifest", "vi", MANIFEST_COLUMNS)
    tested, evening = day.at(2, 12), Bench(random, day.at(2, 12))
    answers = {tube: evening.call(tube.code, "detected" if tube is pools[5] else "not_detected") for tube in pools[4:] + singles}
    evening.call(pools[0].code, "detected")
    evening.call(pools[1].code, "not_detected")
    evening.call(pools[2].code, "not_detected", "P")
    evening.call(pools[3].code, "detected", "P")
    evening.call(pools[3].code, "not_detected", resulted_at=day.at(2, 16))
    first = evening.file(Sheet("results_day_1.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")
    evening.call(pools[0].code, "not_detected", "C", tested, day.at(2, 16))
    evening.call(pools[1].code, "not_detected", "X", tested, day.at(2, 16))
    early = evening.file(Sheet("corrections_day_1.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")
    book.step("before_sending", day.as_of(2), [manifest(team, "team-a", pools + singles), first, early])

    desk, at = Bench(random, day.at(1, 10)), day.at(1, 15)
    desk.call(pools[4].code, "detected", "C", tested, at)
    desk.call(pools[5].code, "not_detected", "C", tested, at)
    desk.call(singles[0].code, "detected", "C", tested, at)
    desk.call(singles[1].code, "not_detected", "W", tested, at)
    desk.call(pools[6].code, "not_detected", "W", tested, at)
    desk.call(pools[7].code, "detected")
    desk.rows.append(again(answers[pools[8]]))
    desk.call(pools[9].code, "detected", "C", tested, at)
    desk.call(pools[2].code, "not_detected")
    late = desk.file(Sheet("corrections_day_2.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")
    book.step("after_sending", day.as_of(1), [late])

    desk = Bench(random, day.at(0, 10))
    desk.call(pools[6].code, "not_detected", "C", tested, day.at(0, 11))
    desk.call(pools[9].code, "inconclusive", "C", tested, day.at(1, 9))
    last = desk.file(Sheet("corrections_day_3.csv", "results", "en", FULL_RESULT_COLUMNS), "lab-1")
    book.step("in_any_order", day.as_of(0), [last])
    return book


def late_manifest(day: Day, seed: int) -> Book:
    """Results of both rounds are there before anybody says who is in the tubes. One tube stays nobody's."""
    book, random, site = _start("late_manifest", "Results first, the manifest hours later", day.at(1, 8), seed)
    pools, singles = site.tubes(20, 5, "lab"), site.tubes(5, 1, "lab")
    bench = Bench(random, day.at(1, 13))
    _answer(bench, pools + singles, dict.fromkeys(pools[:2], "detected"))
    bench.call("ZX-000451", "not_detected")
    first = bench.file(Sheet("results_noon.csv", "results", "en", RESULT_COLUMNS), "lab-1")
    bench = Bench(random, day.at(1, 16), plate="K002")
    _retest(bench, pools[0], {1: "detected"})
    _retest(bench, pools[1], {0: "detected"})
    retests = bench.file(Sheet("retests_afternoon.csv", "results", "en", RESULT_COLUMNS), "lab-1")
    book.step("results_only", day.as_of(1), [first, retests])
    team = Sheet("doi_a_danh_sach.csv", "manifest", "vi", LAB_MODE_COLUMNS, has_bom=True)
    book.step("manifest", day.as_of(0, 12), [manifest(team, "team-a", pools + singles)])
    return book


def held_file(day: Day, seed: int) -> Book:
    """A second lab calls each of its 24 tubes positive: the file waits for a person, and nobody is told anything."""
    book, random, site = _start("held_file", "A result file that is too positive to believe", day.at(0, 7), seed)
    quiet, loud = site.tubes(30, 5), site.tubes(24, 5)
    team = Sheet("team_b_manifest.csv", "manifest", "en", MANIFEST_COLUMNS)
    bench = Bench(random, day.at(0, 10))
    _answer(bench, quiet, {quiet[6]: "detected"})
    good = bench.file(Sheet("lab_1.csv", "results", "en", RESULT_COLUMNS), "lab-1")
    book.step("noon", day.as_of(0, 12), [manifest(team, "team-b", quiet + loud), good])
    bench = Bench(random, day.at(0, 14), plate="K007")
    _answer(bench, loud, dict.fromkeys(loud, "detected"))
    odd = bench.file(Sheet("lab_2.csv", "results", "en", RESULT_COLUMNS), "lab-2")
    odd.verdict = "held"
    book.step("evening", day.as_of(0), [odd])
    return book


def bad_rows(day: Day, seed: int) -> Book:
    """Every reject rule at least once, every kind of unreadable file, and on the second day the mended rows."""
    book, _, site = _start("bad_rows", "Bad rows of every kind, bad files, and what comes back mended", day.at(1, 8), seed)
    sheet = Sheet("doi_a_danh_sach.csv", "manifest", "vi", (*LAB_MODE_COLUMNS, "replaces_tube"), has_bom=True)
    pools, singles = site.tubes(80, 5), site.tubes(30, 1)
    team = manifest(sheet, "team-a", pools + singles)
    mended, differing = team.rows[12], team.rows[0]
    team.rows[12] = spoiled(mended, "bad_birth_date", birth_date="31/02/1990")
    bad_people(site, sheet, team, day)
    columns = (*FULL_RESULT_COLUMNS, "collected_at")
    lab = bad_results(site, Sheet("lab_results.csv", "results", "en", columns), pools + singles, day)
    book.step("day_1", day.as_of(1), [team, lab, *_bad_files()])

    late = Sheet("doi_a_bo_sung.csv", "manifest", "vi", sheet.columns)
    fixed = _mended(late, "team-a", [mended])
    fixed.rows.append(spoiled(differing, "differs_from_earlier", phone="0520000001"))
    fixed.rows += [again(row) for row in team.rows[20:25]]
    book.step("day_2", day.as_of(0), [fixed])
    return book


def bad_people(site: Site, sheet: Sheet, team: File, day: Day) -> None:
    """Each manifest rule broken in a tube of its own, so that no good tube is touched."""

    def lone(*rules: str, mode: str = "field", **cells: str) -> None:
        (tube,) = site.tubes(1, 1, mode)
        team.rows.append(spoiled(manifest_row(sheet, "team-a", tube, 0), *rules, **cells))

    def pool(rule: str, size: int, mode: str = "field", **cells: str) -> list[Row]:
        (tube,) = site.tubes(1, size, mode)
        return [spoiled(manifest_row(sheet, "team-a", tube, index), rule, **cells) for index in range(size)]

    wrong, wrong_specimen = with_wrong_check(site.codes.one()), with_wrong_check(site.codes.one())
    lone("bad_citizen_id", citizen_id="79090012345")
    lone("bad_collected_at", collected_at="31/02/2026")
    lone("bad_pool_size", pool_size="5x6")
    lone("bad_replaces_tube", replaces_tube=wrong)
    lone("bad_sex", sex="Nm")
    lone("bad_specimen_code", mode="lab", specimen_code=wrong_specimen)
    lone("bad_tube_code", tube_code=wrong)
    lone("bad_tube_code", tube_code="ỐNG 17")
    lone("citizen_id_disagrees", birth_date="1931-05-05", citizen_id="079032000017", sex="M")
    lone("future_collected_at", collected_at=day.at(-2, 8).isoformat(timespec="minutes"))
    lone("missing_collected_at", collected_at="")
    lone("missing_identity", full_name="")
    lone("missing_identity", phone="")
    lone("missing_identity", "missing_tube_code", birth_date="", tube_code="")
    lone("missing_tube_code", tube_code="")
    lone("ragged_row", **{EXTRA: "Nguyễn Văn A, tổ 5"})
    lone("too_old_collected", collected_at=day.at(90, 8).isoformat(timespec="minutes"))
    lone("unknown_mode", pooling_mode="ngoài trời")
    team.rows += pool("missing_specimen_code", 2, "lab", specimen_code="")
    team.rows += pool("specimen_code_repeated", 2, "lab", specimen_code=site.codes.one())
    team.rows += pool("declared_size_exceeded", 5, pool_size="4")
    team.rows += pool("pool_too_large", 21, pool_size="")
    mixed = pool("mixed_tube", 2)
    team.rows += [mixed[0], spoiled(mixed[1], "mixed_tube", pool_size="3")]
    team.rows.append(spoiled(team.rows[50], "person_twice_in_tube"))


def bad_results(site: Site, sheet: Sheet, tubes: list[Tube], day: Day) -> File:
    """Each result rule broken by a second row for a tube that has a good one."""
    bench = Bench(site.random, day.at(1, 13))
    _answer(bench, tubes, {tubes[30]: "detected", tubes[95]: "detected"})

    def bad(rule: str, number: int, call: str = "not_detected", **cells: str) -> None:
        bench.rows.append(spoiled(bench.call(tubes[number].code, call), rule, **cells))
        del bench.rows[-2]

    bad("bad_collected_at", 1, collected_at="2026-13-01")
    bad("bad_ct", 2, "detected", ct="23,4")
    bad("bad_reject_reason", 3, "rejected", reject_reason="smells")
    bad("bad_resulted_at", 4, resulted_at="tomorrow")
    bad("bad_tested_at", 5, tested_at="2026-11-31 10:00")
    bad("bad_tube_code", 6, tube_code=with_wrong_check(tubes[6].code))
    bad("ct_above_cycles", 7, "detected", ct="61.5")
    bad("ct_is_a_date", 8, "detected", ct="41350")
    bad("future_tested_at", 9, tested_at=day.at(-3, 9).isoformat(timespec="minutes"))
    bad("missing_result", 10, result="")
    bad("missing_tested_at", 11, tested_at="")
    bad("missing_tube_code", 12, tube_code="")
    bad("ragged_row", 13, **{EXTRA: "see page 2"})
    bad("resulted_before_tested", 14, resulted_at=day.at(1, 11).isoformat(timespec="minutes"))
    bad("tested_before_collected", 15, collected_at=day.at(1, 16).isoformat(timespec="minutes"))
    bad("unknown_result_word", 16, result="neg?")
    bad("unknown_result_word", 17, result="Null")
    bad("unknown_status", 18, status="Z")
    return bench.file(sheet, "lab-1")


def _bad_files() -> list[File]:
    """Files that no reader can read: each is refused in one sentence and stays in the archive."""
    header = b"Tube code,Result,Tested at\r\n"
    contents = {
        "empty.csv": b"",
        "header_only.csv": header,
        "doubled_header.csv": b"Tube code,Result,Result,Tested at\r\nZX000001,Not detected,Detected,2026-11-11 10:00\r\n",
        "unknown_format.csv": b"colour,weight\r\nred,12\r\n",
        "not_text.csv": bytes(range(256)) * 4,
    }
    sheet = Sheet("", "results", "en", ())
    return [File(replace(sheet, name=name), "lab-2", None, verdict="refused", content=content) for name, content in contents.items()]


def demo(day: Day, seed: int) -> Book:
    """A bit of everything for `make demo`: two teams, pools of 10 and 5, bad rows, a re-sent row, an unknown tube, a discordant pool."""
    book, random, site = _start("demo", "A bit of everything, in two rounds", day.at(1, 8, 15), seed)
    tens, fives, singles = site.tubes(30, 10, "lab", landlines=4), site.tubes(20, 5), site.tubes(12, 1)
    team_a = Sheet("doi_a_danh_sach.csv", "manifest", "vi", LAB_MODE_COLUMNS, has_bom=True)
    team_b = Sheet("team_b_manifest.csv", "manifest", "en", MANIFEST_COLUMNS)
    a, b = manifest(team_a, "team-a", tens), manifest(team_b, "team-b", fives + singles, kind=None)
    mended = [a.rows[33], a.rows[57]]
    a.rows[33] = spoiled(a.rows[33], "bad_birth_date", birth_date="31/02/1990")
    a.rows[57] = spoiled(a.rows[57], "missing_identity", full_name="")
    b.rows[103] = spoiled(b.rows[103], "bad_tube_code", tube_code=with_wrong_check(singles[3].code))
    bench = Bench(random, day.at(1, 14, 30), typed=True)
    plan = {
        **dict.fromkeys((tens[2], tens[11], tens[25]), "detected"),
        tens[20]: "inconclusive",
        fives[4]: "detected",
        singles[7]: "detected",
    }
    _answer(bench, tens + fives + singles, {**plan, fives[9]: "rejected"}, reason="insufficient")
    bench.rows.append(again(bench.rows[5]))
    bench.call("ZX-000452", "not_detected")
    bench.rows[22] = spoiled(bench.rows[22], "unknown_result_word", result="Âm tí")
    lost_word = tens[22]
    lab = bench.file(Sheet("ket_qua_chieu.csv", "results", "vi", (*RESULT_COLUMNS, "reject_reason"), has_bom=True), "lab-1", kind=None)
    book.step("day_1", day.as_of(1), [a, b, lab])

    bench = Bench(random, day.at(0, 9, 30), plate="K002")
    for pool, calls in ((tens[2], {4: "detected"}), (tens[11], {0: "detected", 8: "detected"}), (tens[20], {}), (tens[25], {})):
        _retest(bench, pool, calls)
    back = [site.tube([person], replaces=(fives[4].code,), at=day.at(0, 8)) for person in fives[4].people]
    _answer(bench, [*back, lost_word], {back[1]: "detected"})
    second = bench.file(Sheet("ket_qua_vong_2.csv", "results", "vi", RESULT_COLUMNS), "lab-1")
    reswabs = manifest(Sheet("team_b_call_backs.csv", "manifest", "en", RESWAB_COLUMNS), "team-b", back)
    mended_sheet = Sheet("doi_a_bo_sung.csv", "manifest", "vi", LAB_MODE_COLUMNS)
    book.step("day_2", day.as_of(0), [_mended(mended_sheet, "team-a", mended), reswabs, second])
    return book


def _mended(sheet: Sheet, sender: str, rows: list[Row]) -> File:
    """Rows that came back, set right and dropped again in a file of their own."""
    return File(sheet, sender, "manifest", [replace(row, fact=replace(row.fact, file=sheet.name)) for row in rows])


def _answer(bench: Bench, tubes: list[Tube], special: dict[Tube, str], reason: str = "leaked") -> None:
    """A result for every tube: not detected, but for the special ones."""
    for tube in tubes:
        call = special.get(tube, "not_detected")
        bench.call(tube.code, call, reason=reason if call == "rejected" else "")


def _retest(bench: Bench, pool: Tube, special: dict[int, str]) -> None:
    """A result for every kept specimen of a pool, under the specimen's own code."""
    for index, code in enumerate(pool.kept):
        call = special.get(index, "not_detected")
        bench.call(code, call, reason="insufficient" if call == "rejected" else "")


SCENARIOS: dict[str, Callable[[Day, int], Book]] = {
    make.__name__: make for make in (happy_day, two_rounds_lab, two_rounds_field, corrections, bad_rows, late_manifest, held_file, demo)
}
