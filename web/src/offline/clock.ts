/** The time by which people here live: the phone's own clock, or the city's where a synthetic city runs. */
import { about } from '@/stores/session'

interface Mark { city: number; wall: number; pace: number }
let mark: Mark | null = null
let marked = ''

function cityMark(): Mark | null {
  const told = about.value
  if (!told?.demo) return null
  if (marked !== told.now) {
    marked = told.now
    mark = { city: new Date(told.now).getTime(), wall: Date.now(), pace: told.demo.pace ?? 0 }
  }
  return mark
}

export function now(): Date {
  const city = cityMark()
  return city ? new Date(city.city + (Date.now() - city.wall) * city.pace) : new Date()
}

/** To the second, as it goes to the server. */
export function stamp(): string {
  return `${now().toISOString().slice(0, 19)}Z`
}
