/** Grades of the AQI: colour of HJ 633 table 2, and a Roman numeral that does not rely on colour. */
export const GRADES = ['good', 'moderate', 'light', 'medium', 'heavy', 'severe'] as const
export type Grade = (typeof GRADES)[number]

export const COLOUR: Record<string, string> = {
  good: '#00e400', moderate: '#ffff00', light: '#ff7e00', medium: '#ff0000', heavy: '#99004c', severe: '#7e0023',
}
export const NONE = '#c3cdd3'
/** Ink that can be read on the colour. */
export const INK: Record<string, string> = {
  good: '#04240a', moderate: '#2b2a00', light: '#2a1300', medium: '#ffffff', heavy: '#ffffff', severe: '#ffffff',
}
const ROMAN = ['I', 'II', 'III', 'IV', 'V', 'VI']

export function colour(label: string | null | undefined): string {
  return (label && COLOUR[label]) || NONE
}

export function ink(label: string | null | undefined): string {
  return (label && INK[label]) || '#24343c'
}

/** 一级 to 六级 as Roman numerals; empty where there is no grade. */
export function roman(label: string | null | undefined): string {
  return ROMAN[GRADES.indexOf(label as Grade)] ?? ''
}
