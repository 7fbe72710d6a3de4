"""The second judge's reading of the cells: what Great Expectations has no words for, as columns beside the sender's.

Written apart from the SQL on purpose, in plain Python with other parts (datetime, unicodedata, python-stdnum): where both engines find
the same rows, one of them alone cannot be wrong. For samples and tests; a million rows belong to the SQL.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, assert_never

from stdnum.iso7064 import mod_37_36

from pipeline.domain.words import FileKind

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]

_SEPARATORS = " \t\n\f\r-_./"
_ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
_PHONE = re.compile(r"\+?[0-9][0-9 .()\-]{4,28}")
_TIME_FORMS = {10: ("%Y-%m-%d",), 16: ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"), 19: ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S")}
_SEX_DIGITS = {"m": 0, "male": 0, "nam": 0, "f": 1, "female": 1, "nữ": 1, "nu": 1}
_DAY_S = 86_400
_SPREADSHEET_DATES = (40_000, 50_000)


def with_readings(cells: pd.DataFrame, kind: FileKind, params: Mapping[str, Any]) -> pd.DataFrame:
    """`cells` (canonical columns, receipt_no, row_no) with the columns that the suites `<kind>_rows` name, as Python objects.

    A column that has nothing to say about a row is None there: Great Expectations passes over it. Days are ordinals, times seconds
    since 1970. params: as for `quality.checks.run_checks`.
    """
    import pandas as pd

    rows: list[Row] = [{str(name): value for name, value in row.items()} for row in cells.to_dict("records")]
    match kind:
        case FileKind.MANIFEST:
            columns = _manifest(rows, params)
        case FileKind.RESULTS:
            columns = _results(rows, params)
        case _:
            assert_never(kind)
    read = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    return pd.concat([cells.astype(object).reset_index(drop=True), read], axis=1)


def suite_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the suites ask for by `$PARAMETER`."""
    as_of: datetime = params["as_of"]
    now_s = int(as_of.replace(tzinfo=UTC).timestamp())
    return {
        "modes": list(params["modes"]),
        "max_pool_size": params["max_pool_size"],
        "max_cycles": params["max_cycles"],
        "latest_s": now_s + 3_600,
        "oldest_ordinal": as_of.toordinal() - params["max_collected_age_days"],
        "mobile_regex": rf"\A(?:{params['mobile_pattern']})\Z",
    }


def _manifest(rows: list[Row], params: Mapping[str, Any]) -> dict[str, list[Any]]:
    as_of, prefix = params["as_of"], params["own_prefix"]
    read: list[dict[str, Any]] = []
    for row in rows:
        taken, born = _time(row["collected_at"]), _born(row["birth_date"])
        shape = re.fullmatch(r"[0-9]{12}", row["citizen_id"])
        digit = int(row["citizen_id"][3]) if shape else None
        read.append(
            {
                "tube_check_ok": _check_ok(row["tube_code"], prefix),
                "specimen_check_ok": _check_ok(row["specimen_code"], prefix),
                "replaces_check_ok": _check_ok(row["replaces_tube"], prefix),
                "collected_s": _seconds(taken),
                "collected_ordinal": taken.toordinal() if taken else None,
                "required_empty": sum(row[column] == "" for column in params["required"]),
                "born_year": born.year if born else None,
                "born_ordinal": born.toordinal() if born else None,
                "seen_ordinal": (taken or as_of).toordinal(),
                "sex_word": row["sex"].lower(),
                "sex_digit": _SEX_DIGITS.get(row["sex"].lower()),
                "id_sex_digit": None if digit is None else digit % 2,
                "id_province": row["citizen_id"][:3] if shape else None,
                "id_year": None if digit is None else 1900 + 100 * (digit // 2) + int(row["citizen_id"][4:6]),
                "declared": int(row["pool_size"]) if re.fullmatch(r"[0-9]{1,6}", row["pool_size"]) else None,
                "mode": row["pooling_mode"].lower() or params["default_mode"],
                "phone_bare": re.sub(r"[ .()\-]", "", row["phone"]) if _PHONE.fullmatch(row["phone"]) else None,
                "_file": row["receipt_no"],
                "_row": row["row_no"],
                "_tube": (_code(row["tube_code"]), taken.toordinal()) if taken and _code(row["tube_code"]) else None,
                "_person": _person(row),
                "_specimen": _code(row["specimen_code"]),
            }
        )
    _read_tubes(read)
    _read_specimens(read)
    _read_days(read)
    return {name: [one[name] for one in read] for name in (read[0] if read else {}) if not name.startswith("_")}


def _read_tubes(read: list[dict[str, Any]]) -> None:
    tubes = _grouped(read, lambda one: one["_tube"] and (one["_file"], one["_tube"]))
    for one in read:
        mates = tubes.get((one["_file"], one["_tube"]), [])
        declared = [mate["declared"] for mate in mates if mate["declared"]]
        one["people_in_tube"] = _people(mates) if mates else None
        one["declared_in_tube"] = min(declared, default=None)
        one["sizes_in_tube"] = len(set(declared))
        one["modes_in_tube"] = len({mate["mode"] for mate in mates})
        one["earlier_in_tube"] = sum(
            mate["_person"] is not None and mate["_person"] == one["_person"] and mate["_row"] < one["_row"] for mate in mates
        )


def _read_specimens(read: list[dict[str, Any]]) -> None:
    coded = [one for one in read if one["_tube"] and one["_specimen"]]
    under = _grouped(coded, lambda one: (one["_file"], one["_specimen"], one["_tube"][1]))
    tubes = defaultdict(set)
    for one in read:
        if one["_tube"]:
            tubes[one["_file"]].add(one["_tube"][0])
    for one in read:
        specimen, tube = one["_specimen"], one["_tube"]
        is_coded = bool(tube and specimen)
        one["people_under_specimen"] = _people(under[one["_file"], specimen, tube[1]]) if is_coded else 0
        one["specimen_is_other_tube"] = is_coded and specimen != tube[0] and specimen in tubes[one["_file"]]
        one["specimen_is_own_pool"] = is_coded and specimen == tube[0] and one["people_in_tube"] > 1


def _read_days(read: list[dict[str, Any]]) -> None:
    """Whether the row is the one at which its person's second tube of that day appears."""
    seen: dict[Hashable, set[str]] = defaultdict(set)
    for one in sorted(read, key=lambda one: (one["_file"], one["_row"])):
        one["opens_second_tube"] = False
        if one["_tube"] and one["_person"]:
            code, day = one["_tube"]
            tubes = seen[one["_file"], one["_person"], day]
            one["opens_second_tube"] = len(tubes) == 1 and code not in tubes
            tubes.add(code)


def _results(rows: list[Row], params: Mapping[str, Any]) -> dict[str, list[Any]]:
    read = []
    for row in rows:
        tested, resulted, taken = (_time(row[name]) for name in ("tested_at", "resulted_at", "collected_at"))
        numbers = _numbers(row["ct"])
        low, high = _SPREADSHEET_DATES
        tested_to_result = _comparable(row["tested_at"], row["resulted_at"])
        taken_to_tested = _comparable(row["collected_at"], row["tested_at"])
        read.append(
            {
                "tube_check_ok": _check_ok(row["tube_code"], params["own_prefix"]),
                "tested_s": _seconds(tested),
                "resulted_s": _seconds(resulted),
                "collected_s": _seconds(taken),
                "tested_to_result": tested_to_result[0],
                "result_after_test": tested_to_result[1],
                "taken_to_test": taken_to_tested[0],
                "test_after_taken": taken_to_tested[1],
                "highest_cycle": max((number for number in numbers if not low <= number <= high), default=None),
                "dates_in_ct": sum(low <= number <= high for number in numbers),
            }
        )
    return {name: [one[name] for one in read] for name in (read[0] if read else {})}


def _code(text: str) -> str | None:
    bare = [letter for letter in unicodedata.normalize("NFC", text) if letter not in _SEPARATORS]
    return "".join(bare).upper() if 3 <= len(bare) <= 32 and _ALPHABET.issuperset(bare) else None


def _check_ok(text: str, prefix: str) -> bool | None:
    code = _code(text)
    if code is None or not prefix or not code.startswith(prefix):
        return None
    return bool(mod_37_36.is_valid(code))


def _time(text: str) -> datetime | None:
    for form in _TIME_FORMS.get(len(text), ()) if text.isascii() else ():
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 - local time of the programme, as in every file
        except ValueError:
            continue
        return found if 1000 <= found.year <= 2999 else None
    return None


def _born(text: str) -> date | None:
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{2}-[0-9]{2})?", text):
        return None
    try:
        born = date.fromisoformat(text if len(text) == 10 else f"{text}-01-01")
    except ValueError:
        return None
    return born if 1000 <= born.year <= 2999 else None


def _seconds(moment: datetime | None) -> int | None:
    """Local seconds: read as UTC on both sides of every comparison, so that no summer time comes in."""
    return None if moment is None else int(moment.replace(tzinfo=UTC).timestamp())


def _comparable(earlier: str, later: str) -> tuple[int | None, int | None]:
    """Two cells as seconds; as the beginning of their days where either has no time."""
    moments = [_seconds(_time(earlier)), _seconds(_time(later))]
    if 10 in (len(earlier), len(later)):
        moments = [moment if moment is None else moment // _DAY_S * _DAY_S for moment in moments]
    return moments[0], moments[1]


def _numbers(ct: str) -> list[float]:
    """The numbers of a well-formed Ct cell; none of any other."""
    values = [part.split("=", 1)[-1].strip(" ") for part in ct.split(";")]
    is_number = [re.fullmatch(r"[0-9]+(\.[0-9]+)?", value) is not None for value in values]
    words = ("", "undetermined", "nan", "n/a", "-")
    if not all(number or (value.isascii() and value.lower() in words) for number, value in zip(is_number, values, strict=True)):
        return []
    return [float(value) for number, value in zip(is_number, values, strict=True) if number]


def _person(row: Row) -> Hashable:
    if row["citizen_id"]:
        return ("citizen", row["citizen_id"])
    if row["person_code"]:
        return ("code", row["person_code"])
    if not (row["full_name"] or row["birth_date"] or row["phone"]):
        return None
    bare = "".join(letter for letter in unicodedata.normalize("NFD", row["full_name"]) if not unicodedata.combining(letter))
    return (" ".join(bare.lower().replace("đ", "d").split()), row["birth_date"], row["phone"])


def _people(rows: Iterable[Mapping[str, Any]]) -> int:
    """People among rows; a row that names nobody is one of its own."""
    people = [row["_person"] for row in rows]
    return len({person for person in people if person is not None}) + people.count(None)


def _grouped(rows: Iterable[dict[str, Any]], key: Callable[[dict[str, Any]], Hashable]) -> dict[Hashable, list[dict[str, Any]]]:
    groups: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if found := key(row):
            groups[found].append(row)
    return groups
