/** Rings around sites with an open alarm; they beat only where motion is wanted (CSS asks). */
import { Marker, type Map as GlMap } from 'maplibre-gl'
import type { Site } from './sites'

export class Pulses {
  private rings = new Map<string, Marker>()

  constructor(private map: GlMap) {}

  draw(sites: Site[]): void {
    const wanted = new Map(sites.filter((site) => site.alarm).map((site) => [site.ref, site]))
    for (const [ref, ring] of this.rings) {
      if (wanted.has(ref)) continue
      ring.remove()
      this.rings.delete(ref)
    }
    for (const [ref, site] of wanted) {
      if (this.rings.has(ref)) continue
      const ring = document.createElement('div')
      ring.className = `alarm-ring ${site.alarm}`
      ring.setAttribute('aria-hidden', 'true')
      this.rings.set(ref, new Marker({ element: ring }).setLngLat([site.lon, site.lat]).addTo(this.map))
    }
  }

  clear(): void {
    this.rings.forEach((ring) => ring.remove())
    this.rings.clear()
  }
}
