import { createRouter, createWebHistory } from 'vue-router'
import { pages } from './pages'
import { about, isLoggedIn, may, me } from './stores/session'
import { t } from './words'

declare module 'vue-router' {
  interface RouteMeta {
    open?: boolean
    right?: string
    title: string
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: () => home() },
    ...pages.map(({ name, path, right, open, title, load }) => ({
      name, path, component: load, meta: { right, open, title },
    })),
    { path: '/:rest(.*)*', redirect: '/' },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
})

/** The first page this person may open. */
export function home(): string {
  if (!isLoggedIn.value) return '/login'
  if (about.value?.empty) return '/start'
  return pages.find((page) => page.icon && page.name !== 'start' && (!page.right || may(page.right)))?.path ?? '/me'
}

router.beforeEach((to) => {
  if (to.meta.open) return true
  if (!isLoggedIn.value) return { name: 'login', query: { to: to.fullPath } }
  if (me.value?.renew && to.name !== 'me') return { name: 'me' }
  if (to.meta.right && !may(to.meta.right)) return home()
  return true
})

router.afterEach((to) => {
  document.title = `${t(to.meta.title)} · ${t('face.name')}`
})
