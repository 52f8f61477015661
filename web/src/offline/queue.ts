/** What waits to be sent: in the order it was done, with the time of the phone; nothing is lost and nothing sent twice. */
import { ref, shallowRef, watch } from 'vue'
import { api, Problem, type Schemas } from '@/api/client'
import { online } from '@/api/live'
import { comeBack, me } from '@/stores/session'
import { t } from '@/words'
import { keepCase } from './cases'
import { phone, type Case, type PhotoKept, type Waiting } from './db'

export const outbox = shallowRef<Waiting[]>([])
export const sending = ref(false)
/** Counts what has been sent, so that pages read anew. */
export const sent = ref(0)

const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

export async function look(): Promise<void> {
  const person = me.value?.person
  outbox.value = person ? await phone.outbox.where('person').equals(person).sortBy('seq') : []
}

export async function enqueue(item: Omit<Waiting, 'person' | 'state' | 'problem' | 'conflict'>): Promise<void> {
  await phone.outbox.add(plain({ ...item, person: me.value!.person, state: 'waiting' as const, problem: '', conflict: null }))
  await look()
  await flush()
}

/** Send what waits; a conflict holds only its own case back. */
export async function flush(): Promise<void> {
  if (sending.value || !me.value || !outbox.value.some((one) => one.state === 'waiting')) return
  sending.value = true
  const held = new Set(outbox.value.filter((one) => one.state !== 'waiting').map((one) => one.caseId))
  try {
    if (!(await comeBack())) return
    for (const { seq } of await phone.outbox.where('person').equals(me.value.person).sortBy('seq')) {
      const item = await phone.outbox.get(seq!) // as the step before it left it
      if (!item || item.state !== 'waiting' || (item.caseId && held.has(item.caseId))) continue
      const fate = await send(item)
      if (fate === 'away') break
      if (fate === 'held') held.add(item.caseId)
    }
  } finally {
    sending.value = false
    await look()
  }
}

async function send(item: Waiting): Promise<'sent' | 'away' | 'held'> {
  try {
    const photos = await Promise.all(item.photos.map(uploaded))
    const body = { ...item.body, photos: photos.filter((one) => one !== null) }
    if (item.what === 'report') await api.post('/cases', body)
    else {
      const after = await api.post<Case>(`/cases/${item.caseId}/actions`, body)
      await keepCase(after)
      await follow(item, after.revision)
    }
    await drop(item)
    sent.value += 1
    return 'sent'
  } catch (refused) {
    if (!(refused instanceof Problem)) throw refused
    if (refused.offline || refused.status >= 500 || refused.status === 401 || refused.code === 'csrf') return 'away'
    const conflict = refused.status === 409 ? (refused.body as unknown as Schemas['CaseConflict']) : null
    await phone.outbox.update(item.seq!, {
      state: conflict ? 'conflict' : 'refused', problem: `${refused.words} (${refused.detail})`, conflict,
    })
    if (conflict?.case) await keepCase(conflict.case)
    return 'held'
  }
}

async function uploaded(id: number): Promise<Record<string, unknown> | null> {
  const photo = await phone.photos.get(id)
  if (!photo) return null
  if (!photo.digest) {
    const form = new FormData()
    form.append('file', photo.blob, photo.name)
    photo.digest = (await api.post<Schemas['PhotoTaken']>('/photos', form)).digest
    await phone.photos.update(id, { digest: photo.digest })
  }
  return { digest: photo.digest, role: photo.role, taken: photo.taken, place: photo.place }
}

/** The next steps of the same case were decided on top of this one: they now stand on what the server has. */
async function follow(item: Waiting, revision: number): Promise<void> {
  const later = await phone.outbox.where('caseId').equals(item.caseId).toArray()
  for (const one of later) {
    if (one.person !== item.person || one.seq! <= item.seq! || one.state !== 'waiting') continue
    await phone.outbox.update(one.seq!, { body: { ...one.body, revision } })
  }
}

export async function drop(item: Waiting): Promise<void> {
  await phone.photos.bulkDelete(item.photos)
  await phone.outbox.delete(item.seq!)
  await look()
}

/** Send again what was held back, on top of how the case stands now. */
export async function again(item: Waiting): Promise<void> {
  const revision = item.conflict?.case?.revision ?? item.body.revision
  await phone.outbox.update(item.seq!, { state: 'waiting', problem: '', conflict: null, body: { ...item.body, revision } })
  await look()
  await flush()
}

export async function keepPhoto(photo: Omit<PhotoKept, 'id' | 'person' | 'digest'>): Promise<number> {
  return phone.photos.add({ ...photo, person: me.value!.person, digest: '' })
}

/** Words beside the badge. */
export const waitingWords = () => t('officer.waiting', { count: outbox.value.length })

export function startQueue(): void {
  void look().then(flush)
  window.addEventListener('online', () => void flush())
  watch(online, (up) => up && void flush())
  watch(() => me.value?.person, () => void look().then(flush))
  setInterval(() => void flush(), 15_000)
}
