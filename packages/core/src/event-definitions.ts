import { catalogue, defineEvent, type EventDeclaration, type EventDefinition } from './catalogue.js'

// Whoever makes names up as they go does not fill the memory.
const maxUndeclared = 1000

/** What one trail knows about events: the catalogue, its own events, and those that mixins bring. */
export class EventDefinitions {
  readonly #known: Map<string, EventDefinition>
  readonly #undeclared = new Map<string, EventDefinition>()

  /** @throws AuditError `EVENT_NAME_INVALID` */
  constructor(own: Readonly<Record<string, EventDeclaration>> = {}) {
    this.#known = new Map(Object.entries(catalogue))
    for (const [name, declaration] of Object.entries(own)) this.#known.set(name, defineEvent(name, declaration))
  }

  has(event: string): boolean {
    return this.#known.has(event)
  }

  get(event: string): EventDefinition {
    const known = this.#known.get(event) ?? this.#undeclared.get(event)
    if (known) return known
    // A mixin declares its event by being written; its severity is the default one.
    const definition = defineEvent(event)
    if (this.#undeclared.size < maxUndeclared) this.#undeclared.set(event, definition)
    return definition
  }
}
