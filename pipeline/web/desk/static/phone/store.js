// What this phone keeps: an IndexedDB of sealed records. Every change is on the disk before the page shows it.
//
// Records are AES-GCM under a key that no script can read out. What that is worth: a copy of the database's records is no list of people, and
// once the key is gone, so is everything, whatever a browser leaves behind on the disk. What it is not worth: the key lies in the same
// browser, so whoever holds the unlocked phone, or could run a script on our origin, reads what this page reads; and who can take the
// browser's own files apart will find the key among them. Against these stand the phone's own lock, the strict CSP, signing out, and that
// a day's people are removed when the day is over.

const DATABASE = "unpool-phone";
const KEYS = "keys";
const SEALED = "sealed";
const KEY = "data";

const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export async function openStore() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(KEYS);
    opening.result.createObjectStore(SEALED, { keyPath: "id" });
  };
  const database = await done(opening);
  database.onversionchange = () => database.close();
  const read = () => done(database.transaction(KEYS).objectStore(KEYS).get(KEY));
  if (!(await read())) {
    const made = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
    await written(database, KEYS, (keys) => keys.put(made, KEY));
  }
  return new Store(database, await read());
}

// Resolves once the browser says that the change is on the disk.
function written(database, name, change) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, "readwrite", { durability: "strict" });
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
    change(transaction.objectStore(name));
  });
}

class Store {
  #database;
  #key;
  #last = Promise.resolve();

  constructor(database, key) {
    this.#database = database;
    this.#key = key;
  }

  // A record's name is sealed with it: none can be put in another's place.
  #sealing(id, iv) {
    return { name: "AES-GCM", iv, additionalData: new TextEncoder().encode(id) };
  }

  // One after the other, in the order asked for: of two changes to one record the later stays.
  #inOrder(work) {
    const next = this.#last.then(work, work);
    this.#last = next.catch(() => undefined);
    return next;
  }

  put(id, value) {
    const text = JSON.stringify(value);
    return this.#inOrder(async () => {
      const iv = crypto.getRandomValues(new Uint8Array(12));
      const data = await crypto.subtle.encrypt(this.#sealing(id, iv), this.#key, new TextEncoder().encode(text));
      await written(this.#database, SEALED, (sealed) => sealed.put({ id, iv, data }));
    });
  }

  remove(id) {
    return this.#inOrder(() => written(this.#database, SEALED, (sealed) => sealed.delete(id)));
  }

  // { values: Map of id → value, unreadable: how many records do not open }
  async all() {
    const values = new Map();
    let unreadable = 0;
    for (const { id, iv, data } of await done(this.#database.transaction(SEALED).objectStore(SEALED).getAll())) {
      try {
        values.set(id, JSON.parse(new TextDecoder().decode(await crypto.subtle.decrypt(this.#sealing(id, iv), this.#key, data))));
      } catch {
        unreadable += 1;
      }
    }
    return { values, unreadable };
  }

  // Everything, the key first: what is left on a disk after that opens no more.
  async forget() {
    await this.#inOrder(() => written(this.#database, KEYS, (keys) => keys.clear()));
    await written(this.#database, SEALED, (sealed) => sealed.clear());
    this.#database.close();
    await done(indexedDB.deleteDatabase(DATABASE));
  }
}
