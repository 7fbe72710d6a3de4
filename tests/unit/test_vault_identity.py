"""The vault's batches: encrypted, whole or absent, bound to their place, erased with their day's key."""

from __future__ import annotations

import stat
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.errors import KeyMissing
from pipeline.home import Home
from pipeline.vault.identity import COLUMNS, VaultDamaged, VaultRef, read_batch, refs, write_batch
from pipeline.vault.keys import Keys

DAY, NEXT = date(2026, 11, 20), date(2026, 11, 21)


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(bytes(range(32)), Home(tmp_path))


def _table(rows: int = 3, name: str = "CANARY") -> pa.Table:
    columns = {column: [f"{column}-{row}" for row in range(rows)] for column in COLUMNS}
    columns["full_name"] = [f"{name} {row}" for row in range(rows)]
    return pa.table(columns)


def test_a_batch_comes_back(keys: Keys) -> None:
    assert write_batch(keys, 7, DAY, _table()) == VaultRef(DAY, 7)
    assert read_batch(keys, DAY, 7).to_pydict() == _table().to_pydict()


def test_columns_and_specimens_can_be_chosen(keys: Keys) -> None:
    write_batch(keys, 7, DAY, _table())
    assert read_batch(keys, DAY, 7, ["phone"]).to_pydict() == {"phone": ["phone-0", "phone-1", "phone-2"]}
    one = read_batch(keys, DAY, 7, ["phone", "full_name"], {"specimen_id-1", "elsewhere"})
    assert one.to_pylist() == [{"phone": "phone-1", "full_name": "CANARY 1"}]
    assert read_batch(keys, DAY, 7, ["phone"], set()).num_rows == 0


def test_a_large_batch_of_many_pages_comes_back(keys: Keys) -> None:
    write_batch(keys, 1, DAY, _table(200_000))
    assert read_batch(keys, DAY, 1, ["phone"], {"specimen_id-199999"})["phone"].to_pylist() == ["phone-199999"]


def test_written_again_it_is_replaced_whole(keys: Keys) -> None:
    write_batch(keys, 7, DAY, _table(3))
    write_batch(keys, 7, DAY, _table(3))
    assert read_batch(keys, DAY, 7).to_pydict() == _table(3).to_pydict()
    assert [path.name for path in (keys.home.vault / "2026-11-20").iterdir()] == ["7.parquet"]


def test_the_disk_holds_no_name_and_nobody_else_may_read_it(keys: Keys) -> None:
    write_batch(keys, 7, DAY, _table())
    path = keys.home.vault / "2026-11-20" / "7.parquet"
    assert b"CANARY" not in path.read_bytes() and b"full_name" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_dropping_a_days_key_erases_that_day_and_no_other(keys: Keys) -> None:
    write_batch(keys, 7, DAY, _table())
    write_batch(keys, 8, NEXT, _table())
    keys.drop_day_key(DAY)
    with pytest.raises(KeyMissing):
        read_batch(keys, DAY, 7)
    with pytest.raises(KeyMissing):
        write_batch(keys, 9, DAY, _table())
    assert read_batch(keys, NEXT, 8).num_rows == 3
    assert refs(keys.home) == [VaultRef(DAY, 7), VaultRef(NEXT, 8)]


def test_a_file_under_another_batchs_name_does_not_open(keys: Keys) -> None:
    write_batch(keys, 7, DAY, _table())
    folder = keys.home.vault / "2026-11-20"
    (folder / "7.parquet").rename(folder / "8.parquet")
    with pytest.raises(VaultDamaged):
        read_batch(keys, DAY, 8)
    with pytest.raises(VaultDamaged):
        read_batch(keys, DAY, 7)


@pytest.mark.parametrize("cut", [0, 10, -1])
def test_a_damaged_file_is_named(keys: Keys, cut: int) -> None:
    write_batch(keys, 7, DAY, _table())
    path = keys.home.vault / "2026-11-20" / "7.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(VaultDamaged, match="Batch 7"):
        read_batch(keys, DAY, 7)


def test_columns_must_be_the_vaults(keys: Keys) -> None:
    with pytest.raises(ValueError):
        write_batch(keys, 7, DAY, _table().drop_columns(["phone"]))
    with pytest.raises(ValueError):
        write_batch(keys, 7, DAY, _table().append_column("result", pa.array(["x"] * 3)))
