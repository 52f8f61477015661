/** Who is logged in, and what this installation is. */
import { computed, ref } from 'vue'
import { api, setCsrf, type Schemas } from '@/api/client'
import { hangUp, listen } from '@/api/live'

export const me = ref<Schemas['Me'] | null>(null)
export const about = ref<Schemas['About'] | null>(null)

/** Whether the person has a right; buttons that the server would refuse are not shown. */
export function may(right: string): boolean {
  return me.value?.rights.includes(right) ?? false
}

export const isLoggedIn = computed(() => me.value !== null)

function enter(found: Schemas['Me']): void {
  me.value = found
  setCsrf(found.csrf)
  listen()
}

export async function logIn(login: string, password: string): Promise<void> {
  enter(await api.post<Schemas['Me']>('/session', { login, password }))
}

export async function logOut(): Promise<void> {
  await api.del('/session')
  leave()
}

export function leave(): void {
  me.value = null
  hangUp()
}

/** Come back to the session of the cookie, if it still holds. */
export async function resume(): Promise<void> {
  about.value = await api.get<Schemas['About']>('/about')
  try {
    enter(await api.get<Schemas['Me']>('/session'))
  } catch {
    me.value = null
  }
}
