// The form of one person: typed or read from a card, kept letter by letter, and told at once where they already are.

import { readCard } from "./card.js";
import { $, button, element, lines, show } from "./dom.js";
import { FIELDS, isKept, personFindings, personOf, places, shownDate, stops, tidied } from "./tubes.js";

const KINDS = { phone: "tel", citizen_id: "text", full_name: "text" };
const PADS = { phone: "tel", citizen_id: "numeric", birth_date: "text" };
const SEXES = ["", "M", "F", "O"];

export class PersonForm {
  #page;
  #tube;
  #at;

  // page: { words, settings(), book(), everyone(): tubes to look in, save(tube), done(tube, person), cancelled(tube) }
  constructor(page) {
    this.#page = page;
  }

  // The draft of `tube` as the form. `draft.at`: place of who is corrected; null: somebody new.
  open(tube) {
    const { words } = this.#page;
    this.#tube = tube;
    this.#at = tube.draft.at;
    $("person-title").textContent = this.#at === null
      ? words.t("phone.person.title_new", { code: tube.code })
      : words.t("phone.person.title_old", { n: this.#at + 1, code: tube.code });
    lines($("person-findings"), []);
    $("person-form").replaceChildren(...this.#fields(), ...this.#buttons());
    this.#fill(tube.draft.fields);
    $("person-form").onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    show("person");
    this.#showPlaces();
  }

  #shownFields() {
    const { programme } = this.#page.settings();
    return FIELDS.filter((field) => field !== "person_code" || programme.required_identity.includes(field))
      .filter((field) => field !== "specimen_code" || isKept(this.#tube, programme));
  }

  #fields() {
    const { words } = this.#page;
    const { required_identity: needed } = this.#page.settings().programme;
    return this.#shownFields().flatMap((field) => {
      const mark = needed.includes(field) ? ` ${words.t("phone.field.needed")}` : "";
      const label = element("label", { htmlFor: `f-${field}`, textContent: words.t(`phone.field.${field}`) + mark });
      const input = field === "sex" ? this.#sexes() : element("input", { type: KINDS[field] ?? "text", inputMode: PADS[field] ?? "text" });
      Object.assign(input, { id: `f-${field}`, name: field, autocomplete: "off", spellcheck: false });
      input.required = needed.includes(field);
      input.setAttribute("aria-describedby", "person-findings");
      input.oninput = () => this.#typed(field, input);
      return [label, input];
    });
  }

  #sexes() {
    const { words } = this.#page;
    return element("select", {}, ...SEXES.map((sex) => element("option", { value: sex, textContent: words.t(`phone.sex.${sex || "none"}`) })));
  }

  #buttons() {
    const { words } = this.#page;
    const save = element("button", { type: "submit", className: "large", id: "save-person", textContent: words.t("phone.person.save") });
    const cancel = button(words.t("phone.person.cancel"), "plain", () => this.#cancel());
    cancel.id = "cancel-person";
    return [save, cancel];
  }

  #fill(fields) {
    for (const field of this.#shownFields()) $(`f-${field}`).value = field === "birth_date" ? shownDate(fields[field]) : fields[field];
  }

  #values() {
    const form = Object.fromEntries(this.#shownFields().map((field) => [field, $(`f-${field}`).value]));
    return { ...this.#tube.draft.fields, ...form };
  }

  // A scanner that types like a keyboard puts a card's whole text into one field.
  async #typed(field, input) {
    const card = field === "full_name" ? readCard(input.value) : null;
    if (card) this.#fill({ ...this.#values(), ...personOf(card) });
    await this.#keep();
    this.#showPlaces();
  }

  async #keep() {
    this.#tube = await this.#page.save({ ...this.#tube, draft: { at: this.#at, fields: this.#values() } });
  }

  #showPlaces() {
    const { words } = this.#page;
    const person = tidied(this.#values());
    const known = person.full_name || person.citizen_id ? places(person, this.#page.everyone(), this.#tube, this.#at) : [];
    lines($("places"), known.map((place) => {
      const where = place.tube.id === this.#tube.id ? "here" : "there";
      return words.t(`phone.person.${place.isCertain ? "" : "maybe_"}${where}`, { name: place.person.full_name, code: place.tube.code });
    }));
    const isTwice = known.some((place) => place.isCertain && place.tube.id === this.#tube.id);
    $("save-person").textContent = words.t(known.length && !isTwice ? "phone.person.anyway" : "phone.person.save");
  }

  async #submit() {
    const { words } = this.#page;
    const person = tidied(this.#values());
    const found = personFindings(person, this.#tube, this.#at, this.#page.everyone(), this.#page.settings());
    const wrong = found.filter(stops);
    for (const field of this.#shownFields()) $(`f-${field}`).setAttribute("aria-invalid", String(wrong.some((one) => one.field === field)));
    lines($("person-findings"), wrong.map((one) => words.finding(one)));
    if (wrong.length) {
      ($(`f-${wrong[0].field}`) ?? $("person-title")).focus();
      return;
    }
    const people = [...this.#tube.people];
    people.splice(this.#at ?? people.length, this.#at === null ? 0 : 1, person);
    await this.#page.done(await this.#page.save({ ...this.#tube, people, draft: null }), person, found);
  }

  async #cancel() {
    await this.#page.cancelled(await this.#page.save({ ...this.#tube, draft: null }));
  }
}
