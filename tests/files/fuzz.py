"""The readers under a fuzzer that looks for new branches (atheris): `python -m tests.files.fuzz RUNS SECONDS [SEED]`, in a process of its own.

Exit code 0: each of RUNS inputs, or of as many as SECONDS allowed (0: all), gave a reading or a refusal. What did not is printed, in the folder that it was begun in.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

LONGEST = 4096


def main(runs: int, seconds: int, seed: int) -> None:
    # Only what is imported here is watched: nothing of the readers may be imported before.
    with atheris.instrument_imports(include=["pipeline.intake.readers"]):
        from tests.files.whole import SEEDS, assert_read_or_refused

    kinds = [profiles for _, profiles in SEEDS.values()]

    def one(data: bytes) -> None:
        """The first byte says which profiles are there."""
        if data:
            assert_read_or_refused(data[1:], kinds[data[0] % len(kinds)])

    with tempfile.TemporaryDirectory() as folder:
        for place, (data, _) in enumerate(SEEDS.values()):
            (Path(folder) / str(place)).write_bytes(bytes([place]) + data)
        # The fuzzer ends the process itself.
        limits = [f"-atheris_runs={runs}", f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=20"]
        atheris.Setup([sys.argv[0], f"-seed={seed}", *limits, folder], one)
        atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)
