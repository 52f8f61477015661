/* The service worker. The build writes the list of files and their version into it. It keeps the pages, never /api:
   what a person may read is kept by the page itself, by person, and goes with an explicit logout. */
const VERSION = '__VERSION__'
const FILES = __FILES__
const SHELL = `bihuan-${VERSION}`

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(SHELL).then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: 'reload' })))))
})

self.addEventListener('activate', (event) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('bihuan-') && name !== SHELL) await caches.delete(name)
    await self.clients.claim()
  })())
})

self.addEventListener('message', (event) => {
  if (event.data === 'take over') self.skipWaiting()
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin || url.pathname.startsWith('/api/')) return
  if (request.mode === 'navigate') event.respondWith(page(request))
  else if (url.pathname.startsWith('/assets/') || FILES.includes(url.pathname)) event.respondWith(file(request))
})

/** The one page: from the network, so that a new build is seen; as kept when there is none within 4 s. */
async function page(request) {
  const cache = await caches.open(SHELL)
  const kept = await cache.match('/')
  if (!kept) return fetch(request)
  const late = new Promise((done) => setTimeout(() => done(kept), 4000))
  return Promise.race([fetch(request).then((found) => (found.ok ? found : kept), () => kept), late])
}

/** Files carry their content in their name: what is kept is right for good. */
async function file(request) {
  const cache = await caches.open(SHELL)
  const kept = await cache.match(request)
  if (kept) return kept
  const found = await fetch(request)
  if (found.ok && new URL(request.url).pathname.startsWith('/assets/')) await cache.put(request, found.clone())
  return found
}
