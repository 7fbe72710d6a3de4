// Finished tubes to the server: one POST a tube, the same bytes at each try, the digest of the bytes as its idempotency key. The server takes
// a digest once, so a try whose answer was lost is simply made again. Waits grow and are spread, so that phones do not come back all at once.

import { State } from "./tubes.js";

const LONGEST_WAIT_S = 300;
const ANSWER_LIMIT_MS = 30_000;

// After the try numbered `tries` from 1; `chance` is from 0 to 1.
export const waitAfter = (tries, firstWaitS, chance) => Math.min(LONGEST_WAIT_S, firstWaitS * 2 ** (tries - 1)) * (0.5 + chance / 2);

export class Sender {
  #book;
  #url;
  #settings;
  #onChange;
  #sending = null;
  #running = null;
  #timer = null;
  #isStopped = false;
  mustSignIn = false;

  // book: { tubes(): iterable, save(tube): Promise }; settings(): what /phone/me said last; onChange(): something is to be shown anew.
  constructor({ book, url, settings, onChange }) {
    this.#book = book;
    this.#url = url;
    this.#settings = settings;
    this.#onChange = onChange;
  }

  isSending(tube) {
    return this.#sending === tube.id;
  }

  stop() {
    clearTimeout(this.#timer);
    this.#isStopped = true;
  }

  // Send what is due; with `now`, all that waits.
  wake(now = false) {
    clearTimeout(this.#timer);
    this.#running = (this.#running ?? Promise.resolve()).then(() => this.#round(now)).then(() => this.#plan(0), () => this.#plan(1000 * this.#settings().retry_s));
    return this.#running;
  }

  async #round(now) {
    for (const tube of [...this.#book.tubes()].reverse()) {
      if (this.#isStopped) return;
      if (tube.state !== State.WAITING || (!now && tube.nextTry > Date.now())) continue;
      this.#sending = tube.id;
      this.#onChange();
      const answer = await post(this.#url, tube);
      this.#sending = null;
      if (this.#isStopped) return;
      await this.#note(tube, answer);
      this.#onChange();
      if (this.mustSignIn) return;
    }
  }

  // What became of the try is kept before it is shown.
  async #note(tube, answer) {
    this.mustSignIn = answer.kind === "sign_in";
    switch (answer.kind) {
      case "received":
        return this.#book.save({ ...tube, state: State.RECEIVED, receipt: answer.receipt, reasons: [] });
      case "refused":
        return this.#book.save({ ...tube, state: State.REFUSED, reasons: answer.reasons });
      case "sign_in":
        return undefined;
      case "again": {
        const tries = tube.tries + 1;
        const wait = waitAfter(tries, this.#settings().retry_s, Math.random());
        return this.#book.save({ ...tube, tries, nextTry: Date.now() + 1000 * wait });
      }
      default:
        throw new Error(answer.kind);
    }
  }

  // leastMs: after a store that failed, so that an answer that cannot be kept is not asked for without pause.
  #plan(leastMs) {
    const due = [...this.#book.tubes()].filter((tube) => tube.state === State.WAITING).map((tube) => tube.nextTry);
    if (due.length && !this.mustSignIn && !this.#isStopped) this.#timer = setTimeout(() => this.wake(), Math.max(leastMs, Math.min(...due) - Date.now()));
  }
}

// What the server's answer means. An answer that does not name our digest is none of ours: a café's sign-on page says 200 to everything.
export async function post(url, tube) {
  let response;
  let told;
  try {
    response = await fetch(url, {
      method: "POST", body: tube.body, redirect: "manual", cache: "no-store", credentials: "same-origin",
      headers: { "Content-Type": "application/json", "Idempotency-Key": tube.digest }, signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    if (response.type === "opaqueredirect" || [401, 403, 404].includes(response.status)) return { kind: "sign_in" };
    told = await response.json();
  } catch {
    return { kind: "again" };
  }
  if (told?.digest !== tube.digest) return { kind: "again" };
  if (response.ok) return { kind: "received", receipt: told.receipt, reasons: [] };
  return Array.isArray(told.reasons) ? { kind: "refused", reasons: told.reasons } : { kind: "again" };
}
