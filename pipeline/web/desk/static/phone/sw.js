// The shell of the phone page, kept so that it opens without network. Data are never cached: what is not of the shell goes past this worker.
// The server writes SHELL and VERSION above this line, VERSION being the digest of all the shell's files.

const NAME = `unpool-phone-${VERSION}`;
const PATHS = new Set(SHELL);

async function fill() {
  const cache = await caches.open(NAME);
  for (const path of SHELL) {
    const response = await fetch(path, { cache: "reload" });
    // Signed out, the page's address answers with another page: that must not be kept in its place.
    if (!response.ok || response.redirected) throw new Error(`the shell is not whole: ${path}`);
    await cache.put(path, response);
  }
}

async function tidy() {
  for (const name of await caches.keys()) if (name.startsWith("unpool-phone-") && name !== NAME) await caches.delete(name);
  await self.clients.claim();
}

async function answer(request, path) {
  const kept = await (await caches.open(NAME)).match(path);
  return kept ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(fill().then(() => self.skipWaiting())));
self.addEventListener("activate", (event) => event.waitUntil(tidy()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === self.location.origin && PATHS.has(url.pathname)) {
    event.respondWith(answer(event.request, url.pathname));
  }
});
