"""The phone page of a sampling team: its shell, its service worker, its texts, and where finished tubes arrive.

The shell is the same for everybody and holds no data, so that a phone may keep it. What is taken is a tube as JSON: every field known and
short, nothing beside them, nothing unreadable; what it says goes through the same door as every other file, and its content is taken once.

WebAssembly reads codes where a browser has no detector of its own. Compiling it needs 'wasm-unsafe-eval', which lets a page run such code
but no script from text. The page that holds the people does not get it: the policy of a worker is that of its own script, so it stands on
the answer for `decoder.js` alone, which sees pictures and has neither the page nor the store.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response

from pipeline.domain.names import nfc
from pipeline.domain.words import Mode, Role
from pipeline.ledger.sessions import Person
from pipeline.programme import Programme
from pipeline.quality.texts import reasons
from pipeline.stages.hand_in import hand_in_rows
from pipeline.stages.house import House
from pipeline.stages.take_tube import FinishedTube, Swabbed, file_name, findings, manifest
from pipeline.web.base.api import Api, Told
from pipeline.web.base.languages import Language
from pipeline.web.base.shield import HEADERS, POLICY
from pipeline.web.desk.desk import Room

FILES: Final = Path(__file__).parent / "static" / "phone"
SHELL: Final = "/phone/"
TEXTS: Final = "/phone/texts.json"
# Where the desk serves its static folder.
ASSETS: Final = "/assets/phone/"
DECODER: Final = f"{ASSETS}decoder.js"
POLICIES: Final = {DECODER: HEADERS[POLICY].replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")}
LARGEST_TUBE: Final = 65_536
# Of any programme: what is more is no tube.
MOST_PEOPLE: Final = 100
# How long a phone waits after a first try that failed; it doubles from then on.
RETRY_S = 5.0
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters")
    return nfc(text).strip()


Short = Annotated[str, Field(max_length=64), AfterValidator(_plain)]
Long = Annotated[str, Field(max_length=300), AfterValidator(_plain)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class SentPerson(_Strict):
    full_name: Long
    birth_date: Annotated[str, Field(pattern=r"^([0-9]{4}(-[0-9]{2}-[0-9]{2})?)?$", max_length=10)]
    sex: Literal["", "M", "F", "O"]
    phone: Short
    citizen_id: Short
    address: Long
    person_code: Short
    specimen_code: Short


class SentTube(_Strict):
    """What a phone sends. `form`: of this very list of fields; a later list has a later number. What was finished by the earlier ones is
    still sent: the first knew no site, the second no pooling mode."""

    form: Literal[1, 2, 3]
    site_code: Annotated[str, Field(max_length=32), AfterValidator(_plain)] = ""
    # Empty: the programme's.
    pooling_mode: Literal[""] | Mode = ""
    tube_code: Short
    collected_at: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$")]
    replaces_tube: Short
    people: Annotated[list[SentPerson], Field(min_length=1, max_length=MOST_PEOPLE)]


class Reason(Told):
    """Why nothing was taken in: a code of quality/texts/reasons.toml or of the page's texts; `place` of the person from 1, or the tube."""

    code: str
    place: int | None = None
    field: str = "tube"


class Taken(Told):
    """`digest` names the request, so that a phone knows the answer for ours. `receipt`: None where it was only checked."""

    digest: str
    receipt: str | None


class NotTaken(Told):
    digest: str
    reasons: list[Reason]


class KnownProgramme(Told):
    """What the page judges by."""

    title: dict[str, str]
    time_zone: str
    max_pool_size: int
    own_tube_prefix: str | None
    required_identity: list[str]
    default_mode: Mode
    modes: list[Mode]
    mobile_pattern: str


class Known(Told):
    """What the page needs to know of its account and programme. `retry_s`: how long it waits after a first try that failed."""

    account: str
    place: str
    now: str
    retry_s: float
    programme: KnownProgramme


class Texts(RootModel[dict[str, dict[str, str]]]):
    """Language → key → text."""


@dataclass(frozen=True)
class Refused(Exception):
    """Nothing was taken in. `reasons` say why, in codes."""

    status: int
    reasons: Sequence[Reason]


TUBE_API: Final = Api({200: Taken, 400: NotTaken, 413: NotTaken, 422: NotTaken}, SentTube, headers=("Idempotency-Key",))


def read_tube(body: bytes, key: str) -> FinishedTube:
    """The tube in `body`, whose SHA-256 is `key`. Raises Refused: 400 where that is no tube or another key's, 413 where it is too large."""
    if len(body) > LARGEST_TUBE:
        raise Refused(413, [Reason(code="tube_too_large")])
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), key.encode()):
        raise Refused(400, [Reason(code="other_key")])
    try:
        sent = SentTube.model_validate_json(body)
        collected_at = datetime.fromisoformat(sent.collected_at)
    except ValidationError as error:
        raise Refused(400, [_unreadable(one["loc"]) for one in error.errors(include_url=False, include_context=False)]) from None
    except ValueError:
        raise Refused(400, [Reason(code="no_tube", field="collected_at")]) from None
    people = tuple(Swabbed(**person.model_dump()) for person in sent.people)
    return FinishedTube(sent.tube_code, collected_at, sent.site_code, sent.pooling_mode or None, sent.replaces_tube, people)


def check(tube: FinishedTube, house: House, now: datetime) -> None:
    """Raises Refused (422) where rows of the tube would come back."""
    if found := findings(tube, house.programme, house.local(now)):
        raise Refused(422, [Reason(**asdict(one)) for one in found])


def take(tube: FinishedTube, house: House, person: Person, now: datetime) -> str:
    """Take the tube in as a file of the person's team; its receipt: the file's digest, under which the desk shows it.

    Raises Refused as `check`, QuotaSpent, DiskFails. The same tube is the same file, and a content is handed in once.
    """
    check(tube, house, now)
    return hand_in_rows(house, person, file_name(tube), manifest(tube, house.programme), now)


def routes(room: Room) -> None:
    house, doors = room.house, room.doors

    @doors.get(SHELL, Role.TEAM, menu="phone.menu.title", on_telephone=True)
    async def page(request: Request, person: Person) -> Response:
        return shell()

    @doors.get("/phone/me", Role.TEAM, api=Api({200: Known}))
    async def me(request: Request, person: Person) -> Response:
        known = known_of(house.programme, person.login, str(person.place), room.now(), RETRY_S)
        return JSONResponse(known.model_dump(mode="json"))

    @doors.post("/phone/tubes", Role.TEAM, api=TUBE_API)
    async def tubes(request: Request, person: Person) -> Response:
        return await answer(request, lambda tube: take(tube, house, person, room.now()))

    @doors.post("/phone/check", Role.TEAM, api=TUBE_API)
    async def check_only(request: Request, person: Person) -> Response:
        return await answer(request, lambda tube: check(tube, house, room.now()))

    @doors.open("GET", "/phone/sw.js")
    async def worker(request: Request) -> Response:
        return service_worker()

    @doors.open("GET", TEXTS, api=Api({200: Texts}))
    async def said(request: Request) -> Response:
        return texts(room.desk.pages.languages)


async def body_of(request: Request) -> bytes:
    """At most a byte more than is taken: what is longer is not read to its end."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_TUBE:
            break
    return body


async def answer(request: Request, work: Callable[[FinishedTube], str | None]) -> Response:
    """Read the tube, do `work`, and say what came of it.

    Of a spent quota and a full disk the phone is told by the status alone, and tries again later.
    """
    key = request.headers.get("idempotency-key", "")
    body = await body_of(request)
    try:
        receipt = await run_in_threadpool(lambda: work(read_tube(body, key)))
        return JSONResponse(Taken(digest=key, receipt=receipt).model_dump())
    except Refused as refused:
        return JSONResponse(NotTaken(digest=key, reasons=list(refused.reasons)).model_dump(), refused.status)


def shell() -> Response:
    return FileResponse(FILES / "index.html", media_type="text/html")


def service_worker() -> Response:
    """`sw.js` with the list of the shell's files and their common digest: whenever one of them changes, the worker is another."""
    paths = [SHELL, TEXTS]
    whole = hashlib.sha256()
    for file in sorted(path for path in FILES.rglob("*") if path.is_file() and path.name not in ("sw.js", "LICENSE.txt")):
        whole.update(file.read_bytes())
        if file.name != "index.html":
            paths.append(ASSETS + file.relative_to(FILES).as_posix())
    opening = f"const SHELL = {json.dumps(paths)};\nconst VERSION = {json.dumps(whole.hexdigest())};\n"
    return Response(opening + (FILES / "sw.js").read_text(encoding="utf-8"), media_type="text/javascript")


def texts(languages: Mapping[str, Language]) -> Response:
    """Language → key → text, of the phone page and of the reasons for which rows come back."""
    said = {
        code: {key: text for key, text in language.texts.items() if key.startswith(("phone.", "language.", "layout."))}
        | {f"reason.{reason}": entry[code] for reason, entry in reasons().items()}
        for code, language in languages.items()
    }
    return JSONResponse(said)


def known_of(programme: Programme, account: str, place: str, now: datetime, retry_s: float) -> Known:
    """As `Known` has it."""
    judged_by = KnownProgramme(
        title=dict(programme.title),
        time_zone=programme.time_zone,
        max_pool_size=programme.max_pool_size,
        own_tube_prefix=programme.own_tube_prefix,
        required_identity=list(programme.required_identity),
        default_mode=programme.default_mode,
        modes=[mode for mode in Mode if mode in programme.modes],
        mobile_pattern=programme.phones.mobile_pattern,
    )
    return Known(account=account, place=place, now=now.isoformat(), retry_s=retry_s, programme=judged_by)


def _unreadable(location: tuple[int | str, ...]) -> Reason:
    """Where an error lies, never what stood there. A field that is none of ours is not named: its name may be anything."""
    place = next((part + 1 for part in location if isinstance(part, int)), None)
    known = SentTube.model_fields.keys() | SentPerson.model_fields.keys()
    return Reason(code="no_tube", place=place, field=next((str(part) for part in reversed(location) if part in known), "tube"))
