"""
# desk: what screens show

**What it does.** Copies out of the warehouse what the desk shows: tubes known to team or lab only, what is overdue, days, turnaround,
worklists and call-back lists; and indexes the vault for the search by phone or citizen id. No name is among it.

**When.** After `decide`, through the asset `messages`, and every five minutes. In a large installation less often: it holds the
warehouse for at most a twentieth of the time.

**What it leaves.** Files in `published/`, each there whole; the screens say how old they are. A run that was not due shows as *skipped*.

## If it fails
- *A task that retries* waits for the warehouse's lock or for PostgreSQL. Leave it.
- *A task that failed at once* says why in the last line of its log; waiting does not help. Mend it, then *Clear* the task.
- Clearing is always safe: it only reads, and writes the same files again.
- While it fails, nothing is lost and nothing stops: screens show older figures, with their time.

## Tóm tắt
Chép số liệu và danh sách từ kho dữ liệu cho màn hình của bàn làm việc, năm phút một lần. Khi lỗi: màn hình hiện số liệu cũ hơn, không mất
gì; xem dòng cuối của nhật ký, sửa nguyên nhân rồi bấm *Clear*.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from unpool_airflow.assets import DEFAULT_ARGS, MESSAGES, WAREHOUSE_WRITER
from unpool_airflow.stage_task import run_stage


@dag(
    dag_id="desk",
    description="Figures, lists and indexes for the desk's screens.",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("4-59/5 * * * *", timezone="UTC"), assets=[MESSAGES]),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "results-desk"},
    tags=["unpool", "desk", "warehouse"],
    doc_md=__doc__,
)
def desk() -> None:
    @task(pool=WAREHOUSE_WRITER)
    def publish() -> dict[str, Any]:
        """Make figures, lists and indexes anew, where that is due."""
        from pipeline.stages.publish import publish as stage

        return run_stage(stage)

    publish()


desk()
