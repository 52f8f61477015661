/** Short messages at the edge of the page. */
import { ref } from 'vue'
import { Problem } from '@/api/client'
import { t } from '@/words'

export interface Toast { id: number; tone: 'ok' | 'danger' | 'warn' | 'info'; words: string; detail?: string }
export const toasts = ref<Toast[]>([])
let next = 1

export function tell(tone: Toast['tone'], words: string, detail?: string): void {
  const id = next++
  toasts.value.push({ id, tone, words, detail })
  if (tone !== 'danger') setTimeout(() => dismiss(id), 5000)
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** Say what went wrong; what was typed stays where it is. */
export function complain(problem: unknown): void {
  if (problem instanceof Problem) tell('danger', problem.words, problem.words === problem.detail ? undefined : problem.detail)
  else tell('danger', t('problem.unknown'), String(problem))
}
