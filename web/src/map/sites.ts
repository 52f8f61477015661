/** Every site of the city as ONE symbol layer; new values change the features in place. */
import type { FeatureCollection } from 'geojson'
import type { ExpressionSpecification, FilterSpecification, GeoJSONSource, Map as GlMap, MapGeoJSONFeature } from 'maplibre-gl'
import type { Schemas } from '@/api/client'
import { drawMark, markOf } from './marks'

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

interface Properties {
  ref: string
  group: Group
  mark: string
  order: number
}

function properties(site: Site): Properties {
  const order = { worksites: 0, outlets: 1, micro: 2, sections: 3, stations: 4 }[groupOf(site)] + (site.alarm ? 10 : 0)
  return { ref: site.ref, group: groupOf(site), mark: markOf(site.type, site.label, figureOf(site), site.online !== false, Boolean(site.alarm)), order }
}

/** Draw the sites, or change those whose mark is another one now. */
export class SiteLayer {
  private known = new Map<string, string>()

  constructor(private map: GlMap) {}

  /** Each mark is drawn once, before the first feature asks for it. */
  private mark(found: Properties): Properties {
    if (!this.map.hasImage(found.mark)) {
      const ratio = Math.min(2, window.devicePixelRatio || 1)
      const image = drawMark(found.mark, ratio)
      if (image) this.map.addImage(found.mark, image, { pixelRatio: ratio })
    }
    return found
  }

  draw(sites: Site[]): void {
    const source = this.map.getSource(LAYER) as GeoJSONSource | undefined
    if (!source || sites.length !== this.known.size) return this.redraw(sites)
    const update = []
    for (const site of sites) {
      const now = properties(site)
      if (this.known.get(site.ref) === now.mark) continue
      if (!this.known.has(site.ref)) return this.redraw(sites)
      this.known.set(site.ref, this.mark(now).mark)
      update.push({ id: site.ref, addOrUpdateProperties: Object.entries(now).map(([key, value]) => ({ key, value })) })
    }
    if (update.length) void source.updateData({ update })
  }

  private redraw(sites: Site[]): void {
    this.known = new Map(sites.map((site) => [site.ref, properties(site).mark]))
    const data: FeatureCollection = {
      type: 'FeatureCollection',
      features: sites.map((site) => ({ type: 'Feature', geometry: { type: 'Point', coordinates: [site.lon, site.lat] }, properties: this.mark(properties(site)) })),
    }
    const source = this.map.getSource(LAYER) as GeoJSONSource | undefined
    if (source) {
      source.setData(data)
      return
    }
    this.map.addSource(LAYER, { type: 'geojson', data, promoteId: 'ref' })
    this.map.addLayer({
      id: LAYER, type: 'symbol', source: LAYER,
      layout: {
        'icon-image': ['get', 'mark'], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
        'symbol-sort-key': ['get', 'order'],
        'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.72, 12, 1, 15, 1.25] as ExpressionSpecification,
      },
    })
  }

  /** Which groups are shown; sites with an alarm always are while `alarms` is on. */
  show(groups: Group[]): void {
    if (!this.map.getLayer(LAYER)) return
    const filter: FilterSpecification = ['in', ['get', 'group'], ['literal', groups]]
    this.map.setFilter(LAYER, filter)
  }

  /** What lies under the pointer, the topmost first. */
  at(point: { x: number; y: number }): string | null {
    if (!this.map.getLayer(LAYER)) return null
    const found: MapGeoJSONFeature[] = this.map.queryRenderedFeatures([point.x, point.y], { layers: [LAYER] })
    return found.length ? String(found[0].properties.ref) : null
  }
}
