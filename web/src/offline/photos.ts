/** Photos before they are sent: made smaller, with the time and place that the camera wrote read from the original. */
import { Problem } from '@/api/client'
import { t } from '@/words'
import type { Spot } from './db'

const SIDE = 1600
/** An original of at most so many bytes is sent as it is, so that its own time and place come with it. */
const AS_IT_IS = 2_500_000

export interface Prepared { blob: Blob; name: string; taken: string | null; place: Spot | null }

export async function prepare(file: File): Promise<Prepared> {
  const exif = readExif(await file.slice(0, 131_072).arrayBuffer())
  const known = ['image/jpeg', 'image/png', 'image/webp'].includes(file.type)
  if (known && file.size <= AS_IT_IS) return { blob: file, name: file.name, ...exif }
  let picture: ImageBitmap
  try {
    picture = await createImageBitmap(file)
  } catch {
    const heic = /hei[cf]$/i.test(file.type + file.name)
    throw new Problem(422, heic ? 'photo_heic' : 'photo_unreadable', t(heic ? 'problem.photo_heic' : 'problem.photo_unreadable'))
  }
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(picture.width * scale)
  canvas.height = Math.round(picture.height * scale)
  canvas.getContext('2d')!.drawImage(picture, 0, 0, canvas.width, canvas.height)
  picture.close()
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.85))
  if (!blob) throw new Problem(422, 'photo_unreadable', t('problem.photo_unreadable'))
  return { blob, name: file.name.replace(/\.\w+$/, '') + '.jpg', ...exif }
}

const NOTHING = { taken: null, place: null }

/** DateTimeOriginal (with its offset, where it has one) and the position, from the EXIF of a JPEG. */
export function readExif(bytes: ArrayBuffer): { taken: string | null; place: Spot | null } {
  try {
    const view = new DataView(bytes)
    if (view.getUint16(0) !== 0xffd8) return NOTHING
    let at = 2
    while (at + 4 < view.byteLength) {
      const mark = view.getUint16(at)
      const size = view.getUint16(at + 2)
      if (mark === 0xffe1 && view.getUint32(at + 4) === 0x45786966) return readTiff(view, at + 10)
      if ((mark & 0xff00) !== 0xff00 || mark === 0xffda) break
      at += 2 + size
    }
  } catch {
    // a torn header says nothing
  }
  return NOTHING
}

function readTiff(view: DataView, base: number): { taken: string | null; place: Spot | null } {
  const little = view.getUint16(base) === 0x4949
  const u16 = (at: number) => view.getUint16(base + at, little)
  const u32 = (at: number) => view.getUint32(base + at, little)
  const folder = (at: number) => {
    const entries = new Map<number, number>()
    for (let i = 0; i < u16(at); i++) entries.set(u16(at + 2 + 12 * i), at + 2 + 12 * i)
    return entries
  }
  const letters = (entry: number) => {
    const count = u32(entry + 4)
    const from = count > 4 ? u32(entry + 8) : entry + 8
    return String.fromCharCode(...new Uint8Array(view.buffer, base + from, count)).replace(/\0.*$/, '')
  }
  const degrees = (entry: number) => {
    const from = u32(entry + 8)
    return [0, 1, 2].reduce((sum, i) => sum + u32(from + 8 * i) / u32(from + 8 * i + 4) / 60 ** i, 0)
  }
  const root = folder(u32(4))
  const detail = root.has(0x8769) ? folder(u32(root.get(0x8769)! + 8)) : new Map<number, number>()
  const gps = root.has(0x8825) ? folder(u32(root.get(0x8825)! + 8)) : new Map<number, number>()

  let taken: string | null = null
  const said = detail.has(0x9003) ? /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)/.exec(letters(detail.get(0x9003)!)) : null
  if (said) {
    const offset = detail.has(0x9011) ? letters(detail.get(0x9011)!) : ''
    const found = new Date(`${said[1]}-${said[2]}-${said[3]}T${said[4]}${/^[+-]\d\d:\d\d$/.test(offset) ? offset : '+08:00'}`)
    if (!Number.isNaN(found.getTime())) taken = found.toISOString()
  }
  let place: Spot | null = null
  if (gps.has(2) && gps.has(4)) {
    const lat = degrees(gps.get(2)!) * (gps.has(1) && letters(gps.get(1)!) === 'S' ? -1 : 1)
    const lon = degrees(gps.get(4)!) * (gps.has(3) && letters(gps.get(3)!) === 'W' ? -1 : 1)
    if (Number.isFinite(lat) && Number.isFinite(lon) && (lat || lon)) place = { lon, lat }
  }
  return { taken, place }
}
