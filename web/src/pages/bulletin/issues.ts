/** What the pages of bulletins share. */
import type { Schemas } from '@/api/client'
import { t } from '@/words'

export function numberOf(one: Schemas['BulletinLine']): string {
  return one.number ? t('report.number', { year: one.year!, number: one.number }) : ''
}

export function tone(one: Schemas['BulletinLine']): string {
  return { draft: 'warn', checked: 'info', signed: 'ok' }[one.state] ?? ''
}
