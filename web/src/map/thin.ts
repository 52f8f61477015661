/**
 * Which marks are drawn where many sites lie close together: the weightiest stands, those beneath it are counted on it.
 * Done once for every half step of the zoom, so that a frame of the map never draws one mark over another.
 */

export interface Placed {
  ref: string
  lon: number
  lat: number
  /** What stands on top: alarms first, then what is worst. */
  weight: number
  /** Half the width of the mark at full size. [px] */
  radius: number
  /** Whether a figure stands in the mark, which another may then not cover. */
  figure: boolean
}

const TILE = 512

/** Size of the marks at a zoom, as a share of their full size. */
export function scaleAt(zoom: number): number {
  const steps = [[9, 0.72], [12, 1], [15, 1.25]]
  if (zoom <= 9) return 0.72
  for (let at = 1; at < steps.length; at++) {
    const [from, small] = steps[at - 1], [to, large] = steps[at]
    if (zoom <= to) return small + ((large - small) * (zoom - from)) / (to - from)
  }
  return 1.25
}

/** How near two marks may come, as a share of the sum of their radii: figures stay readable, small ones may touch. */
function nearest(a: Placed, b: Placed): number {
  return a.figure && b.figure ? 1.05 : a.figure || b.figure ? 0.6 : 0.55
}

/** Refs that stand, each with the number of sites beneath it. */
export function thin(sites: Placed[], zoom: number): Map<string, number> {
  const world = TILE * 2 ** zoom, scale = scaleAt(zoom)
  const widest = Math.max(1, ...sites.map((site) => site.radius)) * 2.1 * scale
  const boxes = new Map<string, { site: Placed; x: number; y: number }[]>()
  const standing = new Map<string, number>()
  const order = [...sites].sort((a, b) => b.weight - a.weight || (a.ref < b.ref ? -1 : 1))
  for (const site of order) {
    const sine = Math.sin((site.lat * Math.PI) / 180)
    const x = world * (site.lon / 360 + 0.5), y = world * (0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI))
    const column = Math.floor(x / widest), row = Math.floor(y / widest)
    let over: string | null = null, least = Infinity
    for (let dx = -1; dx <= 1; dx++) for (let dy = -1; dy <= 1; dy++) {
      for (const other of boxes.get(`${column + dx}/${row + dy}`) ?? []) {
        const away = Math.hypot(other.x - x, other.y - y)
        if (away < least && away < nearest(site, other.site) * (site.radius + other.site.radius) * scale) {
          least = away
          over = other.site.ref
        }
      }
    }
    if (over !== null) standing.set(over, standing.get(over)! + 1)
    else {
      standing.set(site.ref, 0)
      const key = `${column}/${row}`
      boxes.set(key, [...(boxes.get(key) ?? []), { site, x, y }])
    }
  }
  return standing
}
