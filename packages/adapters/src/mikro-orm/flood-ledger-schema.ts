/** The statements that make the table of open floods; the same on PGlite and PostgreSQL. */
export const floodLedgerSchema: readonly string[] = [
  // Counts change while a window is open: the one table of the store whose rows do.
  `create table audit_flood (
    id uuid primary key,
    summary json not null,
    repeat_count integer not null,
    last_at timestamptz not null,
    closes_at timestamptz not null
  )`,
  'create index audit_flood_closes_at on audit_flood (closes_at)',
]
