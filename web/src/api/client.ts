/** One door to /api: JSON, the CSRF token, the language, and problems as `Problem` errors with words for people. */
import type { components } from './schema'
import { nobodyActs } from './activity'
import { language, knows, t } from '@/words'

export type Schemas = components['schemas']

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly where: string[] = [],
    /** The whole answer, for problems that tell more than their words. */
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail)
  }

  /** What to show: our own words for the code, and what the server said. */
  get words(): string {
    return knows(`problem.${this.code}`) ? t(`problem.${this.code}`) : this.detail
  }

  get offline(): boolean {
    return this.status === 0
  }
}

let csrf = ''
let onLoggedOut: () => void = () => {}

export function setCsrf(token: string): void {
  csrf = token
}

export function whenLoggedOut(act: () => void): void {
  onLoggedOut = act
}

async function request<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { 'Accept-Language': language.value }
  if (nobodyActs()) headers['X-Automatic'] = '1'
  if (method !== 'GET') headers['X-CSRF-Token'] = csrf
  let payload: BodyInit | undefined
  if (body instanceof FormData) payload = body
  else if (body !== undefined) {
    headers['Content-Type'] = 'application/json'
    payload = JSON.stringify(body)
  }
  let answer: Response
  try {
    answer = await fetch(`/api${path}`, { method, headers, body: payload, credentials: 'same-origin' })
  } catch {
    throw new Problem(0, 'offline', t('problem.offline'))
  }
  if (answer.status === 204) return undefined as T
  const text = await answer.text()
  let told: Record<string, unknown> = {}
  try {
    told = text ? JSON.parse(text) : {}
  } catch {
    told = { code: 'unreadable', detail: text.slice(0, 200) }
  }
  if (answer.ok) return told as T
  const problem = new Problem(
    answer.status, String(told.code ?? answer.status), String(told.detail ?? ''), (told.where as string[]) ?? [],
    told,
  )
  if (answer.status === 401 && problem.code === 'not_logged_in') onLoggedOut()
  throw problem
}

/** Path with its query; undefined and empty values are left out. */
export function query(path: string, values: Record<string, string | number | boolean | undefined | null>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '')
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()
  return text ? `${path}?${text}` : path
}

export const api = {
  get: <T>(path: string) => request<T>('GET', path),
  post: <T>(path: string, body?: unknown) => request<T>('POST', path, body),
  put: <T>(path: string, body?: unknown) => request<T>('PUT', path, body),
  del: <T>(path: string) => request<T>('DELETE', path),
}
