"""
# watch: what should have happened and has not

**What it does.** Looks every ten minutes for tubes without a result past the limit (`overdue`, later `lost`), labs that fell silent, and
counts that do not balance; opens holds for the operator and closes those that settled. Where the programme has `keep_days`, it erases
who the people of older days are (`unpool erase`); what keeps it from erasing is a hold, `retention_waits`, until it can go on.

**When.** Every ten minutes. It waits for nobody, since what it looks for is what did not happen.

**What it leaves.** Holds in the ledger (`unpool holds`), each with an owner and an age. A run that changed nothing shows as *skipped*.

## If it fails
- *A task that retries* waits for the warehouse's lock or for PostgreSQL. Leave it.
- *A task that failed at once* names an invariant that does not hold, or a setting. If it is an invariant: **`unpool pause`**, run
  `unpool verify`, and hand its output to whoever maintains this installation.
- Clearing is always safe: a hold is one row, however often it is found.
- A failing watch hides no result and sends nothing; but nobody is told of overdue tubes until it runs again.

## Tóm tắt
Mười phút một lần, tìm ống quá hạn chưa có kết quả, việc bị đứng yên và số liệu không khớp, rồi mở việc cần người xử lý. Khi lỗi: xem dòng
cuối của nhật ký; nếu là sai bất biến thì chạy `unpool pause`, rồi `unpool verify` và báo người quản trị.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import CronTriggerTimetable, dag, task

from unpool_airflow.assets import DEFAULT_ARGS, WAREHOUSE_WRITER
from unpool_airflow.stage_task import run_stage


@dag(
    dag_id="watch",
    description="Overdue tubes, things that stand still, counts that do not balance: holds for the operator.",
    schedule=CronTriggerTimetable("*/10 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "operations"},
    tags=["unpool", "holds", "warehouse"],
    doc_md=__doc__,
)
def watch() -> None:
    @task(pool=WAREHOUSE_WRITER)
    def look() -> dict[str, Any]:
        """Open and close holds for what is overdue, stands still or does not balance."""
        from pipeline.stages.watch import watch as stage

        return run_stage(stage, fails_on="violations")

    look()


watch()
