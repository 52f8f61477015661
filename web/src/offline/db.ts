/** What the phone keeps: cases of the person, and what waits to be sent. Plain storage, see the docs. */
import Dexie, { type Table } from 'dexie'
import type { Schemas } from '@/api/client'
import { forgetDrafts } from '@/use/draft'

export type Case = Schemas['CaseDetail']
export type Spot = Schemas['Spot']

export interface KeptCase { key: string; person: string; id: string; read: string; body: Case }
export interface KeptList { key: string; person: string; read: string; body: unknown }

/** A photo on the phone; `digest` once the server has it. */
export interface PhotoKept {
  id?: number
  person: string
  blob: Blob
  name: string
  role: string
  taken: string | null
  place: Spot | null
  digest: string
}

/** Something to be sent: one step of a case, or a report of a new one. */
export interface Waiting {
  seq?: number
  person: string
  what: 'action' | 'report'
  caseId: string
  title: string
  words: string
  kind: string
  to: string
  body: Record<string, unknown>
  photos: number[]
  at: string
  state: 'waiting' | 'conflict' | 'refused'
  problem: string
  conflict: Schemas['CaseConflict'] | null
}

class Phone extends Dexie {
  cases!: Table<KeptCase, string>
  lists!: Table<KeptList, string>
  photos!: Table<PhotoKept, number>
  outbox!: Table<Waiting, number>

  constructor() {
    super('bihuan')
    this.version(1).stores({
      cases: 'key, person', lists: 'key, person', photos: '++id, person', outbox: '++seq, person, caseId',
    })
  }
}

export const phone = new Phone()

/** Forget everything of a person, after asking, at an explicit logout. */
export async function forget(person: string): Promise<void> {
  forgetDrafts(person)
  for (const table of [phone.cases, phone.lists, phone.photos, phone.outbox] as Table[]) {
    await table.where('person').equals(person).delete()
  }
}
