"""A killed writer's half of a list names people: it does not stay."""

from __future__ import annotations

from pathlib import Path

from pipeline.home import Home
from pipeline.stages.watch import LEFT_AFTER_S, sweep


def test_I8_only_old_half_written_files_are_swept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    (home.returns / "TEAM1").mkdir()
    half = home.returns / "TEAM1" / ".3-list.rejects.csv.0f.tmp"
    whole = home.lists / "callback.csv"
    for path in (half, whole):
        path.write_text("x")
    written = half.stat().st_mtime
    assert sweep(home, written + LEFT_AFTER_S - 1) == 0
    assert half.exists(), "its writer may still be at work"
    assert sweep(home, written + LEFT_AFTER_S + 1) == 1
    assert not half.exists()
    assert whole.exists()
