import type { SqlClient } from '@countersign/adapters/mikro-orm'
import type { SentStatement } from './recorded-reader.js'

/** A step of a plan, as `explain (format json)` tells it. */
interface PlanStep {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly PlanStep[]
}

/** The plan for these very values; with `kept` the one for any values, which a connection keeps for a named statement. */
export async function planOf(client: SqlClient, statement: SentStatement, kept = false): Promise<PlanStep> {
  const { text, values } = statement
  if (!kept) return planIn(await client.query(`explain (format json) ${text}`, values))
  await client.query("set plan_cache_mode = 'force_generic_plan'", [])
  await client.query(`prepare kept as ${text}`, [])
  const literals = values.map((value) => `'${String(value).replaceAll("'", "''")}'`).join(', ')
  try {
    return planIn(await client.query(`explain (format json) execute kept${literals && `(${literals})`}`, []))
  } finally {
    await client.query('deallocate kept', [])
    await client.query('reset plan_cache_mode', [])
  }
}

function planIn(rows: unknown[]): PlanStep {
  const [{ 'QUERY PLAN': told }] = rows as [{ 'QUERY PLAN': Array<{ Plan: PlanStep }> }]
  return (told[0] as { Plan: PlanStep }).Plan
}

/**
 * What a plan does that gets slower as the store grows: looking at rows that nobody asked for,
 * or at all of those that were asked for where a page would do. `columns` are those of the filter.
 */
export function faultsOf(plan: PlanStep, columns: readonly string[]): string[] {
  return stepsOf(plan).flatMap((step) => [
    ...(isScan(step) ? scanFaults(step, columns) : []),
    ...(isWhole(step) ? [`${step['Node Type']} of all that is found`] : []),
  ])
}

function scanFaults(step: PlanStep, columns: readonly string[]): string[] {
  const { 'Node Type': type, 'Relation Name': table, 'Index Cond': condition = '', Filter: filter } = step
  if (!/^Index (Only )?Scan$/.test(type)) return [`${type} of ${table}`]
  const isLookup = /\(id = (\w+|"[^"]+")\.id\)/.test(condition)
  const missing = isLookup ? [] : columns.filter((column) => !new RegExp(`\\b${column}\\b`).test(condition))
  return [
    ...(missing.length > 0
      ? [`${type} of ${table} by ${condition || 'nothing'}, without ${missing.join(' and ')}`]
      : []),
    ...(filter === undefined ? [] : [`${type} of ${table} that looks whether ${filter}`]),
  ]
}

function isScan(step: PlanStep): boolean {
  return step['Relation Name'] !== undefined
}

/** True for a step that needs all that is below it before it has anything, where no limit is below it. */
function isWhole({ 'Node Type': type, Plans = [] }: PlanStep): boolean {
  return /Sort|Aggregate|Unique|Hash|Bitmap|Materialize/.test(type) && Plans.some(isUnlimited)
}

function isUnlimited(step: PlanStep): boolean {
  return step['Node Type'] !== 'Limit' && (isScan(step) || (step.Plans ?? []).some(isUnlimited))
}

function stepsOf(step: PlanStep): PlanStep[] {
  return [step, ...(step.Plans ?? []).flatMap(stepsOf)]
}
