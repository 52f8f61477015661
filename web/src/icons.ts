/** The icons in use, by name, so that the rest of the set stays out of the bundle. Sorted. */
export {
  Activity, Bell, BookOpenCheck, ChartPie, Circle, CircleCheck, CircleUser, CircleX, ClipboardList, Compass, Copy, Download, FileText, FileUp, HeartPulse, Languages,
  LayoutDashboard, LibraryBig, LogOut, Map as MapIcon, MapPin, Maximize2, Menu, Moon, Printer, Radar, RadioTower, Rocket, Scale, ScanSearch, ScrollText, ShieldCheck, Siren,
  Smartphone, Sun, TriangleAlert, Users,
} from '@lucide/vue'
