/** Shares as words and colours: how often a source is found, from hardly ever to often. */
import type { Schemas } from '@/api/client'
import { knows, t } from '@/words'

export type Network = Schemas['NetworkPage']

/** Bounds of the colours of the map. */
export const STEPS = [0.01, 0.05, 0.1, 0.25]
export const COLOURS = { light: ['#c2410c', '#e9a15b', '#b8d3cf', '#5fa8ae', '#0b7285'], dark: ['#e8622c', '#b98243', '#50747a', '#3d9aa6', '#7fe0ee'] }

export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return '–'
  const value = share * 100
  return `${value.toFixed(value < 1 && value > 0 ? 2 : 1)}%`
}

/** With two decimals, for columns of sources that are hardly ever found. */
export function fine(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(2)}%`
}

/** What a pollutant is called in a tag: PM2.5, SO₂. */
export function itemWords(code: string): string {
  return knows(`overview.item_${code}`) ? t(`overview.item_${code}`) : code.toUpperCase()
}

export function points(gain: number): string {
  return `+${percent(gain)}`
}

/** What a network would lose; nothing where nothing would be. */
export function loss(share: number): string {
  return share <= 0 ? '0%' : share < 5e-5 ? '< 0.01%' : `−${percent(share)}`
}

/** Ends of each colour as words, lowest first. */
export function stepWords(): string[] {
  return ['< 1%', '1–5%', '5–10%', '10–25%', '≥ 25%']
}
