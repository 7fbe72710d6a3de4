"""
# intake: files in, facts out

**What it does.** Takes the complete files that wait in the inbox, in one run for all of them, up to 8,000 (`UNPOOL_RUN_FILES`): claims
them (renames them out of the inbox), archives them byte for byte, reads them, checks every row, judges each file (accepted, held,
refused), stores the facts, and writes the rejects file for the sender to `returns/<sender>/`.

**When.** A watcher on the inbox wakes it within seconds of a drop. Every five minutes it looks by itself, and so finds what an event
missed and what a run that was ended left behind. Of a backlog each run takes its share, half of it the files that wait longest, half
the newest, and the watcher starts the next run by itself; `decide` goes between them. How far it is: `left` in the task's return value,
the lines `intake_batch` in its log, `unpool status`.

**What it leaves.** Facts in the warehouse; a receipt with counts for every file in the ledger; the asset `facts`, which wakes `decide`.
A run that found nothing shows as *skipped*.

## If it fails
- *A task that retries* waits for something: another process writes the warehouse (`unpool run` by hand), or PostgreSQL restarts. Leave it.
- *A task that failed at once* says what is wrong in the last line of its log, and waiting does not help: a setting, a missing key, a
  warehouse behind the ledger (then `unpool rebuild`). Mend it, then *Clear* the task.
- Clearing and running again is always safe: a file is stored once, however often it is read.
- A file that is refused or held is **not** a failure: look at its receipt (`unpool files`, `unpool holds`) and at the rejects file. Two
  people let a held file go (`unpool release`); the next run takes it in.
- Files stay in the inbox: are they still growing? A file without a seal is taken when it has not changed for two seconds.
- Not certain that all is well? `unpool verify` checks every invariant and says what it found.

## Tóm tắt
Nhận mọi tệp đã hoàn tất trong hộp thư đến, lưu bản gốc, kiểm tra từng dòng và ghi dữ liệu. Dòng sai được trả lại cho đơn vị gửi trong
thư mục `returns/`. Khi lỗi: xem dòng cuối của nhật ký, sửa nguyên nhân rồi bấm *Clear*; chạy lại luôn an toàn.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from unpool_airflow.assets import DEFAULT_ARGS, FACTS, INBOX, WAREHOUSE_WRITER
from unpool_airflow.stage_task import run_stage


@dag(
    dag_id="intake",
    description="Claims, archives, reads, checks and stores every file that waits in the inbox.",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("*/5 * * * *", timezone="UTC"), assets=[INBOX]),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "intake-desk"},
    tags=["unpool", "files", "warehouse"],
    doc_md=__doc__,
)
def intake() -> None:
    @task(pool=WAREHOUSE_WRITER, outlets=[FACTS])
    def take_in() -> dict[str, Any]:
        """Claim, archive, read, check, judge and store the files that wait, up to the bound of a run."""
        from pipeline.stages.intake import one_run as stage

        return run_stage(stage)

    take_in()


intake()
