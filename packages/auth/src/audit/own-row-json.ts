import { type AuditRow, type RowJson, rowToJson } from '@countersign/core'

/** A row as the person sees it whom it concerns: what, when, from where; nothing about others. */
export function ownRowJson(row: AuditRow): Partial<RowJson> {
  const { id, occurred_at, event, outcome, reason, address, user_agent, device } = rowToJson(row)
  return { id, occurred_at, event, outcome, reason, address, user_agent, device }
}
