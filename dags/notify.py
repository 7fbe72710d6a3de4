"""
# notify: due messages to Twilio

**What it does.** Sends what waits in the outbox, within the programme's rate and outside its quiet hours; asks Twilio about messages
whose fate is unknown before it sends any of them again; reads back statuses that no callback brought.

**When.** `decide` wakes it through the asset `messages`; every minute it looks by itself, for retries, quiet hours that ended, late
statuses. A run that found nothing due shows as *skipped*.

**Account.** From the Airflow connection `twilio` (login: account SID, password: auth token, extra: `{"from": ..., "callback_url": ...}`),
else from TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM. Without either, messages stay queued and `unpool status` says so.
`make up` and `make demo` use a stand-in on this machine unless an account is set: then nothing leaves the machine.

## If it fails
- **Do not send by hand.** A message whose fate is unknown may have arrived; this DAG finds out before it sends again.
- *A task that retries*: the ledger or Twilio does not answer. Leave it; nothing is sent twice.
- *A task that failed at once*: the log's last line says what to mend: mostly the account, the sender or a permission at Twilio.
- Messages in state `failed` or `no_phone` are not failures of this DAG: those people are to be called (`unpool holds`, `unpool lists`).
- *Messages wait, and nothing failed*: a breaker, which two people let go, `unpool pause`, or what they would tell is held again (`unpool
  status` says which, `unpool holds` what to decide).
- Many `undelivered` of one sort at once: `unpool pause`, look at the error codes (`unpool status`), and talk to Twilio.

## Tóm tắt
Gửi tin nhắn đến hạn qua Twilio, đúng tốc độ và ngoài giờ yên lặng; không bao giờ gửi lại khi chưa rõ tin trước đã đến hay chưa. Khi lỗi:
**không gửi tay**; xem dòng cuối của nhật ký, sửa tài khoản hoặc đường truyền, hệ thống sẽ tự gửi tiếp.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from unpool_airflow.assets import DEFAULT_ARGS, MESSAGES
from unpool_airflow.stage_task import run_stage


@dag(
    dag_id="notify",
    description="Sends due messages within the rate, finds out about unknown ones, reads back late statuses.",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("* * * * *", timezone="UTC"), assets=[MESSAGES]),
    catchup=False,
    max_active_runs=1,
    default_args={**DEFAULT_ARGS, "owner": "results-desk"},
    tags=["unpool", "messages"],
    doc_md=__doc__,
)
def notify() -> None:
    @task
    def send_due() -> dict[str, Any]:
        """Send due messages and settle those whose fate is unknown."""
        import os

        from pipeline.stages.notify_due import notify_due
        from unpool_airflow.twilio_connection import environ_with_twilio

        return run_stage(notify_due, environ_with_twilio(os.environ))

    send_due()


notify()
