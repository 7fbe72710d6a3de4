"""Twilio's account from Airflow's connection `twilio`, where someone made one; else the environment as it is."""

from __future__ import annotations

from collections.abc import Mapping

from airflow.sdk import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

CONNECTION_ID = "twilio"


def environ_with_twilio(environ: Mapping[str, str]) -> Mapping[str, str]:
    """`environ` with the connection's account in place of its own.

    Login is the account SID, password the auth token, host another API address (empty for Twilio itself); extra holds `from` and
    `callback_url`. The environment's Twilio settings then do not count at all: half of one account and half of another, or a real token
    sent to the demo's stand-in, would be worse than none.
    """
    try:
        connection = Connection.get(CONNECTION_ID)
    except AirflowNotFoundException:
        return environ
    extra = connection.extra_dejson
    account = {
        "TWILIO_ACCOUNT_SID": connection.login,
        "TWILIO_AUTH_TOKEN": connection.password,
        "TWILIO_FROM": extra.get("from"),
        "UNPOOL_TWILIO_URL": connection.host,
        "UNPOOL_CALLBACK_URL": extra.get("callback_url"),
    }
    return {**environ, **{name: value or "" for name, value in account.items()}}
