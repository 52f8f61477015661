/** What the server tells as it happens; a page names the kinds after which it reads anew. */
import { onUnmounted, ref } from 'vue'

type Listener = (body: Record<string, unknown>) => void
const listeners = new Map<string, Set<Listener>>()
const KINDS = ['overview', 'event', 'case', 'clock', 'job', 'bulletin', 'warning', 'device', 'forward', 'shift', 'sign', 'standard', 'trace_report']

/** Whether the line to the server stands. */
export const online = ref(true)

let source: EventSource | null = null
let onEnded: () => void = () => {}

/** What to do when the server says that the login has ended. */
export function whenEnded(act: () => void): void {
  onEnded = act
}

export function listen(): void {
  if (source) return
  source = new EventSource('/api/live')
  source.onopen = () => (online.value = true)
  source.onerror = () => (online.value = false)
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => tell(kind, JSON.parse((message as MessageEvent<string>).data)))
  }
  source.addEventListener('ended', () => {
    hangUp()
    onEnded()
  })
  source.addEventListener('renew', () => KINDS.forEach((kind) => tell(kind, {})))
}

export function hangUp(): void {
  source?.close()
  source = null
}

function tell(kind: string, body: Record<string, unknown>): void {
  listeners.get(kind)?.forEach((act) => act(body))
}

/** Act on kinds of messages while the component lives. */
export function useLive(kinds: string[], act: Listener): void {
  for (const kind of kinds) {
    if (!listeners.has(kind)) listeners.set(kind, new Set())
    listeners.get(kind)!.add(act)
  }
  onUnmounted(() => kinds.forEach((kind) => listeners.get(kind)?.delete(act)))
}
