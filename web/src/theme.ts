/** Light, dark, or as the machine is set. */
import { ref } from 'vue'

export type Theme = 'light' | 'dark' | 'auto'
export const theme = ref<Theme>((localStorage.getItem('bihuan.theme') as Theme | null) ?? 'auto')
export const isDark = ref(false)
const wish = window.matchMedia('(prefers-color-scheme: dark)')

export function applyTheme(): void {
  isDark.value = theme.value === 'dark' || (theme.value === 'auto' && wish.matches)
  document.documentElement.dataset.theme = isDark.value ? 'dark' : 'light'
}

export function setTheme(wanted: Theme): void {
  theme.value = wanted
  localStorage.setItem('bihuan.theme', wanted)
  applyTheme()
}

wish.addEventListener('change', applyTheme)
