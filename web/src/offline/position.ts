/** The position of the phone, read at a press and at no other time. */
import { shallowRef } from 'vue'
import type { Spot } from './db'

/** Where the last press read it; distances are counted from here and it is forgotten when the page closes. */
export const lastPlace = shallowRef<Spot | null>(null)

export function readPosition(seconds = 10): Promise<Spot> {
  return new Promise((done, refuse) => {
    if (!('geolocation' in navigator)) return refuse(new Error('unavailable'))
    // the phone's own limit begins only when its question "may this page know where you are?" was answered
    setTimeout(() => refuse(new Error('unanswered')), (seconds + 2) * 1000)
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => {
        lastPlace.value = { lon: coords.longitude, lat: coords.latitude }
        done(lastPlace.value)
      },
      refuse,
      { enableHighAccuracy: true, timeout: seconds * 1000, maximumAge: 0 },
    )
  })
}

/** Great-circle distance. [m] */
export function metres(a: Spot, b: Spot): number {
  const rad = Math.PI / 180
  const h = Math.sin(((b.lat - a.lat) * rad) / 2) ** 2
    + Math.cos(a.lat * rad) * Math.cos(b.lat * rad) * Math.sin(((b.lon - a.lon) * rad) / 2) ** 2
  return 2 * 6_371_008.8 * Math.asin(Math.min(1, Math.sqrt(h)))
}
