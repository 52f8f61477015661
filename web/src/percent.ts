/** Shares as people read them, one way in both languages: 68%, with no blank before the sign. */

/** 0.973 → 97.3%; null is no figure. */
export function percent(share: number | null | undefined, decimals = 1): string {
  return share === null || share === undefined ? '–' : `${(share * 100).toFixed(decimals)}%`
}

/** Odds in whole percent; what is uncertain is never shown as none or as certain. */
export function odds(share: number): string {
  if (share < 0.005) return '<1%'
  return share > 0.995 && share < 1 ? '>99%' : percent(share, 0)
}
