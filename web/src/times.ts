/** Instants are UTC on the wire and shown in the city's own time. */
import { about } from '@/stores/session'

function parts(instant: string | Date, options: Intl.DateTimeFormatOptions): Record<string, string> {
  const shape = new Intl.DateTimeFormat('en-GB', { timeZone: about.value?.zone ?? 'Asia/Shanghai', hourCycle: 'h23', ...options })
  return Object.fromEntries(shape.formatToParts(new Date(instant)).map((part) => [part.type, part.value]))
}

/** 08:05 */
export function clock(instant: string | Date): string {
  const p = parts(instant, { hour: '2-digit', minute: '2-digit' })
  return `${p.hour}:${p.minute}`
}

/** 11-02 08:05 */
export function dayClock(instant: string | Date): string {
  const p = parts(instant, { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' })
  return `${p.month}-${p.day} ${p.hour}:${p.minute}`
}

/** 2026-11-02 */
export function day(instant: string | Date): string {
  const p = parts(instant, { year: 'numeric', month: '2-digit', day: '2-digit' })
  return `${p.year}-${p.month}-${p.day}`
}

/** 2026-11, the month that the city's clock stands in */
export function monthNow(): string {
  return day(about.value?.now ?? new Date()).slice(0, 7)
}

/** UTC+8: how far the city's time is from UTC, so that nobody has to guess whose hour is shown. */
export function zoneWords(instant: string | Date): string {
  return (parts(instant, { timeZoneName: 'shortOffset' }).timeZoneName ?? '').replace('GMT', 'UTC')
}

/** 2026-11-02 08:05 */
export function fullClock(instant: string | Date): string {
  return `${day(instant)} ${clock(instant)}`
}
