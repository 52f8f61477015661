/** Spans, sizes and counts as the keeper of a server reads them; what is not known is –. */
import { language, t } from '@/words'
import { age } from '../overview/ages'

/** 8 ms, 1.2 s, 3 分钟. */
export function span(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–'
  if (seconds < 0.0001) return t('health.seconds', { count: 0 })
  if (seconds < 1) return `${seconds < 0.01 ? (seconds * 1000).toFixed(1) : Math.round(seconds * 1000)} ms`
  if (seconds < 60) return t('health.seconds', { count: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) })
  return age(new Date(seconds * 1000), new Date(0))
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
export function size(bytes: number): string {
  let power = 0
  while (bytes >= 1024 && power < UNITS.length - 1) {
    bytes /= 1024
    power++
  }
  return `${bytes < 10 && power ? bytes.toFixed(1) : Math.round(bytes)} ${UNITS[power]}`
}

export function whole(count: number): string {
  return count.toLocaleString(language.value === 'zh' ? 'zh-CN' : 'en-GB')
}
