/** The icons in use, by name, so that the rest of the set stays out of the bundle. Sorted. */
export {
  Activity, Bell, BookOpenCheck, CircleCheck, CircleUser, ClipboardList, Copy, Download, FileText, Languages, LayoutDashboard, LibraryBig, LogOut,
  Map as MapIcon, MapPin, Maximize2, Moon, Printer, RadioTower, Scale, ScrollText, ShieldCheck, Siren, Sun, Smartphone, TriangleAlert, Users,
} from '@lucide/vue'
