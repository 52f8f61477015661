/** Districts, grid cells and the city's own layers under whatever a page draws. */
import type { FeatureCollection } from 'geojson'
import type { GeoJSONSource, Map as GlMap } from 'maplibre-gl'
import { api } from '@/api/client'
import { isDark } from '@/theme'

export interface Layers {
  bounds: [number, number, number, number] | null
  districts: FeatureCollection
  cells: FeatureCollection
  base: Record<string, FeatureCollection>
  refused: { file: string; why: string }[]
}

let asked: Promise<Layers> | null = null

/** The layers, read once a page load; the server answers 304 while they have not changed. */
export function readLayers(): Promise<Layers> {
  asked ??= api.get<Layers>('/map').catch((problem: unknown) => {
    asked = null
    throw problem
  })
  return asked
}

const WATER = /river|water|canal|lake|水|河|湖/i

function ink() {
  return isDark.value
    ? { fill: '#14262f', line: '#4d6c7b', cell: '#35505d', water: '#2f6f96', road: '#3a4b54', name: '#b9cdd6', halo: '#0e1b22' }
    : { fill: '#ffffff', line: '#7f97a3', cell: '#c3d0d7', water: '#7fb4d8', road: '#d4dadd', name: '#3c545f', halo: '#ffffff' }
}

/** Add the layers under everything else; call again after a change of theme. */
export function drawGround(map: GlMap, layers: Layers): void {
  const colours = ink()
  put(map, 'districts', layers.districts)
  put(map, 'cells', layers.cells)
  map.addLayer({ id: 'district-fill', type: 'fill', source: 'districts', paint: { 'fill-color': colours.fill, 'fill-opacity': 0.9 } })
  for (const [name, found] of Object.entries(layers.base)) {
    put(map, `base-${name}`, found)
    const water = WATER.test(name)
    const colour = water ? colours.water : colours.road
    map.addLayer({ id: `base-${name}-fill`, type: 'fill', source: `base-${name}`, filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': colour, 'fill-opacity': 0.5 } })
    map.addLayer({
      id: `base-${name}-line`, type: 'line', source: `base-${name}`, layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': colour, 'line-width': ['interpolate', ['linear'], ['zoom'], 9, water ? 1.6 : 0.8, 14, water ? 5 : 3] },
    })
  }
  map.addLayer({ id: 'cell-line', type: 'line', source: 'cells', minzoom: 11.2, paint: { 'line-color': colours.cell, 'line-width': ['match', ['get', 'level'], 3, 1.2, 0.6], 'line-dasharray': [3, 2] } })
  map.addLayer({ id: 'district-line', type: 'line', source: 'districts', layout: { 'line-join': 'round' }, paint: { 'line-color': colours.line, 'line-width': 1.4 } })
}

/** Show or hide one of the layers of the ground. */
export function showGround(map: GlMap, name: 'districts' | 'cells', shown: boolean): void {
  const ids = name === 'cells' ? ['cell-line'] : ['district-line', 'district-fill']
  for (const id of ids) if (map.getLayer(id)) map.setLayoutProperty(id, 'visibility', shown ? 'visible' : 'none')
}

function put(map: GlMap, id: string, data: FeatureCollection): void {
  const known = map.getSource(id) as GeoJSONSource | undefined
  if (known) known.setData(data)
  else map.addSource(id, { type: 'geojson', data })
}
