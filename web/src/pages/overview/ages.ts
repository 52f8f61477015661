/** How long something has lasted, in words short enough for a row. */
import { t } from '@/words'

export function age(now: string | Date, since: string | Date): string {
  const minutes = Math.max(0, Math.floor((new Date(now).getTime() - new Date(since).getTime()) / 60000))
  const hours = Math.floor(minutes / 60)
  if (minutes < 60) return t('overview.minutes_short', { minutes })
  if (hours < 24) return minutes % 60 ? t('overview.hours_minutes', { hours, minutes: minutes % 60 }) : t('overview.hours_short', { hours })
  return t('overview.days_hours', { days: Math.floor(hours / 24), hours: hours % 24 })
}

/** A figure as it is printed; null is –. */
export function figure(value: number | null | undefined, decimals = 0): string {
  return value === null || value === undefined ? '–' : value.toFixed(decimals)
}

const DIRECTIONS = ['n', 'ne', 'e', 'se', 's', 'sw', 'w', 'nw']
/** Where the wind comes from, in words. */
export function direction(degrees: number | null | undefined): string {
  if (degrees === null || degrees === undefined) return '–'
  return t(`tracing.${DIRECTIONS[Math.round(degrees / 45) % 8]}`)
}
/** Decimals of the six items as they are printed. */
export const DECIMALS: Record<string, number> = { co: 1 }
