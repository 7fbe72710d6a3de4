"""
# decide: from facts to outcomes

**What it does.** Computes the outcome of every specimen that new facts touched, and what follows from it: retest worklists for the lab,
call-back lists for the teams, holds for the operator, and the messages that are due (queued in the ledger, not yet sent).

**When.** `intake` wakes it through the asset `facts`. Every five minutes it looks by itself, in case a wake-up was lost.

**What it leaves.** Outcomes in the warehouse, lists in `lists/`, messages in the ledger's outbox; the asset `messages`, which wakes
`notify`. A run that found nothing new shows as *skipped*.

## If it fails
- *A task that retries* waits for the warehouse's lock or for PostgreSQL. Leave it.
- *A task that failed at once* says why in the last line of its log; waiting does not help. Mend it, then *Clear* the task.
- Clearing is always safe: the same facts give the same outcomes, and a message is one row however often it is queued.
- Nothing wrong can have been sent: sending is another DAG, and it takes only what a finished decision queued.
- A hold about a tube that people decided closes with the next run; if it is open again, a later file made their word void.
- An outcome that looks wrong: `unpool verify` first; then `unpool rebuild`, which computes everything anew and prints both state hashes.

## Tóm tắt
Tính kết quả cho từng mẫu từ dữ liệu mới, lập danh sách xét nghiệm lại, danh sách gọi lại và tin nhắn cần gửi. Khi lỗi: xem dòng cuối
của nhật ký, sửa nguyên nhân rồi bấm *Clear*; chạy lại luôn an toàn và không gửi trùng.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from unpool_airflow.assets import DEFAULT_ARGS, FACTS, MESSAGES, WAREHOUSE_WRITER
from unpool_airflow.stage_task import run_stage


@dag(
    dag_id="decide",
    description="Outcomes, worklists, call-back lists, holds and due messages from the facts so far.",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("2-59/5 * * * *", timezone="UTC"), assets=[FACTS]),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "results-desk"},
    tags=["unpool", "outcomes", "warehouse"],
    doc_md=__doc__,
)
def decide() -> None:
    # Before the next run of a backlog: what is known is told.
    @task(pool=WAREHOUSE_WRITER, priority_weight=10, outlets=[MESSAGES])
    def decide_outcomes() -> dict[str, Any]:
        """Compute outcomes, lists, holds and due messages from what changed."""
        from pipeline.stages.decide import decide as stage

        return run_stage(stage)

    decide_outcomes()


decide()
