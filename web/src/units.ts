/** Units as people write them: the table that Python prints from too. */
import table from '@core/printed_units.toml'

export function unitWords(unit: string): string {
  return table.printed[unit] ?? unit
}
