/** How a target stands, in a word and a colour. */
import type { Schemas } from '@/api/client'
import { t } from '@/words'

type Line = Schemas['TargetLine']
type Tone = 'ok' | 'warn' | 'danger' | ''
/** A target later than this is worth a look; later than an hour, a call to the other platform. [s] */
const LOOK = 300
const WRONG = 3600

export function standing(line: Line): { word: string; tone: Tone } {
  if (line.state === 'ended') return { word: 'ended', tone: '' }
  if (line.state === 'paused') return { word: 'paused', tone: 'warn' }
  const tone: Tone = line.line === 'connected' ? (line.stuck ? 'warn' : 'ok') : line.line === 'away' ? 'danger' : 'warn'
  return { word: line.line, tone }
}

export function late(line: Line): { words: string; tone: Tone } {
  const lag = line.lag
  if (lag === null) return { words: '–', tone: '' }
  const tone: Tone = lag > WRONG ? 'danger' : lag > LOOK ? 'warn' : 'ok'
  if (lag < 1) return { words: t('forward.no_lag'), tone }
  if (lag < 120) return { words: t('forward.seconds', { count: Math.round(lag) }), tone }
  if (lag < 7200) return { words: t('forward.minutes', { count: Math.round(lag / 60) }), tone }
  if (lag < 172_800) return { words: t('forward.hours', { count: Math.round(lag / 3600) }), tone }
  return { words: t('forward.days', { count: Math.round(lag / 86_400) }), tone }
}
