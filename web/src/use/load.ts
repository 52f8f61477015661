/** Read something, read it anew when the server tells of a change, and keep showing the last state meanwhile. */
import { onMounted, ref, shallowRef, type Ref, type ShallowRef } from 'vue'
import { useLive } from '@/api/live'

export interface Loaded<T> {
  data: ShallowRef<T | null>
  problem: Ref<unknown>
  busy: Ref<boolean>
  reload: () => Promise<void>
}

export function useLoad<T>(read: () => Promise<T>, kinds: string[] = []): Loaded<T> {
  const data = shallowRef<T | null>(null)
  const problem = ref<unknown>(null)
  const busy = ref(false)
  let turn = 0

  async function reload(): Promise<void> {
    const mine = ++turn
    busy.value = true
    try {
      const found = await read()
      if (mine !== turn) return // a later reading is under way
      data.value = found
      problem.value = null
    } catch (refused) {
      if (mine === turn) problem.value = refused
    } finally {
      if (mine === turn) busy.value = false
    }
  }

  // many messages in one second cause one reading
  let waiting: ReturnType<typeof setTimeout> | null = null
  if (kinds.length) {
    useLive(kinds, () => {
      waiting ??= setTimeout(() => {
        waiting = null
        void reload()
      }, 400)
    })
  }
  onMounted(reload)
  return { data, problem, busy, reload }
}
