/** What is being typed, kept on the phone while it is typed; it survives a reload, an update and an expired login. */
import { onUnmounted, reactive, ref, watch } from 'vue'
import { me } from '@/stores/session'
import { phone } from './db'

export function useDraft<T extends object>(name: string, fresh: () => T) {
  const draft = reactive(fresh()) as T
  const ready = ref(false)
  const key = `${me.value?.person ?? ''}/${name}`
  const person = me.value?.person ?? ''
  let timer: ReturnType<typeof setTimeout> | null = null

  async function save(): Promise<void> {
    timer = null
    await phone.drafts.put({ key, person, saved: new Date().toISOString(), body: JSON.parse(JSON.stringify(draft)) })
  }

  const loaded = phone.drafts.get(key).then((found) => {
    if (found) Object.assign(draft, found.body)
    ready.value = true
    watch(draft, () => (timer ??= setTimeout(() => void save(), 250)))
  })

  async function clear(): Promise<void> {
    if (timer) clearTimeout(timer)
    Object.assign(draft, fresh())
    await new Promise((done) => setTimeout(done, 300))
    if (timer) clearTimeout(timer)
    timer = null
    await phone.drafts.delete(key)
  }

  onUnmounted(() => {
    if (!timer) return
    clearTimeout(timer)
    void save()
  })
  return { draft, ready, loaded, clear }
}
