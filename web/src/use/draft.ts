/**
 * What is being typed, kept in the browser at every stroke; it survives a reload, an update of the pages, a refused form
 * and an expired login. One way for every form: `draft` is filled again when the form is opened anew, `clear` after it
 * was sent.
 */
import { reactive, ref, watch } from 'vue'
import { me } from '@/stores/session'

const PREFIX = 'bihuan.draft/'

/** `name` says which form of which thing; where it is a function, the draft changes with it. */
export function useDraft<T extends object>(name: string | (() => string), fresh: () => T) {
  const draft = reactive(fresh()) as T
  const person = me.value?.person ?? ''
  const named = () => (typeof name === 'string' ? name : name())
  let key = `${PREFIX}${person}/${named()}`
  let resting = false
  /** Whether something typed earlier was found: the form says so. */
  const found = ref(false)

  function fill(): void {
    resting = true
    Object.assign(draft, fresh())
    const kept = localStorage.getItem(key)
    found.value = kept !== null
    try {
      Object.assign(draft, JSON.parse(kept ?? '{}'))
    } catch {
      localStorage.removeItem(key) // torn: begin anew
      found.value = false
    }
    resting = false
  }
  fill()
  watch(draft, () => {
    if (resting) return
    const untouched = JSON.stringify(draft) === JSON.stringify(fresh())
    if (untouched) localStorage.removeItem(key)
    else localStorage.setItem(key, JSON.stringify(draft))
  }, { flush: 'sync' })
  if (typeof name !== 'string') {
    watch(name, () => {
      key = `${PREFIX}${person}/${named()}`
      fill()
    }, { flush: 'sync' })
  }

  /** After it was sent. */
  function clear(): void {
    localStorage.removeItem(key)
    fill()
  }
  return { draft, clear, found }
}

/** Of a person, at an explicit logout. */
export function forgetDrafts(person: string): void {
  const own = Object.keys(localStorage).filter((key) => key.startsWith(`${PREFIX}${person}/`))
  own.forEach((key) => localStorage.removeItem(key))
}
