/** What a site says when one points at it; text only, never markup from a device. */
import { Popup, type Map as GlMap } from 'maplibre-gl'
import type { Site } from './sites'
import { gradeWords } from '@/pages/overview/grades'
import { dayClock } from '@/times'
import { t } from '@/words'

function line(parent: HTMLElement, words: string, kind = 'p'): HTMLElement {
  const made = document.createElement(kind)
  made.textContent = words
  parent.append(made)
  return made
}

/** Show it; with `open` the popup stays and leads on. */
export function popup(map: GlMap, site: Site, beneath: number, open: ((path: string) => void) | null): Popup {
  const box = document.createElement('div')
  box.className = 'site-popup'
  line(box, site.name, 'strong')
  line(box, `${t(`station.type_${site.type}`)} · ${site.aqi === null ? '' : `AQI ${site.aqi} `}${gradeWords(site)}`)
  const values = Object.entries(site.values).filter(([, value]) => value !== null)
  if (values.length) line(box, values.slice(0, 6).map(([code, value]) => `${short(code)} ${printed(value as number)}`).join('  '))
  if (site.at) line(box, t('face.as_of', { time: dayClock(site.at) })).className = 'muted'
  if (site.online === false) line(box, t('map.silent')).className = 'silent'
  if (site.alarm) line(box, t(`alert.${site.alarm}`)).className = 'alarm'
  if (beneath) line(box, t('map.beneath_count', { count: beneath })).className = 'muted'
  if (open) {
    const row = line(box, '')
    const go = (path: string, words: string) => {
      const link = line(row, words, 'a') as HTMLAnchorElement
      link.href = path
      link.addEventListener('click', (event) => {
        event.preventDefault()
        open(path)
      })
    }
    go(`/sites/${site.ref}`, t('map.open_site'))
    if (site.event) go(`/alarms/${site.event}`, t('map.open_event'))
  }
  return new Popup({ closeButton: Boolean(open), closeOnClick: Boolean(open), offset: 14, maxWidth: '280px' }).setLngLat([site.lon, site.lat]).setDOMContent(box).addTo(map)
}

const SIX = ['pm25', 'pm10', 'o3', 'no2', 'so2', 'co']
function short(code: string): string {
  return SIX.includes(code) ? t(`overview.item_${code}`) : code.toUpperCase()
}
function printed(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString()
}
