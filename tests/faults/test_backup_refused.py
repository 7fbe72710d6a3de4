"""O09: what is not a whole backup, of this key, for an empty home is refused in words; and a backup names nobody."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import UnpoolError
from pipeline.ledger.server import program
from pipeline.settings import Settings
from pipeline.stages.restore import restore
from tests.faults.backups import Machine, back_up, nobody
from tests.faults.town import DAY_2, FIRST_DAY
from tests.homes import MASTER_KEY, ChildFailed, Installation, in_child

ANOTHER_KEY = base64.b64encode(b"unpool tests: of somebody else.!").decode()


@pytest.fixture(scope="module")
def good_copy(first_day: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of the first day; the second day's files wait in the inbox."""
    copy = tmp_path_factory.mktemp("good") / "copy"
    back_up(first_day, copy, DAY_2)
    return copy


def refusal(settings: Settings, copy: Path) -> tuple[str, str, list[str]]:
    """Class and sentence of the refusal, and what lies in the home then."""

    def work() -> tuple[str, str]:
        try:
            restore(settings, copy, DAY_2, nobody)
        except UnpoolError as error:
            return type(error).__name__, error.message
        return "", ""

    kind, sentence = in_child(work)
    return kind, sentence, sorted(path.name for path in settings.home.rglob("*"))


def test_O09_a_damaged_backup_is_refused(first_day: Installation, good_copy: Path, machine: Machine, tmp_path: Path) -> None:
    """A byte flipped in each file, each file gone, and a file too many."""
    settings = machine.settings(first_day.settings)
    copy = tmp_path / "damaged"
    shutil.copytree(good_copy, copy)
    paths = sorted(path for path in copy.rglob("*") if path.is_file())
    stores = {path.relative_to(copy).parts[0] for path in paths}
    assert stores >= {"archive", "vault", "sealed", "ledger.dump", "warehouse.duckdb", "backup.json"}
    for path in paths:
        whole = path.read_bytes()
        path.chmod(0o600)
        for spoilt in (None, flipped(whole)):
            path.unlink() if spoilt is None else path.write_bytes(spoilt)
            kind, sentence, left = refusal(settings, copy)
            assert (kind in ("BackupDamaged", "KeyMissing", "ActionNeeded"), left) == (True, []), (path, kind, sentence)
            assert path.name in sentence or kind == "KeyMissing", sentence
        path.write_bytes(whole)
    (copy / "archive" / "one_more").write_bytes(b"")
    assert "one_more" in refusal(settings, copy)[1]
    (copy / "archive" / "one_more").unlink()
    assert refusal(settings, copy)[0] == ""


@pytest.mark.parametrize("changed", [{"made_at": "2026-11-14T00:00:00+07:00"}, {"files": {}}, {"format": 1}, {"keys": []}])
def test_O09_a_table_of_contents_that_was_changed_is_refused(
    first_day: Installation, good_copy: Path, machine: Machine, tmp_path: Path, changed: dict[str, object]
) -> None:
    """Also where it reads well: by a later moment of its making Twilio would be asked for too little."""
    copy = tmp_path / "changed"
    shutil.copytree(good_copy, copy)
    path = copy / "backup.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))
    kind, sentence, left = refusal(machine.settings(first_day.settings), copy)
    assert (kind, "backup.json is damaged" in sentence, left) == ("BackupDamaged", True, [])


def flipped(whole: bytes) -> bytes:
    middle = len(whole) // 2
    return whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]


def test_O09_another_master_key_is_noticed_before_anything_is_written(first_day: Installation, good_copy: Path, machine: Machine) -> None:
    settings = machine.settings(first_day.settings, master_key=ANOTHER_KEY)
    kind, sentence, left = refusal(settings, good_copy)
    assert (kind, "master key" in sentence, left) == ("KeyMissing", True, [])
    kind, sentence, left = refusal(replace(settings, master_key=None), good_copy)
    assert (kind, "UNPOOL_MASTER_KEY" in sentence, left) == ("KeyMissing", True, [])


def test_O09_the_key_may_lie_in_the_home_beforehand(first_day: Installation, good_copy: Path, machine: Machine) -> None:
    settings = machine.settings(first_day.settings, master_key=None)
    key = settings.home / "keys" / "master.key"
    key.parent.mkdir(parents=True)
    key.write_text(MASTER_KEY)
    key.chmod(0o600)
    assert refusal(settings, good_copy)[0] == ""
    assert Installation(settings, machine.server).figures().state_hash == first_day.figures().state_hash


@pytest.mark.parametrize(
    "taken", ["inbox/TEAM1/x.csv", "archive/00/0000", "vault/2026-11-12/1.parquet", "warehouse.duckdb", "formats/x.toml"]
)
def test_O09_a_home_that_holds_something_is_refused(first_day: Installation, good_copy: Path, machine: Machine, taken: str) -> None:
    settings = machine.settings(first_day.settings)
    path = settings.home / taken
    path.parent.mkdir(parents=True)
    path.write_bytes(b"somebody's")
    before = sorted(one.name for one in settings.home.rglob("*"))
    kind, sentence, left = refusal(settings, good_copy)
    assert (kind, "not empty" in sentence, left) == ("ActionNeeded", True, before)


def test_O09_a_database_that_holds_something_is_refused(first_day: Installation, good_copy: Path, machine: Machine) -> None:
    settings = replace(machine.settings(first_day.settings), database_url=first_day.settings.database_url)
    kind, sentence, left = refusal(settings, good_copy)
    assert (kind, "database is not empty" in sentence, left) == ("ActionNeeded", True, [])


@pytest.mark.parametrize("target", ["copy", "nowhere/copy"])
def test_O09_a_backup_goes_into_a_folder_of_its_own(first_day: Installation, tmp_path: Path, target: str) -> None:
    (tmp_path / "copy").mkdir()
    with pytest.raises(ChildFailed, match=r"is there already|is not a folder"):
        back_up(first_day, tmp_path / target, DAY_2)
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_O09_nobody_s_name_and_no_key_is_in_a_backup(first_day: Installation, machine: Machine, tmp_path: Path) -> None:
    """The ledger's dump is looked into as well: it is compressed."""
    source = first_day.copy(tmp_path / "home")
    try:
        returned = source.home / "returns" / "TEAM1" / "9-sang.rejects.csv"
        returned.parent.mkdir(parents=True, exist_ok=True)
        returned.write_text("Người Số 5,0912000005\n")
        claimed = source.home / "claimed" / f"{'0' * 32}.any" / "TEAM1" / "sang.csv"
        claimed.parent.mkdir(parents=True)
        claimed.write_bytes(FIRST_DAY["TEAM1"]["sang.csv"])
        back_up(source, tmp_path / "copy", DAY_2)
        written = {path: path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file()}
        listed = [program("pg_restore"), "--file=-", tmp_path / "copy" / "ledger.dump"]
        written[Path("ledger")] = subprocess.run(listed, capture_output=True, check=True).stdout
        assert b"told_elsewhere" in written[Path("ledger")]
        canaries = ["Người Số", "09120000", "849120000", "đường Thử", MASTER_KEY]
        forms = [canary.encode() for canary in canaries] + [base64.b64decode(MASTER_KEY)]
        assert [(path.name, form) for path, data in written.items() for form in forms if form in data] == []
        after, _ = machine.restore(source, tmp_path / "copy", DAY_2)
        for folder in ("inbox", "claimed", "returns"):
            before = in_clear(source, folder)
            assert before
            assert in_clear(after, folder) == before
    finally:
        source.drop()


def in_clear(installation: Installation, folder: str) -> dict[str, tuple[int, bytes]]:
    root = installation.home / folder
    files = [path for path in root.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): (path.stat().st_mode & 0o777, path.read_bytes()) for path in files}
