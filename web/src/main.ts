import { createApp } from 'vue'
import App from './App.vue'
import { whenLoggedOut } from './api/client'
import { whenEnded } from './api/live'
import { router } from './router'
import { startQueue } from './offline/queue'
import { startWorker } from './offline/worker'
import { leave, resume } from './stores/session'
import { applyTheme } from './theme'
import { speak } from './words'
import './styles/base.css'

applyTheme()
const out = (): void => {
  leave()
  const at = router.currentRoute.value
  if (!at.meta.open) void router.push({ name: 'login', query: { to: at.fullPath } })
}
whenLoggedOut(out)
whenEnded(out)

await speak()
await resume().catch(() => undefined) // offline: the officer's page works from what the phone keeps
createApp(App).use(router).mount('#app')
startQueue()
startWorker()
