/** Who is logged in, and what this installation is. */
import { computed, ref } from 'vue'
import { api, Problem, setCsrf, type Schemas } from '@/api/client'
import { hangUp, listen } from '@/api/live'

export const me = ref<Schemas['Me'] | null>(null)
export const about = ref<Schemas['About'] | null>(null)

/** Whether the person has a right; buttons that the server would refuse are not shown. */
export function may(right: string): boolean {
  return me.value?.rights.includes(right) ?? false
}

export const isLoggedIn = computed(() => me.value !== null)

/** Asked before an explicit logout; one that says no keeps the person logged in. */
export const beforeLogOut: (() => Promise<boolean>)[] = []

const KEPT = 'bihuan.self'
/** Whether this is only what the phone remembers of the last login: there was no network at the start. */
let recalled = false

function enter(found: Schemas['Me']): void {
  me.value = found
  recalled = false
  setCsrf(found.csrf)
  keepSelf()
  listen()
}

/** Who was here last, without any secret, so that the officer's page opens without network. */
function keepSelf(): void {
  localStorage.setItem(KEPT, JSON.stringify({ me: { ...me.value, csrf: '' }, about: about.value }))
}

function recall(): void {
  const kept = JSON.parse(localStorage.getItem(KEPT) ?? 'null') as { me: Schemas['Me']; about: Schemas['About'] } | null
  if (!kept) return
  me.value = kept.me
  about.value = kept.about
  recalled = true
  listen()
}

/** Before something is sent: whether the server knows this person; asks it when the page was opened without network. */
export async function comeBack(): Promise<boolean> {
  if (!recalled) return me.value !== null
  const before = me.value?.person
  try {
    const found = await api.get<Schemas['Me']>('/session')
    if (found.person !== before) return false // somebody else is logged in now: this queue is not theirs
    enter(found)
    return true
  } catch {
    return false
  }
}

export async function logIn(login: string, password: string): Promise<void> {
  enter(await api.post<Schemas['Me']>('/session', { login, password }))
}

export async function logOut(): Promise<void> {
  for (const ask of beforeLogOut) if (!(await ask())) return
  await api.del('/session')
  localStorage.removeItem(KEPT)
  leave()
}

export function leave(): void {
  me.value = null
  hangUp()
}

/** Read anew what this installation is: a first account was made, or a first register came. */
export async function renewAbout(): Promise<void> {
  try {
    about.value = await api.get<Schemas['About']>('/about')
  } catch {
    // the next time will do
  }
}

/** Come back to the session of the cookie, if it still holds. */
export async function resume(): Promise<void> {
  try {
    about.value = await api.get<Schemas['About']>('/about')
    enter(await api.get<Schemas['Me']>('/session'))
  } catch (problem) {
    me.value = null
    if (problem instanceof Problem && (problem.offline || problem.status >= 502)) recall()
  }
}
