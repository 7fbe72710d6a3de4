// The phone page: which view is shown, and what a tap does. What it shows is kept already; what it keeps is in store.js.

import { Book } from "./book.js";
import { CARD, TUBE, scan } from "./camera.js";
import { readCard } from "./card.js";
import { $, ask, button, element, lines, show, shown } from "./dom.js";
import { PersonForm } from "./person.js";
import { Sender, post } from "./sender.js";
import { openStore } from "./store.js";
import { State, bodyOf, digestOf, lastOf, newTube, noOne, personFindings, personOf, sameCode, shownDate, stops, tubeFindings } from "./tubes.js";
import { Words } from "./words.js";

const ASK_LIMIT_MS = 5_000;
const CLOCK_LIMIT_MIN = 5;
const BUSY_AFTER_MS = 500;
const RECEIPT_LENGTH = 12;
const SIGNED_OUT = "signed-out";
const SESSION_LEFT = "session-left";
const SIGN_OUT = "sign-out";

let words;
let store;
let settings = null;
let kept;
let trial = null;
let unreadable = 0;
let mustSignIn = false;
let offline = false;
let notKept = false;
let clockMinutes = 0;
let sender;
let form;
let current = null;
let scanning = null;

const book = () => trial ?? kept;
const everyone = () => [...new Set([...kept.tubes(), ...(trial?.tubes() ?? [])])];
const t = (key, values) => words.t(key, values);

// A change that could not be kept is said, and is not shown as if it were.
async function save(tube) {
  try {
    const saved = await book().save(tube);
    notKept = false;
    return saved;
  } catch (error) {
    notKept = true;
    throw error;
  } finally {
    renderBanners();
  }
}

// A second tap while the first one is at work does nothing.
let isBusy = false;
async function once(work) {
  if (isBusy) return;
  isBusy = true;
  try {
    await work();
  } finally {
    isBusy = false;
  }
}

function stateText(tube) {
  if (tube.state === State.CHECKED) return t(`phone.state.${tube.receipt}`);
  return t(`phone.state.${sender?.isSending(tube) ? "sending" : tube.state}`, { receipt: tube.receipt?.slice(0, RECEIPT_LENGTH) });
}

function renderBanners() {
  const told = [];
  if (trial) told.push(t("phone.trial.on"));
  if (offline) told.push(t("phone.banner.offline"));
  if (mustSignIn || sender?.mustSignIn) told.push(t("phone.banner.sign_in"));
  if (clockMinutes) told.push(t("phone.banner.clock", { minutes: clockMinutes }));
  if (unreadable) told.push(t("phone.banner.unreadable", { n: unreadable }));
  if (notKept) told.push(t("phone.banner.not_kept"));
  const before = [...$("banners").children].map((line) => line.firstChild.textContent);
  if (before.join() === told.join()) return;
  lines($("banners"), told);
  const signIn = [...$("banners").children].find((line) => line.textContent === t("phone.banner.sign_in"));
  signIn?.append(" ", element("a", { href: "/sign-in", textContent: t("phone.sign_in") }));
}

function peopleList(tube) {
  return element("ol", {}, ...tube.people.map((person) => element("li", { textContent: `${person.full_name}, ${shownDate(person.birth_date)}` })));
}

function tubeCard(tube, wasOpen) {
  const parts = [element("h3", { textContent: tube.code }), element("p", { className: "state", textContent: stateText(tube) })];
  if (tube.reasons?.length) parts.push(element("ul", {}, ...tube.reasons.map((one) => element("li", { textContent: words.finding(one) }))));
  const summary = element("summary", { textContent: t("phone.tubes.people", { n: tube.people.length }) });
  parts.push(element("details", { open: wasOpen }, summary, peopleList(tube)));
  if (tube.state === State.RECEIVED) parts.push(element("a", { href: `/files/${tube.receipt}`, textContent: t("phone.tube.receipt") }));
  if (tube.state === State.OPEN) parts.push(button(t("phone.tube.go_on"), "plain", () => openTube(tube)));
  if (tube.state === State.REFUSED) parts.push(button(t("phone.tube.correct"), "plain", () => reopen(tube)));
  const item = element("li", { id: `tube-${tube.id}` }, ...parts);
  item.dataset.state = sender?.isSending(tube) ? "sending" : tube.state;
  return item;
}

function renderTubes() {
  const tubes = book().tubes();
  const open = new Set([...$("tubes").querySelectorAll("details[open]")].map((one) => one.parentElement.id));
  const focused = document.activeElement?.closest("#tubes > li")?.id;
  $("tubes").replaceChildren(...tubes.map((tube) => tubeCard(tube, open.has(`tube-${tube.id}`))));
  if (focused) $(focused)?.querySelector("button, summary")?.focus();
  $("no-tubes").hidden = tubes.length > 0;
  $("send-now").hidden = trial !== null || !tubes.some((tube) => tube.state === State.WAITING);
}

function renderHome(focus = null) {
  current = null;
  $("who").textContent = t("phone.account", settings);
  $("trial").checked = trial !== null;
  $("begin-error").textContent = "";
  renderTubes();
  renderBanners();
  show("home", focus);
}

function renderTube(focus = null) {
  const tube = current;
  $("tube-title").textContent = t("phone.tube.title", { code: tube.code });
  $("tube-count").textContent = tube.people.length
    ? t("phone.tube.count", { n: tube.people.length, most: settings.programme.max_pool_size })
    : t("phone.tube.empty");
  $("tube-note").textContent = "";
  lines($("tube-findings"), tube.reasons.map((one) => words.finding(one)));
  $("site").value = tube.site ?? "";
  renderModes(tube);
  $("replaces").value = tube.replaces;
  $("people").replaceChildren(...tube.people.map((person, at) => personCard(tube, person, at)));
  show("tube", focus);
}

// Where the programme has one mode only, there is nothing to choose.
function renderModes(tube) {
  const { modes = [], default_mode: usual } = settings.programme;
  $("modes").hidden = modes.length < 2;
  $("mode").replaceChildren(...modes.map((mode) => element("option", { value: mode, textContent: t(`phone.tube.mode_${mode}`) })));
  $("mode").value = tube.mode || usual;
}

function personCard(tube, person, at) {
  const name = person.full_name || t("phone.person.nameless");
  const told = [shownDate(person.birth_date), person.sex && t(`phone.sex.${person.sex}`), person.phone, person.citizen_id, person.address];
  const warned = personFindings(person, tube, at, everyone(), settings).filter((one) => !stops(one)).map((one) => words.finding(one));
  const correct = button(t("phone.person.correct"), "plain", () => openPerson({ at, fields: person }));
  const remove = button(t("phone.person.remove"), "danger", () => removePerson(at, name));
  for (const one of [correct, remove]) one.setAttribute("aria-label", `${one.textContent}: ${name}`);
  return element("li", {}, element("h2", { textContent: `${at + 1}. ${name}` }), element("p", { textContent: told.filter(Boolean).join(" · ") }),
    ...warned.map((text) => element("p", { className: "hint", textContent: text })), element("div", { className: "pair" }, correct, remove));
}

function openTube(tube) {
  current = tube;
  if (tube.draft) form.open(tube);
  else renderTube();
}

// A phone whose clock was ahead has been set by now: its tube was not collected in the future.
async function reopen(tube) {
  const startedAt = Math.min(tube.startedAt, Date.now());
  openTube(await save({ ...tube, startedAt, state: State.OPEN, body: null, digest: null, tries: 0, nextTry: 0 }));
}

// Begin a tube, or go on with it; true where that was done, so that the camera stops.
async function begin(code) {
  const typed = newTube(crypto.randomUUID(), code, Date.now(), lastOf(book().tubes()));
  const known = book().tubes().find((tube) => sameCode(tube.code, typed.code));
  if (known?.state === State.OPEN) {
    openTube(known);
    return true;
  }
  const wrong = known ? t("phone.tube.known", { code: known.code, state: stateText(known) }) : tubeFindings(typed, settings).map((one) => words.finding(one))[0];
  $("begin-error").textContent = wrong ?? "";
  $("tube-code").setAttribute("aria-invalid", String(Boolean(wrong)));
  if (wrong) return wrong;
  $("tube-code").value = "";
  openTube(await save(typed));
  return true;
}

async function openPerson(draft) {
  current = await save({ ...current, draft });
  form.open(current);
}

async function removePerson(at, name) {
  if (!(await ask(t("phone.person.remove_sure", { name, code: current.code }), t("phone.ask.yes")))) return;
  current = await save({ ...current, people: current.people.filter((_, index) => index !== at) });
  renderTube();
}

// What would come back of the whole tube, people numbered.
function allFindings(tube) {
  const people = tube.people.flatMap((person, at) =>
    personFindings(person, tube, at, everyone(), settings).filter(stops).map((one) => ({ ...one, place: at + 1 })));
  return [...tubeFindings(tube, settings), ...people];
}

async function finish() {
  const wrong = current.people.length ? allFindings(current) : [];
  lines($("tube-findings"), current.people.length ? wrong.map((one) => words.finding(one)) : [t("phone.tube.empty")]);
  if (wrong.length || !current.people.length) return $("tube-title").focus();
  const values = { code: current.code, n: current.people.length };
  if (!trial && !(await ask(t("phone.tube.finish_sure", values), t("phone.tube.finish")))) return undefined;
  const body = bodyOf(current, settings);
  const finished = { ...current, body, digest: await digestOf(body), reasons: [], tries: 0, nextTry: 0 };
  await (trial ? checkOnly(finished) : save({ ...finished, state: State.WAITING }));
  renderHome($("scan-tube"));
  if (!trial) sender.wake();
  return undefined;
}

async function checkOnly(tube) {
  const answer = await post("/phone/check", tube);
  const verdicts = { received: "checked", refused: "checked_bad", again: "checked_here", sign_in: "checked_here" };
  await save({ ...tube, state: State.CHECKED, receipt: verdicts[answer.kind], reasons: answer.reasons ?? [] });
}

async function discard() {
  if (!(await ask(t("phone.tube.discard_sure", { code: current.code, n: current.people.length }), t("phone.tube.discard")))) return;
  await book().remove(current);
  renderHome();
}

// The camera until `take` says true; text that it returns is told and the search goes on, as it does after null.
async function withCamera(title, codes, take, typed) {
  $("camera-title").textContent = t(title);
  $("camera-note").textContent = t("phone.camera.looking");
  $("stop-camera").textContent = t("phone.camera.type");
  $("video").hidden = false;
  show("camera");
  scanning = new AbortController();
  try {
    await scan($("video"), codes, async (text) => {
      const taken = await take(text);
      if (typeof taken === "string") $("camera-note").textContent = taken;
      return taken === true;
    }, scanning.signal);
  } catch (error) {
    if (error.name === "AbortError") return typed();
    $("camera-note").textContent = t("phone.camera.absent");
    $("stop-camera").textContent = t("phone.card.type");
    $("video").hidden = true;
    return undefined;
  }
  return scanning.signal.aborted ? typed() : undefined;
}

function scanTube() {
  // A card that lies beside the tube is none.
  const take = (text) => (readCard(text) ? null : begin(text));
  return withCamera("phone.camera.tube", TUBE, take, () => renderHome($("tube-code")));
}

function scanCard() {
  return withCamera("phone.camera.card", CARD, async (text) => {
    const card = readCard(text);
    if (!card) return t("phone.card.none");
    await openPerson({ at: null, fields: personOf(card) });
    return true;
  }, () => openPerson({ at: null, fields: noOne() }));
}

function stopCamera() {
  const isTube = $("camera-title").textContent === t("phone.camera.tube");
  if (scanning && !scanning.signal.aborted && $("video").srcObject) scanning.abort();
  else if (isTube) renderHome($("tube-code"));
  else openPerson({ at: null, fields: noOne() });
}

async function signOut() {
  const unsent = kept.unsent().length;
  const question = unsent ? t("phone.sign_out.sure_unsent", { n: unsent }) : t("phone.sign_out.sure");
  if (!(await ask(question, t("phone.ask.yes")))) return;
  sender.stop();
  await store.forget();
  let ended = true;
  try {
    ended = (await fetch("/sign-out", { method: "POST", redirect: "manual", signal: AbortSignal.timeout(ASK_LIMIT_MS) })).status < 400;
  } catch {
    ended = false;
  }
  // The page begins anew: what it still holds in memory goes with it.
  window.location.replace(`/phone/?${ended ? SIGNED_OUT : SESSION_LEFT}`);
}

function startView(title, text, offersSignIn) {
  $("start-title").textContent = t(title);
  $("start-text").textContent = text;
  $("sign-in").hidden = !offersSignIn;
  $("delete-foreign").hidden = true;
  show("start");
}

// What the server says of this account: settings, "sign_in", "no_team" for who is signed in and is none, or null without network.
async function askServer() {
  try {
    const response = await fetch("/phone/me", { redirect: "manual", cache: "no-store", signal: AbortSignal.timeout(ASK_LIMIT_MS) });
    if (response.type === "opaqueredirect" || response.status === 401) return "sign_in";
    if ([403, 404].includes(response.status)) return "no_team";
    const told = await response.json();
    return response.ok && told.account ? told : null;
  } catch {
    return null;
  }
}

async function ready() {
  const { values, unreadable: lost } = await store.all();
  unreadable = lost;
  kept = new Book(store, values);
  const before = values.get("settings") ?? null;
  const told = await askServer();
  offline = told === null;
  mustSignIn = told === "sign_in";
  if (told === "no_team") return before ? foreign(before) : noAccount();
  if (told && told !== "sign_in") {
    if (before && (before.account !== told.account || before.place !== told.place)) return foreign(before);
    const minutes = Math.round(Math.abs(Date.now() - Date.parse(told.now)) / 60_000);
    clockMinutes = minutes >= CLOCK_LIMIT_MIN ? minutes : 0;
    await store.put("settings", told);
    settings = told;
  } else if (before) settings = before;
  else return noAccount();
  return work();
}

function noAccount() {
  const why = window.location.search.slice(1);
  if (why === SIGNED_OUT) return startView("phone.start.signed_out", t("phone.start.signed_out_text"), true);
  if (why === SESSION_LEFT) return startView("phone.start.signed_out", t("phone.start.session_left"), true);
  return startView("phone.start.first", t("phone.start.first_text"), true);
}

// The phone has changed hands: what was sent is forgotten; what was not waits for its own account.
async function foreign(before) {
  const unsent = kept.unsent();
  if (!unsent.length) return anew();
  startView("phone.foreign.title", t("phone.foreign.text", { n: unsent.length, account: before.account }), true);
  $("delete-foreign").hidden = false;
  $("delete-foreign").onclick = async () => {
    if (!(await ask(t("phone.foreign.sure", { n: unsent.length }), t("phone.foreign.delete")))) return;
    await anew();
  };
  return undefined;
}

async function anew() {
  await store.forget();
  store = await openStore();
  return ready();
}

async function work() {
  await kept.tidy(settings.programme.time_zone, Date.now());
  sender = new Sender({ book: kept, url: "/phone/tubes", settings: () => settings, onChange: changed });
  form = new PersonForm({
    words, settings: () => settings, everyone, save,
    done: (tube, person) => {
      current = tube;
      renderTube($("scan-card"));
      $("tube-note").textContent = t("phone.person.saved", { name: person.full_name || t("phone.person.nameless"), code: tube.code });
    },
    cancelled: (tube) => {
      current = tube;
      renderTube();
    },
  });
  $("title").textContent = settings.programme.title[words.code] ?? document.title;
  const draft = kept.tubes().find((tube) => tube.state === State.OPEN && tube.draft);
  if (draft) openTube(draft);
  else renderHome();
  sender.wake(true);
  if (window.location.search.slice(1) === SIGN_OUT) await signOut();
}

function changed() {
  offline = !navigator.onLine || kept.tubes().some((tube) => tube.state === State.WAITING && tube.tries > 0);
  if (!sender.mustSignIn && !offline) mustSignIn = false;
  renderBanners();
  if (shown() === "home") renderTubes();
}

function renderWords() {
  document.documentElement.lang = words.code;
  document.title = t("phone.home.title");
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  $("languages").setAttribute("aria-label", t("layout.languages"));
  $("languages").replaceChildren(...words.codes.map((code) => {
    const one = button(words.nameOf(code), "", () => choose(code));
    one.lang = code;
    one.setAttribute("aria-pressed", String(code === words.code));
    return one;
  }));
}

function choose(code) {
  words.choose(code);
  renderWords();
  lines($("banners"), []);
  if (!settings) return ready();
  $("title").textContent = settings.programme.title[code] ?? document.title;
  renderBanners();
  const view = shown();
  if (view === "home") renderHome();
  if (view === "tube") renderTube();
  if (view === "person") form.open(book().tube(current.id));
  if (view === "camera") stopCamera();
  $("languages").querySelector("[aria-pressed=true]").focus();
  return undefined;
}

function listen() {
  $("begin").onsubmit = (event) => {
    event.preventDefault();
    once(() => begin($("tube-code").value));
  };
  $("scan-tube").onclick = scanTube;
  $("scan-card").onclick = scanCard;
  $("stop-camera").onclick = stopCamera;
  $("type-person").onclick = () => openPerson({ at: null, fields: noOne() });
  for (const field of ["site", "replaces"]) {
    $(field).oninput = () => {
      current = { ...current, [field]: $(field).value.trim() };
      save(current);
    };
  }
  $("mode").onchange = () => {
    current = { ...current, mode: $("mode").value };
    save(current);
  };
  $("finish").onclick = () => once(finish);
  $("back").onclick = () => renderHome();
  $("discard").onclick = discard;
  $("send-now").onclick = () => sender.wake(true);
  $("sign-out").onclick = signOut;
  $("trial").onchange = () => {
    trial = $("trial").checked ? new Book() : null;
    renderHome($("trial"));
  };
  window.addEventListener("online", () => sender?.wake(true));
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && sender?.wake(true));
  window.addEventListener("offline", () => sender && changed());
}

// One page at a time works on the store; a second tab waits for the first.
async function alone() {
  const busy = setTimeout(() => startView("phone.home.title", t("phone.busy"), false), BUSY_AFTER_MS);
  await new Promise((granted) => {
    navigator.locks.request("unpool-phone", () => new Promise(() => granted()));
  });
  clearTimeout(busy);
}

async function start() {
  words = new Words(await (await fetch("/phone/texts.json")).json());
  renderWords();
  if (!isSecureContext) return startView("phone.home.title", t("phone.insecure"), false);
  navigator.serviceWorker.register("/phone/sw.js", { scope: "/phone/", updateViaCache: "none" }).catch(() => undefined);
  await alone();
  try {
    store = await openStore();
  } catch {
    return startView("phone.home.title", t("phone.failed"), false);
  }
  navigator.storage?.persist?.().catch(() => undefined);
  listen();
  return ready();
}

start();
