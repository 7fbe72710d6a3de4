"""The warehouse's own invariants: one SELECT of offenders each, in `sql/verify/`."""

from __future__ import annotations

from pipeline.warehouse.connect import SQL_ROOT, Warehouse

# Enough to see what is wrong; the count says how much.
SHOWN = 5


def violations(warehouse: Warehouse) -> list[str]:
    """One sentence for each invariant that does not hold, with the first offenders by pseudonym or receipt. Empty: all hold."""
    found = []
    for file in sorted((SQL_ROOT / "verify").glob("*.sql")):
        offenders = [str(subject) for (subject,) in warehouse.rows(f"verify/{file.stem}")]
        if offenders:
            more = ", ..." if len(offenders) > SHOWN else ""
            found.append(f"{file.stem}: {len(offenders)} ({', '.join(sorted(offenders)[:SHOWN])}{more})")
    return found
