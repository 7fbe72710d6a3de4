// What a tube is on this phone, who is in it, and what is wrong with it: plain values in and out, nothing stored, nothing shown.
// Findings carry the codes of the server's rules (pipeline/quality/texts/reasons.toml), so that phone, receipt and rejects file say one thing.

import { idProblems, isoDate } from "./card.js";
import { isAcceptable, normalise } from "./codes.js";
import { foldName, nfc, strip } from "./text.js";

export const State = Object.freeze({ OPEN: "open", WAITING: "waiting", RECEIVED: "received", REFUSED: "refused", CHECKED: "checked" });

export const FIELDS = Object.freeze(["full_name", "birth_date", "sex", "phone", "citizen_id", "address", "person_code", "specimen_code"]);

const FIRST_YEAR = 1880;
const PHONE = /^\+?[0-9][0-9 .()-]{4,28}$/;
// These are told and stop nobody; all others stop.
const WARNINGS = new Set(["bad_phone", "no_mobile", "unknown_province", "two_tubes_one_day"]);

export const stops = (finding) => !WARNINGS.has(finding.code);

export const noOne = () => Object.fromEntries(FIELDS.map((field) => [field, ""]));

// startedAt: milliseconds since 1970. `before`: the tube of which the site where people are swabbed and the pooling mode ("": the programme's)
// most likely are this one's, too. `draft`: who is being typed, and at which place in the list (null: a new person).
export const newTube = (id, code, startedAt, before = undefined) => ({
  id, code: strip(nfc(code)), startedAt, site: before?.site ?? "", mode: before?.mode ?? "", state: State.OPEN, replaces: "", people: [],
  draft: null, body: null, digest: null, receipt: null, reasons: [], tries: 0, nextTry: 0,
});

export const lastOf = (tubes) => [...tubes].sort((one, other) => other.startedAt - one.startedAt)[0];

// Whether each person's own tube is kept, and has a code.
export const isKept = (tube, programme) => (tube.mode || programme.default_mode) !== "field";

export const sameCode = (one, other) => normalise(one) === normalise(other);

// ISO or a year; null where the text is neither. Typed as day, month, year.
export function readBirthDate(text) {
  const typed = strip(text);
  if (/^[0-9]{4}$/.test(typed)) return typed;
  const iso = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(typed);
  if (iso) return isoDate(Number(iso[1]), Number(iso[2]), Number(iso[3]));
  const parts = /^([0-9]{1,2})[/. -]([0-9]{1,2})[/. -]([0-9]{4})$/.exec(typed) ?? /^([0-9]{2})([0-9]{2})([0-9]{4})$/.exec(typed);
  return parts && isoDate(Number(parts[3]), Number(parts[2]), Number(parts[1]));
}

export const shownDate = (iso) => (iso.length === 10 ? iso.split("-").reverse().join("/") : iso);

export function personOf(card) {
  return { ...noOne(), full_name: card.fullName, birth_date: card.birthDate ?? "", sex: card.sex ?? "", citizen_id: card.citizenId, address: card.address };
}

// As typed → as sent. A birth date that cannot be read stays as it is, for the finding.
export function tidied(typed) {
  const person = Object.fromEntries(FIELDS.map((field) => [field, strip(nfc(typed[field] ?? ""))]));
  return { ...person, birth_date: readBirthDate(person.birth_date) ?? person.birth_date };
}

// Milliseconds → the programme's local time, yyyy-mm-ddThh:mm:ss.
export function localTime(at, zone) {
  const names = ["year", "month", "day", "hour", "minute", "second"];
  const options = Object.fromEntries(names.map((name) => [name, name === "year" ? "numeric" : "2-digit"]));
  const parts = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone, hourCycle: "h23", calendar: "gregory" }).formatToParts(at);
  const of = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${of.year}-${of.month}-${of.day}T${of.hour}:${of.minute}:${of.second}`;
}

export const dayOf = (tube, zone) => localTime(tube.startedAt, zone).slice(0, 10);

// The same person by the rule of sql/checks/manifest/_1_checked_row.sql.
export function isSame(one, other) {
  if (one.citizen_id || other.citizen_id) return one.citizen_id === other.citizen_id;
  if (one.person_code || other.person_code) return one.person_code === other.person_code;
  return foldName(one.full_name) === foldName(other.full_name) && one.birth_date === other.birth_date && one.phone === other.phone;
}

// Somebody who may well be the same: once with the card, once typed without it.
const isLike = (one, other) => one.full_name !== "" && foldName(one.full_name) === foldName(other.full_name) && one.birth_date === other.birth_date;

// Every place where this person stands already: [{ tube, person, isCertain }], but for place `at` of `tube`.
export function places(person, tubes, tube = null, at = null) {
  return [...tubes].flatMap((one) => one.people
    .filter((_, index) => !(tube && one.id === tube.id && index === at))
    .filter((other) => isSame(person, other) || isLike(person, other))
    .map((other) => ({ tube: one, person: other, isCertain: isSame(person, other) })));
}

export function tubeFindings(tube, settings) {
  const { programme } = settings;
  const found = [];
  if (!isAcceptable(tube.code, programme.own_tube_prefix)) found.push({ code: "bad_tube_code", field: "tube_code" });
  if (tube.replaces && !isAcceptable(tube.replaces, programme.own_tube_prefix)) found.push({ code: "bad_replaces_tube", field: "replaces_tube" });
  if (tube.people.length > programme.max_pool_size) found.push({ code: "pool_too_large", field: "people" });
  return found;
}

// What is wrong with this person at place `at` (null: a new one) of `tube`. `tubes`: all of the day, this one among them.
export function personFindings(person, tube, at, tubes, settings) {
  const { programme } = settings;
  const found = programme.required_identity.filter((field) => !person[field]).map((field) => ({ code: "missing_identity", field }));
  const add = (code, field) => found.push({ code, field });
  const year = person.birth_date ? Number(person.birth_date.slice(0, 4)) : null;
  if (person.birth_date && !isBirthDate(person.birth_date, dayOf(tube, programme.time_zone))) add("bad_birth_date", "birth_date");
  if (person.citizen_id) for (const problem of idProblems(person.citizen_id, year, knownSex(person.sex))) addId(problem, add);
  if (person.phone && !PHONE.test(person.phone)) add("bad_phone", "phone");
  else if (person.phone && !isMobile(person.phone, programme.mobile_pattern)) add("no_mobile", "phone");
  const isPool = tube.people.length + (at === null ? 1 : 0) > 1;
  if (isKept(tube, programme) && isPool && !person.specimen_code) add("missing_specimen_code", "specimen_code");
  if (person.specimen_code && !isAcceptable(person.specimen_code, programme.own_tube_prefix)) add("bad_specimen_code", "specimen_code");
  if (at === null && tube.people.length >= programme.max_pool_size) add("pool_too_large", "people");
  const others = places(person, tubes, tube, at).filter((place) => place.isCertain);
  if (others.some((place) => place.tube.id === tube.id)) add("person_twice_in_tube", "people");
  else if (others.length) add("two_tubes_one_day", "people");
  return found;
}

const knownSex = (sex) => (sex === "M" || sex === "F" ? sex : null);

function addId(problem, add) {
  if (problem === "not_12_digits") add("bad_citizen_id", "citizen_id");
  else if (problem === "unknown_province") add("unknown_province", "citizen_id");
  else add("citizen_id_disagrees", "citizen_id");
}

function isBirthDate(text, day) {
  if (/^[0-9]{4}$/.test(text)) return Number(text) >= FIRST_YEAR && text <= day.slice(0, 4);
  return readBirthDate(text) === text && Number(text.slice(0, 4)) >= FIRST_YEAR && text <= day;
}

const isMobile = (phone, pattern) => new RegExp(`^(?:${pattern})$`).test(phone.replace(/[ .()-]/g, ""));

// The bytes of a finished tube. Written once, when it is finished, so that each try sends the same.
export function bodyOf(tube, settings) {
  const people = tube.people.map((person) => Object.fromEntries(FIELDS.map((field) => [field, person[field]])));
  const collected = localTime(tube.startedAt, settings.programme.time_zone);
  const place = { site_code: tube.site ?? "", pooling_mode: tube.mode ?? "", replaces_tube: tube.replaces };
  return JSON.stringify({ form: 3, tube_code: tube.code, collected_at: collected, ...place, people });
}

export async function digestOf(body) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body)));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
