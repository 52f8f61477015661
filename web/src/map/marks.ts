/**
 * The marks of sites: a shape for the kind, the colour of the grade, and the figure itself, so that nothing is told by
 * colour alone. Each is drawn once on a canvas when the map first asks for it, and no larger than it must be: on a
 * machine without a graphics card every empty pixel of a mark is paid for in every frame.
 */
import { colour, ink } from '@/aqi'

export type Shape = 'station' | 'section' | 'outlet' | 'worksite'

const SIZE: Record<Shape, number> = { station: 30, section: 24, outlet: 14, worksite: 11 }
/** Grades of water and verdicts of outlets in the colours of the AQI they come nearest to. */
const STAND_IN: Record<string, string> = {
  I: '#8fd3ff', II: '#5bb6f0', III: '#3fae6a', IV: '#f2c037', V: '#e4762b', worse_than_V: '#b3261e',
  within: '#5d9f7a', suspected_over: '#d3322a', not_evidence: '#b6a06a',
}
const FONT = '"Noto Sans SC", "PingFang SC", "Microsoft YaHei", system-ui, sans-serif'

/** Id of a mark: shape, label, figure, online, alarm. */
export function markOf(type: string, label: string, figure: string, online: boolean, alarm: boolean): string {
  return ['mark', type, label, figure, online ? '1' : '0', alarm ? '1' : '0'].join('|')
}

/** Width of a mark without its line. [px] */
export function widthOf(id: string): number {
  const [, type, label, figure, , alarm] = id.split('|')
  if (type === 'station' && figure === '·') return 14
  if (type === 'outlet' && (label === 'suspected_over' || alarm === '1')) return 19
  return SIZE[type as Shape] ?? 0
}

function board(width: number, height: number, ratio: number): [HTMLCanvasElement, CanvasRenderingContext2D] | null {
  const canvas = document.createElement('canvas')
  canvas.width = Math.ceil(width * ratio)
  canvas.height = Math.ceil(height * ratio)
  const pen = canvas.getContext('2d')
  if (!pen) return null
  pen.scale(ratio, ratio)
  pen.translate(width / 2, height / 2)
  pen.textAlign = 'center'
  pen.textBaseline = 'middle'
  return [canvas, pen]
}

export function drawMark(id: string, ratio: number): ImageData | null {
  const [kind, type, label, figure, online, alarm] = id.split('|')
  if (kind === 'more') return drawCount(type, ratio)
  if (kind !== 'mark' || !(type in SIZE)) return null
  const shape = type as Shape, line = alarm === '1' ? 2.6 : 1.2, width = widthOf(id)
  const made = board(width + line + 1, width + line + 1, ratio)
  if (!made) return null
  const [canvas, pen] = made
  outline(pen, shape, width / 2)
  pen.fillStyle = STAND_IN[label] ?? colour(label)
  pen.fill()
  pen.lineWidth = line
  pen.strokeStyle = alarm === '1' ? '#b3261e' : 'rgb(8 30 40 / 75%)'
  if (online === '0') pen.setLineDash([3, 2])
  pen.stroke()
  if (figure && figure !== '·') {
    pen.fillStyle = shape === 'station' ? ink(label) : '#0b1e26'
    pen.font = `700 ${figure.length > 2 ? 11 : 12}px ${FONT}`
    pen.fillText(figure, 0, 0.5)
  }
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}

/** How many sites lie beneath a mark, as a small tab at its corner. */
function drawCount(words: string, ratio: number): ImageData | null {
  const width = 5 + 5 * words.length, height = 12
  const made = board(width, height, ratio)
  if (!made) return null
  const [canvas, pen] = made
  pen.beginPath()
  pen.roundRect(0.5 - width / 2, 0.5 - height / 2, width - 1, height - 1, 4)
  pen.fillStyle = '#f6fafb'
  pen.fill()
  pen.lineWidth = 0.8
  pen.strokeStyle = '#5c727c'
  pen.stroke()
  pen.fillStyle = '#12262f'
  pen.font = `600 8.5px ${FONT}`
  pen.fillText(words, 0, 0.5)
  return pen.getImageData(0, 0, canvas.width, canvas.height)
}

function outline(pen: CanvasRenderingContext2D, shape: Shape, r: number): void {
  pen.beginPath()
  if (shape === 'station') pen.arc(0, 0, r, 0, Math.PI * 2)
  else if (shape === 'section') pen.moveTo(0, -r), pen.lineTo(r, 0), pen.lineTo(0, r), pen.lineTo(-r, 0)
  else if (shape === 'outlet') pen.roundRect(-r * 0.85, -r * 0.85, r * 1.7, r * 1.7, 2.5)
  else pen.moveTo(0, -r), pen.lineTo(r * 0.95, r * 0.8), pen.lineTo(-r * 0.95, r * 0.8)
  pen.closePath()
}
