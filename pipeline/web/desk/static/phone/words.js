// The page's texts in the reader's language. The choice alone is kept in the clear: it says nothing about anybody.

const KEPT = "unpool-language";

export class Words {
  #all;
  code;

  constructor(all) {
    this.#all = all;
    const wanted = [localStorage.getItem(KEPT), ...navigator.languages.map((code) => code.split("-")[0]), "vi"];
    this.code = wanted.find((code) => code in all);
  }

  get codes() {
    return Object.keys(this.#all);
  }

  nameOf(code) {
    return this.#all[code]["language.name"];
  }

  choose(code) {
    localStorage.setItem(KEPT, code);
    this.code = code;
  }

  has(key) {
    return key in this.#all[this.code];
  }

  // A key without a text is a defect and is seen as one.
  t(key, values = {}) {
    return (this.#all[this.code][key] ?? `[${key}]`).replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
  }

  // A finding's sentence: the page's own where it has one, else the row rule's.
  finding({ code, place, field }) {
    const key = [`phone.refused.${code}`, `reason.${code}`, "phone.refused.other"].find((one) => this.has(one));
    const sentence = this.t(key, { code, field: code === "missing_identity" ? this.t(`phone.field.${field}`) : field });
    return (place ? `${this.t("phone.person.number", { n: place })}: ` : "") + sentence;
  }
}
