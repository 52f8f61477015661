/** Try something that the server may refuse: busy meanwhile, and what went wrong is told. */
import { ref } from 'vue'
import { complain } from '@/stores/toasts'

export function useAttempt() {
  const busy = ref(false)

  async function attempt(work: () => Promise<void>): Promise<void> {
    busy.value = true
    try {
      await work()
    } catch (refused) {
      complain(refused)
    } finally {
      busy.value = false
    }
  }
  return { busy, attempt }
}
