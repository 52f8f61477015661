/** What is being typed, kept on the phone at every stroke; it survives a reload, an update and an expired login. */
import { reactive, ref, watch } from 'vue'
import { me } from '@/stores/session'

const PREFIX = 'bihuan.draft/'

export function useDraft<T extends object>(name: string, fresh: () => T) {
  const draft = reactive(fresh()) as T
  const key = `${PREFIX}${me.value?.person ?? ''}/${name}`
  const resting = ref(false)
  try {
    Object.assign(draft, JSON.parse(localStorage.getItem(key) ?? '{}'))
  } catch {
    localStorage.removeItem(key) // torn: begin anew
  }
  watch(draft, () => !resting.value && localStorage.setItem(key, JSON.stringify(draft)), { flush: 'sync' })

  /** After it was sent. */
  function clear(): void {
    resting.value = true
    Object.assign(draft, fresh())
    localStorage.removeItem(key)
    resting.value = false
  }
  return { draft, clear }
}

/** Of a person, at an explicit logout. */
export function forgetDrafts(person: string): void {
  const own = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${person}/`))
  own.forEach((key) => localStorage.removeItem(key))
}
