// Tube codes as pipeline/domain/tube_codes.py has them: normalised, and with an ISO 7064 MOD 37,36 check character where they are ours.

import { nfc } from "./text.js";

const SEPARATORS = /[ \t\n\f\r\-_./]/g;
const CODE = /^[A-Z0-9]{3,32}$/;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SIZE = ALPHABET.length;

export const normalise = (text) => nfc(text).replace(SEPARATORS, "").replace(/[a-z]/g, (letter) => letter.toUpperCase());

export const isCode = (text) => CODE.test(normalise(text));

// Throws a RangeError where the stem can be no code.
export function withCheck(stem) {
  const code = normalise(stem);
  if (!isCode(code)) throw new RangeError("no code");
  return code + ALPHABET[(1 + SIZE - doubled(sum(code)) % SIZE) % SIZE];
}

export function hasCheck(text) {
  const code = normalise(text);
  return isCode(code) && sum(code) === 1;
}

export function isAcceptable(text, ownPrefix) {
  if (!isCode(text)) return false;
  const isOurs = ownPrefix !== "" && normalise(text).startsWith(ownPrefix);
  return isOurs ? hasCheck(text) : true;
}

const doubled = (value) => ((value || SIZE) * 2) % (SIZE + 1);

const sum = (code) => [...code].reduce((before, letter) => (doubled(before) + ALPHABET.indexOf(letter)) % SIZE, SIZE / 2);
