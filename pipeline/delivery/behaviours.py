"""How the stand-in misbehaves on demand: a word per message, from the script or from the number it is sent to.

`ok`, `429`, `429_retry_after`, `401`, `<status>:<code>` (such as `400:21211`), `<5xx>_before`, `<5xx>_after` (before or after the
message is kept), `timeout_after`, `reset_after`, `empty_after`, `bad_json_after`, `deliver:<code>` (taken, then undelivered with it).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What the caller gets instead of the answer."""

    NONE = "none"
    STATUS = "status"
    TIMEOUT = "timeout"
    RESET = "reset"
    EMPTY = "empty"
    BAD_JSON = "bad_json"


@dataclass(frozen=True)
class Behaviour:
    """One request's fate. `keeps`: the message is taken whatever the caller learns. `delivery_code`: why it never arrives."""

    keeps: bool = True
    fault: Fault = Fault.NONE
    http_status: int = 201
    code: int | None = None
    retry_after_s: int | None = None
    delivery_code: int | None = None


OK = Behaviour()
_WORDS: dict[str, Behaviour] = {
    "ok": OK,
    "429": Behaviour(keeps=False, fault=Fault.STATUS, http_status=429, code=20429),
    "429_retry_after": Behaviour(keeps=False, fault=Fault.STATUS, http_status=429, code=20429, retry_after_s=1),
    "401": Behaviour(keeps=False, fault=Fault.STATUS, http_status=401, code=20003),
    "timeout_after": Behaviour(fault=Fault.TIMEOUT),
    "reset_after": Behaviour(fault=Fault.RESET),
    "empty_after": Behaviour(fault=Fault.EMPTY),
    "bad_json_after": Behaviour(fault=Fault.BAD_JSON),
}
_CODED = re.compile(r"(4[0-9]{2}):([0-9]{5})")
_SERVER = re.compile(r"(5[0-9]{2})_(before|after)")
_UNDELIVERED = re.compile(r"deliver:([0-9]{5})")
# A number that ends in 00 and one of Twilio's codes gets that error, so that a demo can show each without a script.
_NUMBER = re.compile(r"\+[0-9]*00(2[01][0-9]{3}|300[0-9]{2})")


def behaviour(word: str) -> Behaviour:
    """The behaviour that `word` names. Raises ValueError on any other word."""
    if word in _WORDS:
        return _WORDS[word]
    if match := _CODED.fullmatch(word):
        return Behaviour(keeps=False, fault=Fault.STATUS, http_status=int(match[1]), code=int(match[2]))
    if match := _SERVER.fullmatch(word):
        return Behaviour(keeps=match[2] == "after", fault=Fault.STATUS, http_status=int(match[1]), code=20500)
    if match := _UNDELIVERED.fullmatch(word):
        return Behaviour(delivery_code=int(match[1]))
    raise ValueError("no such behaviour; pipeline/delivery/behaviours.py lists them")


def of_number(to: str) -> Behaviour:
    """What the number itself asks for: `+84900021610` is refused with 21610, `+84900030003` taken and never delivered."""
    match = _NUMBER.fullmatch(to)
    if match is None:
        return OK
    code = match[1]
    if code.startswith("300"):
        return behaviour(f"deliver:{code}")
    return behaviour({"20429": "429", "20003": "401"}.get(code, f"400:{code}"))
