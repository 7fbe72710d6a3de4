// The citizen card's QR and what its id says, as pipeline/domain/identity.py reads them. A typing aid, not proof.
// tests/web/test_phone_rules.py holds both to the same answers.

import { foldKey, nfc, strip } from "./text.js";

const PROVINCES = new Set([
  1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37, 38, 40, 42, 44, 45,
  46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79, 80, 82, 83, 84, 86, 87, 89, 91, 92,
  93, 94, 95, 96,
]);
const FIRST_COUNTRY = 100;
const ID = /^[0-9]{12}$/;
const QR_FIELDS = 7;
const SEX_WORDS = new Map([["nam", "M"], ["m", "M"], ["male", "M"], ["nu", "F"], ["f", "F"], ["female", "F"]]);

// Dates are ISO texts; "" for an empty field; null where the card's text is no date or no sex.
export function readCard(text) {
  const fields = text.split("|").map((field) => strip(nfc(field)));
  if (fields.length < QR_FIELDS || !ID.test(fields[0])) return null;
  const [citizenId, oldId, fullName, born, sex, address, issued] = fields;
  return { citizenId, oldId, fullName, birthDate: cardDate(born), sex: readSex(sex), address, issued: cardDate(issued) };
}

export const readSex = (text) => SEX_WORDS.get(foldKey(strip(text))) ?? null;

// The problems by the words of IdProblem. birthYear and sex are null where the row does not say.
export function idProblems(citizenId, birthYear, sex) {
  if (!ID.test(citizenId)) return ["not_12_digits"];
  const problems = [];
  const centuryAndSex = Number(citizenId[3]);
  if (birthYear !== null && birthYear !== 1900 + 100 * Math.floor(centuryAndSex / 2) + Number(citizenId.slice(4, 6))) {
    problems.push("birth_year_disagrees");
  }
  if (sex !== null && sex !== (centuryAndSex % 2 ? "F" : "M")) problems.push("sex_disagrees");
  const place = Number(citizenId.slice(0, 3));
  if (place < FIRST_COUNTRY && !PROVINCES.has(place)) problems.push("unknown_province");
  return problems;
}

// ISO for a day that exists; null for any other. Years are 1 to 9999, as in Python.
export function isoDate(year, month, day) {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  const exists = year >= 1 && year <= 9999 && date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? date.toISOString().slice(0, 10) : null;
}

function cardDate(text) {
  if (!/^[0-9]{8}$/.test(text)) return null;
  return isoDate(Number(text.slice(4)), Number(text.slice(2, 4)), Number(text.slice(0, 2)));
}
