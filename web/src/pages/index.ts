/**
 * Every page: its address, the right it needs, and whether it stands in the navigation. Each page is a chunk of its
 * own, so that the first page stays small. Order is the order of the navigation.
 */
import type { Component } from 'vue'

export interface Page {
  name: string
  path: string
  /** Right that is needed; none for pages that anyone may open before logging in. */
  right?: string
  open?: boolean
  /** Right without which it does not stand in the navigation, though it may be opened. */
  listed?: string
  /** Icon of `@lucide/vue`; pages without one do not stand in the navigation. */
  icon?: string
  /** Key of its words. */
  title: string
  /** Whether it stands in the bottom bar of a phone. */
  phone?: boolean
  load: () => Promise<Component>
}

export const pages: Page[] = [
  { name: 'login', path: '/login', open: true, title: 'session.title', load: () => import('./session/LoginPage.vue') },
  { name: 'overview', path: '/overview', right: 'overview.read', icon: 'LayoutDashboard', title: 'overview.title', phone: true, load: () => import('./overview/OverviewPage.vue') },
  { name: 'alarms', path: '/alarms', right: 'event.read', icon: 'Siren', phone: true, title: 'alarm.title', load: () => import('./alarm/AlarmListPage.vue') },
  { name: 'alarm', path: '/alarms/:id', right: 'event.read', title: 'alarm.trace', load: () => import('./alarm/AlarmPage.vue') },
  { name: 'cases', path: '/cases', right: 'case.read', icon: 'ClipboardList', phone: true, title: 'board.title', load: () => import('./cases/BoardPage.vue') },
  { name: 'case-metrics', path: '/cases/metrics', right: 'case.read', title: 'board.metrics', load: () => import('./cases/MetricsPage.vue') },
  { name: 'case', path: '/cases/:id', right: 'case.read', title: 'board.title', load: () => import('./cases/CasePage.vue') },
  { name: 'officer', path: '/officer', right: 'case.act', icon: 'Smartphone', phone: true, title: 'officer.title', load: () => import('./officer/OfficerPage.vue') },
  { name: 'officer-report', path: '/officer/new', right: 'case.report', title: 'officer.report_new', load: () => import('./officer/ReportPage.vue') },
  { name: 'officer-case', path: '/officer/:id', right: 'case.act', title: 'officer.title', load: () => import('./officer/OfficerCasePage.vue') },
  { name: 'map', path: '/map', right: 'site.read', icon: 'MapIcon', title: 'map.title', load: () => import('./overview/MapPage.vue') },
  { name: 'sites', path: '/sites', right: 'site.read', icon: 'MapPin', title: 'station.sites', load: () => import('./overview/SitesPage.vue') },
  { name: 'site', path: '/sites/:ref(.*)', right: 'site.read', title: 'station.title', load: () => import('./overview/SitePage.vue') },
  { name: 'sectors', path: '/sectors', right: 'site.read', listed: 'overview.read', icon: 'Compass', title: 'sectors.title', load: () => import('./sectors/SectorsPage.vue') },
  { name: 'receptor', path: '/receptor', right: 'receptor.run', icon: 'ChartPie', title: 'receptor_page.title', load: () => import('./receptor/ReceptorPage.vue') },
  { name: 'assess', path: '/assess', right: 'assess.run', icon: 'Scale', title: 'law_page.assess', load: () => import('./law/AssessPage.vue') },
  { name: 'standards', path: '/standards', right: 'standard.read', icon: 'LibraryBig', title: 'law_page.standards', load: () => import('./law/StandardsPage.vue') },
  { name: 'standard', path: '/standards/:id', right: 'standard.read', title: 'law_page.standards', load: () => import('./law/StandardPage.vue') },
  { name: 'start', path: '/start', listed: 'import.run', icon: 'Rocket', title: 'start.title', load: () => import('./start/StartPage.vue') },
  { name: 'imports', path: '/imports', right: 'import.run', icon: 'ScrollText', title: 'imports.title', load: () => import('./imports/ImportsPage.vue') },
  { name: 'warnings', path: '/warnings', right: 'warning.read', icon: 'Bell', title: 'warning_page.title', load: () => import('./alarm/WarningsPage.vue') },
  { name: 'shift', path: '/shift', right: 'shift.read', icon: 'BookOpenCheck', title: 'shift.title', load: () => import('./alarm/ShiftPage.vue') },
  { name: 'shift-record', path: '/shift/:id', right: 'shift.read', title: 'shift.title', load: () => import('./alarm/ShiftRecordPage.vue') },
  { name: 'bulletins', path: '/bulletins', right: 'bulletin.read', icon: 'FileText', title: 'bulletin.title', phone: true, load: () => import('./bulletin/BulletinListPage.vue') },
  { name: 'bulletin', path: '/bulletins/:id', right: 'bulletin.read', title: 'bulletin.title', load: () => import('./bulletin/BulletinPage.vue') },
  { name: 'trace-reports', path: '/trace-reports', right: 'tracereport.read', title: 'tracereport.title', load: () => import('./bulletin/TraceReportListPage.vue') },
  { name: 'trace-report', path: '/trace-reports/:id', right: 'tracereport.read', title: 'tracereport.title', load: () => import('./bulletin/BulletinPage.vue') },
  { name: 'devices', path: '/devices', right: 'device.read', icon: 'RadioTower', phone: true, title: 'onboarding.title', load: () => import('./onboarding/DevicesPage.vue') },
  { name: 'devices-unknown', path: '/devices/unknown', right: 'device.claim', title: 'onboarding.unknown', load: () => import('./onboarding/UnknownPage.vue') },
  { name: 'forward', path: '/devices/forward', right: 'forward.read', title: 'forward.title', load: () => import('./forward/ForwardPage.vue') },
  { name: 'transmission', path: '/transmission', right: 'site.read', title: 'law_outlet.transmission', load: () => import('./onboarding/TransmissionPage.vue') },
  { name: 'devices-month', path: '/devices/month', right: 'device.read', title: 'watch.month_title', load: () => import('./onboarding/MonthPage.vue') },
  { name: 'device', path: '/devices/:mn', right: 'device.read', title: 'onboarding.title', load: () => import('./onboarding/DevicePage.vue') },
  { name: 'signs', path: '/signs', right: 'sign.read', icon: 'ScanSearch', phone: true, title: 'signs.title', load: () => import('./signs/SignListPage.vue') },
  { name: 'sign', path: '/signs/:id', right: 'sign.read', title: 'signs.title', load: () => import('./signs/SignPage.vue') },
  { name: 'network', path: '/network', right: 'network.read', icon: 'Radar', title: 'network.title', load: () => import('./network/NetworkPage.vue') },
  { name: 'health', path: '/health', right: 'health.read', icon: 'HeartPulse', phone: true, title: 'health.title', load: () => import('./health/HealthPage.vue') },
  { name: 'accounts', path: '/accounts', right: 'account.read', icon: 'Users', title: 'account.title', load: () => import('./account/AccountsPage.vue') },
  { name: 'audit', path: '/audit', right: 'audit.read', icon: 'ShieldCheck', title: 'audit.title', load: () => import('./account/AuditPage.vue') },
  { name: 'me', path: '/me', title: 'account.mine', load: () => import('./account/MePage.vue') },
]
