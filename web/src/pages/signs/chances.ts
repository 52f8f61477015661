/** What a small chance reads like: never more figures than it is worth. */
import { t } from '@/words'

export function chance(p: number): string {
  if (p < 1e-6) return t('signs.chance_below', { value: '0.000001' })
  const value = p >= 0.001 ? p.toPrecision(1) : p.toFixed(Math.min(6, Math.ceil(-Math.log10(p))))
  return t('signs.chance_about', { value: String(Number(value)) === '0' ? value : Number(value).toLocaleString('en', { maximumSignificantDigits: 1 }) })
}

export function signTone(state: string): string {
  return { open: 'warn', dismissed: '', sent: 'info', gone: '' }[state] ?? ''
}

export const SIGN_KINDS = [
  'copied_site', 'copied_earlier', 'reworked_site', 'reworked_earlier', 'clipped_limit', 'noise_low', 'noise_regular', 'digits', 'repetition', 'o2_dilution', 'divergence', 'parameter_change',
] as const
