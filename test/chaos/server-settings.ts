/** What a server of these tests is told, as JSON. */
export interface ServerSettings {
  /** A PostgreSQL server, or the folder of a PGlite of its own. */
  readonly database: { readonly url: string } | { readonly folder: string }
  readonly spool: string
  /** It makes the tables first; without this it begins also while its store is away. */
  readonly prepares?: boolean
  /** Its sink says that rows are stored before they are: what a check must find. */
  readonly careless?: boolean
}

/** What it says of itself. */
export interface ServerStatus {
  readonly reachable: boolean
  readonly waiting: number
  readonly spooledRows: number
  readonly spooledBytes: number
  readonly recorded: number
  readonly lost: number
  /** Code and message of each fault that was reported. */
  readonly faults: readonly string[]
  /** In bytes; the heap as it is after a collection, where the process may ask for one. */
  readonly memory: { readonly rss: number; readonly heap: number; readonly external: number }
}

/** What the database has. */
export interface Stored {
  /** Request id, event and outcome of each row that belongs to a request. */
  readonly rows: ReadonlyArray<readonly [requestId: string, is: string]>
  /** The requests whose change is there. */
  readonly changes: readonly string[]
}
