/** Options of the charts of wind and sources, made from an answer of /api/sectors. */
import type { EChartsCoreOption } from 'echarts/core'
import { unitWords } from '@/units'
import { t } from '@/words'

export interface Answer<R> {
  kind: string; site: string; pollutant: string; unit: string; start: string | null; end: string | null
  hours: number; usable: number; wind: { site: string; name: string; distance: number | null }
  doubts: { code: string; weight: string; words: string }[]
  conclusion: string; limits: string; method: string; result: R | null
}
export type Numbers = (number | null)[]
interface Counted { edges: number[]; share: number[][] }
export interface RoseResult {
  direction: number[]; wind: Counted; pollutant: Counted & { mean: Numbers }
  calm_share: number; overall: number; mean_wind_from: number | null
}
export interface CpfResult {
  direction: number[]; threshold: number; percentile: number; overall: number; probability: Numbers; lower: Numbers; upper: Numbers; count: number[]
}
export interface SurfaceResult {
  axis: number[]; value: Numbers[]; lower?: Numbers[] | null; upper?: Numbers[] | null; statistic?: string
  base: number; cells?: number; freedom?: number; explained?: number
}
export interface RatioResult {
  pairs: { over: string; under: string; median: number; low: number; high: number; correlation: number | null; hours: number }[]
  rows: { id: string; kind: string; over: string; under: string; above: number | null; below: number | null; rise: [string, number] | null; status: string; source: { zh: string; en: string }; decides: boolean; hours: number; of: number }[]
}
export interface Print { at: number[]; mean: Numbers; lower: Numbers; upper: Numbers; count: number[] }
export interface PrintResult { hour: Print; weekday: Print; month: Print; hour_of_week: Numbers[]; weeks: number }
export interface TrendResult {
  month: string[]; value: Numbers; measured: Numbers; line: Numbers; slope: number; lower: number; upper: number
  percent: number | null; p: number; months: number; deseasonalised: boolean; conclusive: boolean
}

export interface SmoothResult {
  month: string[]; value: Numbers; measured: Numbers; day: string[]; curve: Numbers; lower: Numbers; upper: Numbers
  freedom: number; months: number; deseasonalised: boolean; conclusive: boolean
}

export interface Results {
  rose: RoseResult; cpf: CpfResult; polar: SurfaceResult; nwr: SurfaceResult; ratio: RatioResult; fingerprint: PrintResult; trend: TrendResult; smooth: SmoothResult
}

export interface Inks { ink: string; quiet: string; line: string; accent: string; danger: string; surface: string; dark: boolean }

/** Light to strong; the last two stand out from the blues also for who sees red and green alike. */
const CLASSES = ['#cfe8ec', '#8fc9d2', '#4fa3b1', '#1f7a8c', '#e9a23b', '#c8553d', '#7a1f3d']
const HEAT = ['#440154', '#3b528b', '#21918c', '#5ec962', '#fde725']
const POINTS: Record<number, string> = { 0: 'n', 90: 'e', 180: 's', 270: 'w' }

export function short(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}

/** Where the wind comes from on a compass whose first place is north. */
function compassFirst<T>(values: T[]): T[] {
  return [values[values.length - 1], ...values.slice(0, -1)]
}

function polarAxes(names: number[], inks: Inks, top?: number): EChartsCoreOption {
  return {
    angleAxis: {
      type: 'category', data: compassFirst(names).map((one) => String(one % 360)), startAngle: 90 + 180 / names.length, boundaryGap: true,
      axisLine: { lineStyle: { color: inks.line } }, axisTick: { show: false }, splitLine: { show: false },
      axisLabel: { color: inks.ink, interval: 0, formatter: (at: string) => (POINTS[Number(at)] ? t(`tracing.${POINTS[Number(at)]}`) : '') },
    },
    radiusAxis: {
      axisLine: { show: false }, axisTick: { show: false }, splitNumber: 3, max: top,
      axisLabel: { color: inks.quiet, fontSize: 10, formatter: (value: number) => (value ? `${Number((value * 100).toFixed(1))}%` : '') }, splitLine: { lineStyle: { color: inks.line } },
    },
  }
}

export function roseOption(result: RoseResult, part: 'wind' | 'pollutant', inks: Inks): EChartsCoreOption {
  const { edges, share } = result[part]
  const names = edges.slice(0, -1).map((low, at) => (at === edges.length - 2 ? t('sectors.above', { low }) : t('sectors.between', { low, high: edges[at + 1] })))
  return {
    polar: { radius: ['4%', '68%'], center: ['50%', '46%'] },
    ...polarAxes(result.direction, inks),
    legend: { bottom: 0, left: 'center', itemWidth: 10, itemHeight: 10, itemGap: 8, textStyle: { color: inks.ink, fontSize: 11 } },
    tooltip: { trigger: 'item', confine: true, formatter: (row: { seriesName: string; name: string; value: number }) => `${row.name}° · ${row.seriesName} · ${(row.value * 100).toFixed(1)}%` },
    series: names.map((name, at) => ({
      type: 'bar', coordinateSystem: 'polar', stack: 'all', name, barCategoryGap: '6%',
      data: compassFirst(share.map((row) => row[at])), itemStyle: { color: CLASSES[Math.min(at, CLASSES.length - 1)] },
    })),
  }
}

export function cpfOption(result: CpfResult, inks: Inks): EChartsCoreOption {
  const most = Math.max(result.overall, ...result.upper.map((one) => one ?? 0))
  // as the sentence names them: five high hours at least
  const sure = result.lower.map((low, at) => low !== null && low > result.overall && (result.probability[at] ?? 0) * result.count[at] >= 5)
  const order = compassFirst(result.direction.map((_, at) => at))
  return {
    polar: { radius: ['3%', '80%'], center: ['50%', '50%'] },
    ...polarAxes(result.direction, inks, Number((most * 1.02).toPrecision(2))),
    tooltip: {
      trigger: 'item', confine: true,
      formatter: (row: { dataIndex: number }) => {
        const at = order[row.dataIndex]
        const share = (one: number | null): string => (one === null ? '–' : `${(one * 100).toFixed(1)}%`)
        return `${result.direction[at]}° · ${share(result.probability[at])} (${share(result.lower[at])}–${share(result.upper[at])}) · n = ${result.count[at]}`
      },
    },
    series: [
      { type: 'bar', coordinateSystem: 'polar', barCategoryGap: '4%', data: order.map((at) => ({ value: result.probability[at], itemStyle: { color: sure[at] ? inks.danger : inks.accent, opacity: sure[at] ? 0.85 : 0.5 } })) },
      { type: 'line', coordinateSystem: 'polar', showSymbol: false, silent: true, data: [...order, order[0]].map(() => result.overall), lineStyle: { color: inks.ink, width: 1.4, type: 'dashed' } },
    ],
  }
}

/** The picture is cut to what was measured, so that a single storm does not shrink everything else. */
export function surfaceOption(answer: Answer<SurfaceResult>, inks: Inks): EChartsCoreOption {
  const { axis, value, base } = answer.result!
  const lower = answer.result!.lower, upper = answer.result!.upper
  const share = answer.result!.statistic === 'cpf'
  const data: [number, number, number][] = []
  let reach = 0
  value.forEach((row, v) => row.forEach((one, u) => {
    if (one === null) return
    data.push([u, v, one])
    reach = Math.max(reach, Math.abs(axis[u]), Math.abs(axis[v]))
  }))
  const middle = (axis.length - 1) / 2
  const step = axis[1] - axis[0]
  const half = Math.min(middle, Math.ceil(reach / step) + 4)
  const first = middle - half
  const inside = data.map(([u, v, one]) => [u - first, v - first, one])
  const values = data.map((one) => one[2])
  const names = Array.from({ length: 2 * half + 1 }, (_, at) => at)
  const unit = share ? '%' : unitWords(answer.unit)
  const shown = (one: number): string => (share ? (one * 100).toFixed(0) : short(one))
  const ring = niceRing(half * step)
  const image = painted(inside, 2 * half + 1, Math.min(...values), Math.max(...values))
  return {
    grid: { left: 8, right: 8, top: 8, bottom: 46, containLabel: false },
    xAxis: { type: 'category', data: names, show: false, boundaryGap: true },
    yAxis: { type: 'category', data: names, show: false, boundaryGap: true },
    visualMap: {
      min: Math.min(...values), max: Math.max(...values), orient: 'horizontal', left: 'center', bottom: 4, itemWidth: 10, itemHeight: 130, dimension: 2, seriesIndex: 0,
      inRange: { color: HEAT }, textStyle: { color: inks.ink, fontSize: 11 }, text: [`${shown(Math.max(...values))} ${unit}`, shown(Math.min(...values))], calculable: false,
    },
    tooltip: {
      trigger: 'item', confine: true,
      formatter: (row: { value?: [number, number, number]; seriesIndex: number }) => {
        if (!row.value || row.seriesIndex !== 0) return ''
        const [u, v] = [row.value[0] + first, row.value[1] + first]
        const speed = Math.hypot(axis[u], axis[v]) + base
        const from = (Math.atan2(axis[u], axis[v]) * 180 / Math.PI + 360) % 360
        const low = lower?.[v]?.[u], high = upper?.[v]?.[u]
        const range = low === null || low === undefined || high === null || high === undefined ? '' : `<br>${t('sectors.polar_band', { lower: shown(low), upper: shown(high) })}`
        return `${from.toFixed(0)}° · ${speed.toFixed(1)} m/s<br>${shown(row.value[2])} ${unit}${range}`
      },
    },
    series: [
      // the cells answer the pointer; what is seen is the image below them, without seams between cells
      { type: 'heatmap', data: inside, progressive: 0, itemStyle: { opacity: 0 }, emphasis: { itemStyle: { opacity: 1, borderColor: inks.ink, borderWidth: 1 } }, z: 3 },
      {
        type: 'custom', silent: true, data: [0], z: 2,
        renderItem: (_: unknown, api: { coord: (at: number[]) => number[] }) => {
          const [x, y] = api.coord([half, half])
          const side = (api.coord([half + 1, half])[0] - x) * (2 * half + 1)
          return { type: 'image', style: { image, x: x - side / 2, y: y - side / 2, width: side, height: side } }
        },
      },
      {
        type: 'custom', silent: true, data: [0], z: 5,
        renderItem: (_: unknown, api: { coord: (at: number[]) => number[] }) => ringsAndPoints(api, half, step, ring, base, inks),
      },
    ],
  }
}

/** One pixel a cell; the browser smooths it when it is drawn larger. */
function painted(cells: number[][], side: number, low: number, high: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = side
  const context = canvas.getContext('2d')!
  const pixels = context.createImageData(side, side)
  for (const [u, v, value] of cells) {
    const at = ((side - 1 - v) * side + u) * 4
    const share = high > low ? (value - low) / (high - low) : 0
    pixels.data.set([...heat(share), 255], at)
  }
  context.putImageData(pixels, 0, 0)
  return canvas
}

function heat(share: number): number[] {
  const place = Math.min(Math.max(share, 0), 1) * (HEAT.length - 1)
  const at = Math.min(Math.floor(place), HEAT.length - 2)
  const parts = (hex: string): number[] => [1, 3, 5].map((from) => parseInt(hex.slice(from, from + 2), 16))
  const [one, other] = [parts(HEAT[at]), parts(HEAT[at + 1])]
  return one.map((channel, index) => Math.round(channel + (other[index] - channel) * (place - at)))
}

function niceRing(top: number): number {
  const power = 10 ** Math.floor(Math.log10(top / 3))
  return [1, 2, 5, 10].map((m) => m * power).find((one) => one * 5 >= top) ?? top
}

function ringsAndPoints(api: { coord: (at: number[]) => number[] }, half: number, step: number, ring: number, base: number, inks: Inks): unknown {
  const [x, y] = api.coord([half, half])
  const pixel = api.coord([half + 1, half])[0] - x
  const children: unknown[] = []
  for (let speed = Math.ceil((base + ring / 4) / ring) * ring; speed - base <= half * step; speed += ring) {
    const px = ((speed - base) / step) * pixel
    children.push({ type: 'circle', shape: { cx: x, cy: y, r: px }, style: { fill: 'none', stroke: inks.quiet, lineDash: [3, 3], lineWidth: 1 } })
    children.push({ type: 'text', style: { text: `${Number(speed.toFixed(1))}`, x: x - px * 0.7071, y: y - px * 0.7071, fill: inks.ink, stroke: inks.surface, lineWidth: 3, fontSize: 11, align: 'center', verticalAlign: 'middle' } })
  }
  const far = half * pixel - 8
  for (const [name, dx, dy] of [['n', 0, -1], ['e', 1, 0], ['s', 0, 1], ['w', -1, 0]] as const) {
    children.push({ type: 'text', style: { text: t(`tracing.${name}`), x: x + dx * far, y: y + dy * far, fill: inks.ink, stroke: inks.surface, lineWidth: 3, fontSize: 12, align: 'center', verticalAlign: 'middle' } })
  }
  return { type: 'group', children }
}

export function printOption(print: Print, names: string[], unit: string, inks: Inks): EChartsCoreOption {
  const width = print.upper.map((high, at) => (high === null || print.lower[at] === null ? null : high - print.lower[at]!))
  const known = [...print.mean, ...print.lower].filter((one) => one !== null) as number[]
  const low = Math.min(...known), high = Math.max(...(print.upper.filter((one) => one !== null) as number[]), ...known)
  const from = low - (high - low) * 0.25 > 0 ? Number((low - (high - low) * 0.25).toPrecision(2)) : 0
  const bare = { type: 'line' as const, stack: 'band', symbol: 'none', silent: true, lineStyle: { opacity: 0 } }
  return {
    grid: { left: 46, right: 10, top: 26, bottom: 24 },
    xAxis: { type: 'category', data: names, axisLabel: { color: inks.ink, hideOverlap: true, fontSize: 11 }, axisLine: { lineStyle: { color: inks.quiet } }, axisTick: { show: false } },
    yAxis: { type: 'value', min: from, name: unit, nameTextStyle: { color: inks.ink, align: 'left' }, axisLabel: { color: inks.ink, fontSize: 11 }, splitLine: { lineStyle: { color: inks.line } }, splitNumber: 3 },
    tooltip: {
      trigger: 'axis', confine: true,
      formatter: (rows: { dataIndex: number }[]) => {
        const at = rows[0].dataIndex
        return `${names[at]} · ${short(print.mean[at])} ${unit}<br>${t('sectors.interval')} ${short(print.lower[at])}–${short(print.upper[at])} · n = ${print.count[at]}`
      },
    },
    series: [
      { ...bare, data: print.lower },
      { ...bare, data: width, areaStyle: { color: inks.accent, opacity: 0.2 } },
      { type: 'line', data: print.mean, symbol: 'circle', symbolSize: 4, itemStyle: { color: inks.accent }, lineStyle: { color: inks.accent, width: 2 } },
    ],
  }
}

export function weekOption(result: PrintResult, unit: string, inks: Inks): EChartsCoreOption {
  const data: [number, number, number][] = []
  result.hour_of_week.forEach((row, weekday) => row.forEach((one, hour) => one !== null && data.push([hour, weekday, one])))
  const values = data.map((one) => one[2])
  return {
    grid: { left: 46, right: 10, top: 8, bottom: 64 },
    xAxis: { type: 'category', data: Array.from({ length: 24 }, (_, at) => String(at)), axisLabel: { color: inks.ink, fontSize: 11 }, axisTick: { show: false }, axisLine: { show: false } },
    yAxis: { type: 'category', inverse: true, data: [1, 2, 3, 4, 5, 6, 7].map((one) => t(`sectors.weekday_${one}`)), axisLabel: { color: inks.ink, fontSize: 11 }, axisTick: { show: false }, axisLine: { show: false } },
    visualMap: { min: Math.min(...values), max: Math.max(...values), orient: 'horizontal', left: 'center', bottom: 0, itemWidth: 10, itemHeight: 110, inRange: { color: HEAT }, textStyle: { color: inks.ink, fontSize: 11 }, text: [`${short(Math.max(...values))} ${unit}`, short(Math.min(...values))] },
    tooltip: { confine: true, formatter: (row: { value: [number, number, number] }) => `${t(`sectors.weekday_${row.value[1] + 1}`)} ${row.value[0]}:00 · ${short(row.value[2])} ${unit}` },
    series: [{ type: 'heatmap', data, itemStyle: { borderColor: inks.surface, borderWidth: 1 } }],
  }
}

export function trendOption(result: TrendResult, unit: string, inks: Inks): EChartsCoreOption {
  const lines: [string, Numbers, string, number][] = [[t('sectors.trend_measured'), result.measured, inks.quiet, 1]]
  if (result.deseasonalised) lines.push([t('sectors.trend_value'), result.value, inks.accent, 2])
  lines.push([t('sectors.trend_line'), result.line, inks.danger, 2])
  return {
    grid: { left: 52, right: 16, top: 32, bottom: 26 },
    legend: { top: 0, right: 0, itemWidth: 16, textStyle: { color: inks.ink }, data: lines.map((one) => one[0]) },
    xAxis: { type: 'category', data: result.month, axisLabel: { color: inks.ink, hideOverlap: true }, axisLine: { lineStyle: { color: inks.quiet } } },
    yAxis: { type: 'value', scale: true, name: unit, nameTextStyle: { color: inks.ink, align: 'left' }, axisLabel: { color: inks.ink }, splitLine: { lineStyle: { color: inks.line } } },
    tooltip: { trigger: 'axis', confine: true, valueFormatter: (value: number) => `${short(value)} ${unit}` },
    series: lines.map(([name, data, color, width]) => ({ type: 'line', name, data, showSymbol: false, itemStyle: { color }, lineStyle: { color, width } })),
  }
}

/** The curve with its band on a line of days; the months it was drawn through are points. */
export function smoothOption(result: SmoothResult, unit: string, inks: Inks): EChartsCoreOption {
  const at = (days: string[], values: Numbers): [string, number | null][] => days.map((day, n) => [day, values[n]])
  const middle = result.month.map((one) => `${one}-15`)
  const width = result.upper.map((high, n) => (high === null || result.lower[n] === null ? null : high - result.lower[n]!))
  const bare = { type: 'line' as const, stack: 'band', symbol: 'none', silent: true, lineStyle: { opacity: 0 }, tooltip: { show: false } }
  const names = [t('sectors.trend_measured'), t('sectors.smooth_line')]
  const points = result.deseasonalised ? result.value : result.measured
  return {
    grid: { left: 52, right: 16, top: 32, bottom: 26 },
    legend: { top: 0, right: 0, itemWidth: 16, textStyle: { color: inks.ink }, data: names },
    xAxis: { type: 'time', axisLabel: { color: inks.ink, hideOverlap: true }, axisLine: { lineStyle: { color: inks.quiet } } },
    yAxis: { type: 'value', scale: true, name: unit, nameTextStyle: { color: inks.ink, align: 'left' }, axisLabel: { color: inks.ink }, splitLine: { lineStyle: { color: inks.line } } },
    tooltip: { trigger: 'axis', confine: true, valueFormatter: (value: number | null) => (value === null ? '–' : `${short(value)} ${unit}`) },
    series: [
      { ...bare, data: at(result.day, result.lower) },
      { ...bare, data: at(result.day, width), areaStyle: { color: inks.accent, opacity: 0.2 } },
      { type: 'line', name: names[0], data: at(middle, points), showSymbol: true, symbolSize: 5, itemStyle: { color: inks.quiet }, lineStyle: { color: inks.quiet, width: 1, type: 'dotted' } },
      { type: 'line', name: names[1], data: at(result.day, result.curve), showSymbol: false, itemStyle: { color: inks.accent }, lineStyle: { color: inks.accent, width: 2.4 } },
    ],
  }
}
