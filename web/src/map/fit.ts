/** Bring the whole city into view. */
import type { Map as GlMap } from 'maplibre-gl'

export type Bounds = [number, number, number, number]

export function fit(map: GlMap, bounds: Bounds | null | undefined, padding = 24): void {
  if (!bounds) return
  const calm = window.matchMedia('(prefers-reduced-motion: reduce)').matches
  map.fitBounds(bounds, { padding, duration: calm ? 0 : 400 })
}

/** Bounds of places where no district has a boundary. */
export function around(places: { lon: number; lat: number }[]): Bounds | null {
  if (!places.length) return null
  const lons = places.map((place) => place.lon)
  const lats = places.map((place) => place.lat)
  return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)]
}
