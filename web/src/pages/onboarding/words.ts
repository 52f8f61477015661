/** What the pages of devices share: spans of time in words, efficiency as a person reads it, copying. */
import { tell } from '@/stores/toasts'
import { fullClock } from '@/times'
import { t } from '@/words'

export const INTERVALS = ['rt', 'minute', 'hour', 'day'] as const

/** 300 s → 5 min; what is no whole minute stays in seconds. */
export function step(seconds: number): string {
  if (seconds % 3600 === 0) return t('overview.hours_short', { hours: seconds / 3600 })
  return seconds % 60 === 0 ? t('overview.minutes_short', { minutes: seconds / 60 }) : `${seconds} s`
}

/** What a logger owes, finest first: `minute 5 min · hour 1 h`. */
export function rhythm(steps: Record<string, number>): string {
  const told = INTERVALS.filter((name) => name in steps).map((name) => `${t(`onboarding.${name}`)} ${step(steps[name])}`)
  return told.join(' · ') || '–'
}

export async function copy(words: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(words)
    tell('ok', t('onboarding.copied'), words)
  } catch {
    tell('warn', t('onboarding.copy_failed'), words)
  }
}

/** Reports missed in a row before a logger counts as silent on this page; alarms have rules of their own. */
export const SILENT = 3

/** What `datetime-local` holds is a time of the city; the wire wants an instant. Empty is none. */
export function instantOf(local: string): string | undefined {
  if (!local) return undefined
  const meant = new Date(`${local}Z`)
  const shown = fullClock(meant).replace(' ', 'T')
  return new Date(meant.getTime() - (new Date(`${shown}Z`).getTime() - meant.getTime())).toISOString()
}
