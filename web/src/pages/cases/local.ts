/** A time typed in the city's own time, as an instant. */
import { about } from '@/stores/session'

/** `2026-11-03T18:00` of the city -> UTC. */
export function instantOf(local: string): string {
  const guess = new Date(`${local}:00Z`).getTime()
  const zone = about.value?.zone ?? 'Asia/Shanghai'
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(guess)
  const offset = new Date(`${shown.replace(' ', 'T')}Z`).getTime() - guess
  return `${new Date(guess - offset).toISOString().slice(0, 19)}Z`
}

/** An instant as `2026-11-03T18:00` of the city. */
export function localOf(instant: Date): string {
  const zone = about.value?.zone ?? 'Asia/Shanghai'
  return new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(instant).replace(' ', 'T')
}
