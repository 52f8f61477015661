/** Words of what a site was judged as; apart from the map, which is a chunk of its own. */
import type { Schemas } from '@/api/client'
import { t } from '@/words'

export function gradeWords(site: Schemas['SiteRow']): string {
  if (!site.label) return t('face.no_data')
  if (site.type === 'station') return t(`aqi.${site.label}`)
  return t(site.type === 'section' ? `verdict.class_${site.label}` : `map.outlet_${site.label}`)
}
