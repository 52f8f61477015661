/** What the pages of alarms share: types, directions, and the hours of a period. */
import type { Schemas } from '@/api/client'
import { clock, day, dayClock } from '@/times'
import { t } from '@/words'

export type EventLine = Schemas['EventLine']
export type TracePage = Schemas['TracePage']
export type Answer = Schemas['SuspectLine']
export type SearchPage = Schemas['SearchPage']
export type StationLine = Schemas['StationLine']

export function number(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  const size = Math.abs(value)
  const words = size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 1 ? value.toFixed(2) : value.toPrecision(2)
  return (size >= 100 ? words : words.replace(/\.?0+$/, '') || '0').replace('-', '−')
}

const NAMES = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw']
export function direction(degrees: number): string {
  return t(`tracing.${NAMES[Math.round(degrees / 45) % 8]}`)
}

/** 22:30–01:45, with the day when it is not that of `on`. */
export function span(start: string, end: string, on?: string): string {
  const first = on && day(start) === day(on) ? clock(start) : dayClock(start)
  return `${first}–${day(start) === day(end) ? clock(end) : dayClock(end)}`
}

/** 历时 45 分钟, 历时 4.3 小时 */
export function lasted(start: string, end: string): string {
  const minutes = Math.round((new Date(end).getTime() - new Date(start).getTime()) / 60000)
  return minutes < 120 ? t('alarm.lasted', { minutes }) : t('alarm.lasted_hours', { hours: (minutes / 60).toFixed(1).replace(/\.0$/, '') })
}

/** Width of a bar in per cent: as likely as it is, yet seen when it is small. */
export function barWidth(probability: number): number {
  return Math.max(100 * probability, 0.8)
}

export function markTone(kind: string | undefined): string {
  return kind === 'confirmed' ? 'info' : kind === 'dispatched' ? 'ok' : kind === 'false' || kind === 'merged' ? '' : 'danger'
}

export function kindTone(event: { kind: string; grade: string; open: boolean }): string {
  if (!event.open) return ''
  return event.kind === 'limit' || event.grade === 'major' ? 'danger' : 'warn'
}
