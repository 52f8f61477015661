/** Every site of the city in one source: marks where they have room, counts of what lies beneath; changes go in as differences. */
import type { Feature } from 'geojson'
import type { ExpressionSpecification, GeoJSONSource, GeoJSONSourceDiff, Map as GlMap } from 'maplibre-gl'
import { GRADES, type Grade } from '@/aqi'
import type { Schemas } from '@/api/client'
import { drawMark, markOf, widthOf } from './marks'
import { scaleAt, thin, type Placed } from './thin'

export type Site = Schemas['SiteRow']
export const LAYER = 'sites'
export type Group = 'stations' | 'micro' | 'outlets' | 'sections' | 'worksites'

const MINOR = ['micro', 'dust', 'weather']

export function groupOf(site: Site): Group {
  if (site.type === 'outlet') return 'outlets'
  if (site.type === 'section') return 'sections'
  if (site.type === 'worksite') return 'worksites'
  return MINOR.includes(site.kind) ? 'micro' : 'stations'
}

const WATER: Record<string, string> = { I: 'Ⅰ', II: 'Ⅱ', III: 'Ⅲ', IV: 'Ⅳ', V: 'Ⅴ', worse_than_V: '劣Ⅴ' }

function figureOf(site: Site): string {
  if (site.type === 'section') return WATER[site.label] ?? ''
  if (site.type !== 'station') return site.label === 'suspected_over' ? '!' : ''
  if (site.aqi !== null) return String(site.aqi)
  return groupOf(site) === 'micro' ? '·' : '–'
}

interface Drawn extends Placed {
  mark: string
}

/** What stands on top where marks meet: an alarm, what is over its limit, then by kind, and the worst of a kind. */
function weightOf(site: Site): number {
  const kind = { worksites: 0, outlets: 100, micro: 200, sections: 300, stations: 400 }[groupOf(site)]
  const worst = site.type === 'section' ? Object.keys(WATER).indexOf(site.label) * 10 : (GRADES.indexOf(site.label as Grade) + 1) * 10
  const within = Math.min(9, (site.aqi ?? 0) / 60)
  return (site.alarm ? 1000 : 0) + (site.label === 'suspected_over' ? 500 : kind) + Math.max(0, worst) + within
}

function drawn(site: Site): Drawn {
  const figure = figureOf(site)
  const mark = markOf(site.type, site.label, figure, site.online !== false, Boolean(site.alarm))
  return { ref: site.ref, lon: site.lon, lat: site.lat, weight: weightOf(site), radius: widthOf(mark) / 2, figure: figure !== '' && figure !== '·', mark }
}

const SCALE: ExpressionSpecification = ['interpolate', ['linear'], ['zoom'], 9, scaleAt(9), 12, scaleAt(12), 15, scaleAt(15)]

/** Draw the sites, or change those whose mark is another one now. */
export class SiteLayer {
  private sites: Drawn[] = []
  private shown = new Map<string, string>()
  private beneath = new Map<string, number>()
  private step = NaN
  private onZoom = () => this.thinned() !== this.step && this.redraw()

  constructor(private map: GlMap) {
    map.on('zoom', this.onZoom)
    if (map.getSource(LAYER)) return
    // few large tiles: a tile costs a draw call a layer in every frame, and a metre is still kept
    map.addSource(LAYER, { type: 'geojson', data: { type: 'FeatureCollection', features: [] }, promoteId: 'ref', maxzoom: 11, buffer: 32 })
    const layout = { 'icon-allow-overlap': true, 'icon-ignore-placement': true, 'symbol-z-order': 'source' as const, 'symbol-sort-key': ['get', 'order'] as ExpressionSpecification, 'icon-size': SCALE }
    map.addLayer({ id: LAYER, type: 'symbol', source: LAYER, layout: { ...layout, 'icon-image': ['get', 'mark'] } })
    map.addLayer({
      id: `${LAYER}-more`, type: 'symbol', source: LAYER, filter: ['!=', ['get', 'more'], ''],
      layout: { ...layout, 'icon-image': ['get', 'more'], 'icon-offset': ['get', 'corner'] },
    })
  }

  /** The half step of the zoom that the marks are thinned for. */
  private thinned(): number {
    return Math.floor(this.map.getZoom() * 2) / 2
  }

  /** Each image is drawn once, before the first feature asks for it. */
  private image(id: string): string {
    if (id && !this.map.hasImage(id)) {
      const ratio = Math.min(2, window.devicePixelRatio || 1)
      const image = drawMark(id, ratio)
      if (image) this.map.addImage(id, image, { pixelRatio: ratio })
    }
    return id
  }

  draw(sites: Site[]): void {
    this.sites = sites.map(drawn)
    this.redraw()
  }

  private feature(site: Drawn): Feature {
    const count = this.beneath.get(site.ref) ?? 0
    const more = count ? this.image(`more|${count > 99 ? '99+' : `+${count}`}`) : ''
    const corner = [site.radius * 0.75 + 3, -site.radius * 0.85]
    return { type: 'Feature', geometry: { type: 'Point', coordinates: [site.lon, site.lat] }, properties: { ref: site.ref, mark: this.image(site.mark), order: site.weight >= 1000 ? 2 : site.figure ? 1 : 0, more, corner } }
  }

  private redraw(): void {
    const source = this.map.getSource(LAYER) as GeoJSONSource | undefined
    if (!source) return
    this.step = this.thinned()
    this.beneath = thin(this.sites, this.step)
    const gone = new Set(this.shown.keys())
    const change: GeoJSONSourceDiff = { add: [], remove: [] }
    for (const site of this.sites) {
      const count = this.beneath.get(site.ref)
      if (count === undefined) continue
      gone.delete(site.ref)
      const state = `${site.mark}|${count}|${site.weight}|${site.lon}|${site.lat}`
      if (this.shown.get(site.ref) === state) continue
      this.shown.set(site.ref, state)
      change.add!.push(this.feature(site)) // one that is known is replaced
    }
    for (const ref of gone) {
      this.shown.delete(ref)
      change.remove!.push(ref)
    }
    if (change.add!.length || change.remove!.length) void source.updateData(change)
  }

  /** How many sites lie beneath the mark of a site. */
  hidden(ref: string): number {
    return this.beneath.get(ref) ?? 0
  }

  /** What lies under the pointer, the topmost first. */
  at(point: { x: number; y: number }): string | null {
    if (!this.map.getLayer(LAYER)) return null
    const found = this.map.queryRenderedFeatures([point.x, point.y], { layers: [LAYER] })
    return found.length ? String(found[0].properties.ref) : null
  }

  leave(): void {
    this.map.off('zoom', this.onZoom)
  }
}
