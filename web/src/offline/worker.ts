/** The service worker: the pages open without network; a newer build is noticed and taken when the person says so. */
import { ref } from 'vue'

/** A newer build waits; nothing is replaced while somebody types. */
export const newer = ref(false)
let waiting: ServiceWorker | null = null

export function startWorker(): void {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  let reloading = false
  const began = !!navigator.serviceWorker.controller
  navigator.serviceWorker.addEventListener('controllerchange', () => {
    if (!began || reloading) return // the first one takes over without a reload
    reloading = true
    location.reload()
  })
  void navigator.serviceWorker.register('/sw.js').then((found) => {
    const ready = () => {
      if (!found.waiting || !navigator.serviceWorker.controller) return
      waiting = found.waiting
      newer.value = true
    }
    ready()
    found.addEventListener('updatefound', () => found.installing?.addEventListener('statechange', ready))
    setInterval(() => void found.update().catch(() => undefined), 10 * 60_000)
  }).catch(() => undefined) // without it the pages still work while there is a network
}

export function takeNewer(): void {
  waiting?.postMessage('take over')
}
