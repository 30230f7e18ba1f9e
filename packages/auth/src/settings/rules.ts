import { inspect } from 'node:util'

/** What a setting must be: says what is wrong with a value, by the setting's name, and which settings it consists of. */
export interface Rule {
  faultsOf(value: unknown, name: string): string[]
  /** The names of what a group consists of; a single setting has none. */
  readonly parts?: readonly string[]
}

/** A rule for each of the settings that there are: the compiler sees to it that none is missing. */
export type Rules<Settings extends object> = Readonly<Record<keyof Settings, Rule>>

const longest = 60

/** One rule by one test; what the value is, is shown, unless it is a secret. */
export function mustBe(what: string, test: (value: unknown) => boolean, { isSecret = false } = {}): Rule {
  return {
    faultsOf: (value, name) => {
      if (test(value)) return []
      return [`${name} must be ${what}${isSecret ? '' : `, and was ${shown(value)}`}`]
    },
  }
}

export const flag: Rule = mustBe('true or false', (value) => typeof value === 'boolean')

/** Whole numbers of something. */
export function count(unit: string, least: number, most: number): Rule {
  const isInRange = (value: unknown) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most
  return mustBe(`a whole number of ${unit} from ${least} to ${most}`, isInRange)
}

export function oneOf(...values: readonly string[]): Rule {
  const names = values.map((value) => inspect(value)).join(', ')
  return mustBe(`one of ${names}`, (value) => values.includes(value as string))
}

export function text(what: string, form: RegExp, options?: { readonly isSecret: boolean }): Rule {
  return mustBe(what, (value) => typeof value === 'string' && form.test(value), options)
}

export function listOf(each: Rule): Rule {
  return {
    faultsOf(value, name) {
      if (!Array.isArray(value)) return [`${name} must be a list, and was ${shown(value)}`]
      return value.flatMap((item, index) => each.faultsOf(item, `${name}[${index}]`))
    },
  }
}

/** A part that somebody made: what counts is what it can do. */
export function madeWith(what: string, ...methods: readonly string[]): Rule {
  const has = (value: unknown, method: string): boolean =>
    Object(value) === value && typeof (value as Record<string, unknown>)[method] === 'function'
  return mustBe(what, (value) => methods.every((method) => has(value, method)), { isSecret: true })
}

/** A part that null switches off. */
export function orNull(rule: Rule): Rule {
  return { ...rule, faultsOf: (value, name) => (value === null ? [] : rule.faultsOf(value, name)) }
}

/** A group that is one setting. */
export function whole({ faultsOf }: Rule): Rule {
  return { faultsOf }
}

/** Settings that belong together: any of them may be left out, and there are no others. */
export function group<Settings extends object>(rules: Rules<Settings>): Rule {
  const known = Object.entries<Rule>(rules)
  const parts = known.flatMap(([name, rule]) => rule.parts?.map((part) => `${name}.${part}`) ?? [name])
  return { parts, faultsOf: (value, name) => faultsOfGroup(value, name, rules as Readonly<Record<string, Rule>>) }
}

function faultsOfGroup(value: unknown, name: string, rules: Readonly<Record<string, Rule>>): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${name || 'settings'} must be an object, and was ${shown(value)}`]
  const before = name === '' ? '' : `${name}.`
  const names = Object.keys(rules)
  return Object.entries(value).flatMap(([key, part]) => {
    const rule = Object.hasOwn(rules, key) ? rules[key] : undefined
    if (!rule) return [`${before}${key} is no setting; there are: ${names.join(', ')}`]
    // What is undefined was not set.
    return part === undefined ? [] : rule.faultsOf(part, `${before}${key}`)
  })
}

function shown(value: unknown): string {
  const text = inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
