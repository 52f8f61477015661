/** Cases from the server, or as the phone last read them. */
import { api, Problem, query, type Schemas } from '@/api/client'
import { me } from '@/stores/session'
import { phone, type Case, type Waiting } from './db'

export interface Kept<T> { body: T; kept: boolean; read: string }
export type Line = Schemas['BoardLine']
export type Step = Schemas['StepOpen']

const who = () => me.value?.person ?? ''
const away = (problem: unknown) => problem instanceof Problem && (problem.offline || problem.status >= 502)
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value))

export async function readCase(id: string): Promise<Kept<Case>> {
  try {
    const body = await api.get<Case>(`/cases/${encodeURIComponent(id)}`)
    await keepCase(body)
    return { body, kept: false, read: new Date().toISOString() }
  } catch (problem) {
    const found = away(problem) ? await phone.cases.get(`${who()}/${id}`) : undefined
    if (!found) throw problem
    return { body: found.body, kept: true, read: found.read }
  }
}

/** Keep the cases in which this person acts; others are not left on the phone. */
export async function keepCase(body: Case): Promise<void> {
  const key = `${who()}/${body.id}`
  if (body.mine || body.officer === who()) {
    await phone.cases.put({ key, person: who(), id: body.id, read: new Date().toISOString(), body: plain(body) })
  } else await phone.cases.delete(key)
}

async function readList<T>(name: string, path: string): Promise<Kept<T>> {
  const key = `${who()}/${name}`
  try {
    const body = await api.get<T>(path)
    const read = new Date().toISOString()
    await phone.lists.put({ key, person: who(), read, body: plain(body) })
    return { body, kept: false, read }
  } catch (problem) {
    const found = away(problem) ? await phone.lists.get(key) : undefined
    if (!found) throw problem
    return { body: found.body as T, kept: true, read: found.read }
  }
}

/** My open cases; each is read whole as well, so that it can be worked on without network. */
export async function readMine(): Promise<Kept<Line[]>> {
  const found = await readList<Schemas['Board']>('mine', query('/cases', { scope: 'open', size: 200 }))
  const mine = found.body.cases.filter((line) => line.mine || line.officer === who())
  if (!found.kept) void keepAll(mine)
  return { ...found, body: mine }
}

async function keepAll(lines: Line[]): Promise<void> {
  const kept = new Map((await phone.cases.where('person').equals(who()).toArray()).map((one) => [one.id, one]))
  for (const line of lines.slice(0, 60)) {
    const known = kept.get(line.id)
    if (known && known.body.revision === line.revision) continue
    try {
      await readCase(line.id)
    } catch {
      return // the network went away: what is kept stays
    }
  }
  const wanted = new Set(lines.map((line) => line.id))
  const queued = new Set((await phone.outbox.where('person').equals(who()).toArray()).map((one) => one.caseId))
  for (const one of kept.values()) if (!wanted.has(one.id) && !queued.has(one.id)) await phone.cases.delete(one.key)
}

export const readChoices = () => readList<Schemas['Choices']>('choices', '/matters')

/** A case as it will stand once what waits is sent. */
export function withWaiting(body: Case, items: Waiting[]): { state: string; allowed: Step[]; waiting: Waiting[] } {
  const own = items.filter((one) => one.caseId === body.id)
  let state = body.state
  for (const one of own) if (one.to && one.state === 'waiting') state = one.to
  const allowed = state === body.state ? body.allowed : (body.ahead[state] ?? [])
  return { state, allowed, waiting: own }
}
