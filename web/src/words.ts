/** The words people read, from src/bihuan/texts; Chinese unless the person chose English. */
import { ref, shallowRef } from 'vue'

export type Language = 'zh' | 'en'
type Tables = Record<string, Record<string, string>>

const load: Record<Language, () => Promise<{ default: Tables }>> = {
  zh: () => import('@texts/zh.toml'),
  en: () => import('@texts/en.toml'),
}

export const language = ref<Language>(remembered())
const tables = shallowRef<Tables>({})

function remembered(): Language {
  return localStorage.getItem('bihuan.language') === 'en' ? 'en' : 'zh'
}

export async function speak(wanted: Language = language.value): Promise<void> {
  tables.value = (await load[wanted]()).default
  language.value = wanted
  localStorage.setItem('bihuan.language', wanted)
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en'
}

/** Words of `table.key` with `{names}` filled in; the key itself where they are missing, so that the gap is seen. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const [table, name] = key.split('.', 2)
  const words = tables.value[table]?.[name]
  if (words === undefined) return key
  return words.replace(/\{(\w+)\}/g, (whole, part: string) => String(values[part] ?? whole))
}

/** Whether there are words for a key. */
export function knows(key: string): boolean {
  const [table, name] = key.split('.', 2)
  return tables.value[table]?.[name] !== undefined
}
