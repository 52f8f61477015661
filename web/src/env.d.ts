declare module '*.toml' {
  const tables: Record<string, Record<string, string>>
  export default tables
}
