/** What a run of the receptor model tells, and its charts. */
import type { EChartsCoreOption } from 'echarts/core'
import { dayClock } from '@/times'
import { unitWords } from '@/units'
import { t } from '@/words'

export type Numbers = (number | null)[]
export interface Figures {
  samples: number; species: string[]; units: string[]; factors: number; robust: boolean
  q_true: number; q_robust: number; q_expected: number; ratio: number | null; seeds: number; converged: number; agreeing: number
  runs: { seed: number; q_true: number; q_robust: number; kkt: number; iterations: number; converged: boolean; used: boolean }[]
  shares: Numbers; amounts: Numbers | null; shares_by: string
  species_rows: { name: string; unit: string; signal_to_noise: number | null; category: string; missing: number; below: number; explained: number | null }[]
  profiles: Numbers[]; percent: Numbers[]; times: string[]; contributions: Numbers[]
  candidates: { name: string; kind: string; synthetic: boolean; common: number; r: number | null; pd: number | null; sid: number | null }[][]
  bootstrap: { runs: number; block: number; found: number[]; mapped: number[][]; lower: Numbers[]; median: Numbers[]; upper: Numbers[] } | null
  words: { zh: string[]; en: string[] }
  warned: ({ code: string } & Record<string, string | number>)[]
}
export interface Inks { ink: string; quiet: string; line: string }

/** Told apart also by who sees red and green alike; more factors than colours take them again. */
export const COLOURS = ['#0b7285', '#d97706', '#7c5cd6', '#c8553d', '#3f8f4f', '#b0468f', '#5b7fa6', '#8a6d3b', '#2aa5a0', '#a33b52', '#6b7b2f', '#555f6b']
export const colourOf = (factor: number): string => COLOURS[factor % COLOURS.length]

export function three(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(2)
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** Bars: mean concentration on a scale of tens; dots: share of the species. */
export function profileOption(found: Figures, factor: number, inks: Inks): EChartsCoreOption {
  const unit = new Set(found.units).size === 1 ? unitWords(found.units[0]) : ''
  // a bar on a scale of tens needs a floor to stand on: the ten below the least, four tens below the most at the lowest
  const known = found.profiles.flat().filter((one): one is number => one !== null && one > 0)
  const top = Math.max(...known, 1e-12)
  const floor = 10 ** Math.floor(Math.log10(Math.max(Math.min(...known, top), top * 1e-4)))
  const amounts = found.profiles[factor].map((one) => (one !== null && one > floor ? one : null))
  return {
    grid: { left: 62, right: 44, top: 24, bottom: 54 },
    tooltip: { trigger: 'axis', confine: true, valueFormatter: (value: number | null) => three(value) },
    xAxis: { type: 'category', data: found.species, axisLabel: { color: inks.ink, fontSize: 11, interval: 0, rotate: found.species.length > 9 ? 55 : 0 }, axisLine: { lineStyle: { color: inks.line } }, axisTick: { show: false } },
    yAxis: [
      { type: 'log', min: floor, startValue: floor, name: unit, nameTextStyle: { color: inks.quiet, fontSize: 11 }, axisLabel: { color: inks.quiet, fontSize: 10, formatter: (value: number) => three(value) }, splitLine: { lineStyle: { color: inks.line } } },
      { type: 'value', min: 0, max: 100, axisLabel: { color: inks.quiet, fontSize: 10, formatter: '{value}%' }, splitLine: { show: false } },
    ],
    series: [
      { type: 'bar', name: t('receptor_page.profile_amount'), data: amounts, itemStyle: { color: colourOf(factor) }, barMaxWidth: 22 },
      { type: 'scatter', name: t('receptor_page.profile_share'), yAxisIndex: 1, symbolSize: 7, data: found.percent[factor].map((one) => (one === null ? null : Number((100 * one).toFixed(1)))), itemStyle: { color: inks.ink } },
    ],
  }
}

export function courseOption(found: Figures, inks: Inks): EChartsCoreOption {
  return {
    grid: { left: 48, right: 16, top: 34, bottom: 62 },
    legend: { top: 0, left: 0, textStyle: { color: inks.ink, fontSize: 11 }, itemWidth: 14, itemHeight: 8 },
    tooltip: { trigger: 'axis', confine: true, valueFormatter: (value: number | null) => three(value) },
    dataZoom: [{ type: 'slider', bottom: 8, height: 18 }],
    xAxis: { type: 'category', data: found.times.map((at) => dayClock(at)), axisLabel: { color: inks.quiet, fontSize: 10 }, axisLine: { lineStyle: { color: inks.line } } },
    yAxis: { type: 'value', axisLabel: { color: inks.quiet, fontSize: 10 }, splitLine: { lineStyle: { color: inks.line } } },
    series: Array.from({ length: found.factors }, (_, k) => ({
      type: 'line', name: t('receptor.axis_factor', { number: k + 1 }), showSymbol: false, sampling: 'lttb', lineStyle: { width: 1.4, color: colourOf(k) }, itemStyle: { color: colourOf(k) },
      data: found.contributions.map((row) => row[k]),
    })),
  }
}
