/** The icons in use, by name, so that the rest of the set stays out of the bundle. Sorted. */
export {
  Activity, Bell, BookOpenCheck, CircleUser, ClipboardList, FileText, Languages, LayoutDashboard, LogOut, Map as MapIcon,
  Moon, RadioTower, ScrollText, ShieldCheck, Siren, Sun, Smartphone, Users,
} from '@lucide/vue'
