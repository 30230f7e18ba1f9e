/**
 * The statements that give every filter of a query an index that has its rows in order: an outcome,
 * and an event with and without one. An event alone is one walk per outcome, which costs readers
 * less than an index more would cost every writer.
 */
export const queryIndexes: readonly string[] = [
  'create index audit_event_event_outcome on audit_event (event, outcome, id)',
  'create index audit_event_outcome on audit_event (outcome, id)',
  'drop index audit_event_event',
]
