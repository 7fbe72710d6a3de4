// The tubes of this phone: in memory for showing, in the store for keeping. A book without a store forgets (the check-only mode).

import { State, dayOf, localTime } from "./tubes.js";

const PREFIX = "tube:";

export class Book {
  #store;
  #tubes = new Map();

  // values: what the store holds, by id
  constructor(store = null, values = new Map()) {
    this.#store = store;
    for (const [id, value] of values) if (id.startsWith(PREFIX)) this.#tubes.set(value.id, value);
  }

  tubes() {
    return [...this.#tubes.values()].sort((one, other) => other.startedAt - one.startedAt);
  }

  tube(id) {
    return this.#tubes.get(id);
  }

  // On the disk first, then here: what is shown is kept.
  async save(tube) {
    await this.#store?.put(PREFIX + tube.id, tube);
    this.#tubes.set(tube.id, tube);
    return tube;
  }

  async remove(tube) {
    await this.#store?.remove(PREFIX + tube.id);
    this.#tubes.delete(tube.id);
  }

  unsent() {
    return this.tubes().filter((tube) => tube.state !== State.RECEIVED);
  }

  // What the server has and whose day is over is nobody's business any more.
  async tidy(zone, now) {
    const today = localTime(now, zone).slice(0, 10);
    for (const tube of this.tubes()) {
      if (tube.state === State.RECEIVED && dayOf(tube, zone) < today) await this.remove(tube);
    }
  }
}
