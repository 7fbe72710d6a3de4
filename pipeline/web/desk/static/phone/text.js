// Names and words as pipeline/domain/names.py has them: what Python calls space is written out, since JavaScript's \s is another set.

const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ENDS = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "gu");
const SPACES = new RegExp(`[${SPACE}]+`, "gu");
const GAPS = new RegExp(`[${SPACE}_\\-\\u2010-\\u2015]+`, "gu");
const COMBINING = /[\u0300-\u036f]/gu;

export const nfc = (text) => text.normalize("NFC");

export const strip = (text) => text.replace(ENDS, "");

// Lower case, no accents, single spaces. The bar of đ is no accent to Unicode: it is taken off by hand.
export const foldName = (text) => strip(text.toLowerCase().normalize("NFD").replace(COMBINING, "").replaceAll("đ", "d").replace(SPACES, " "));

export const foldKey = (text) => foldName(text.startsWith("\ufeff") ? text.slice(1) : text).replace(GAPS, "_");
