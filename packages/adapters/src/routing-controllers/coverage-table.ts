import { keyOf } from './coverage.js'
import type { CoverageReport, CoveredHandler, CoveredRoute } from './coverage-report.js'

type Line = readonly string[]

const head: Line = ['ROUTE', 'HANDLER', 'EVENT', 'SUCCESS', 'FAILURE', 'DENIED', 'BY', 'DENIED BY']

/** A report of {@link auditCoverage} as a table for people: one line per route and event, with its severities. */
export function formatCoverage(report: CoverageReport): string {
  const { routes, handlers, scopes } = report
  const lines = [
    head,
    ...routes.flatMap((route) => linesOf(keyOf(route), route, standingOf(route))),
    ...handlers.flatMap((handler) => linesOf('no route', handler, 'not audited')),
  ]
  const limits = scopes.map(({ scope, handlers: throttled }) => [scope, throttled.join(', ')])
  const tables = limits.length === 0 ? [lines] : [lines, [['SCOPE', 'THROTTLES'], ...limits]]
  return [...tables.map(aligned), verdictOf(report)].join('\n\n')
}

function linesOf(route: string, { controller, method, events, deniedBy }: CoveredHandler, standing: string): Line[] {
  const start = [route, `${controller}.${method}`]
  const guards = deniedBy.join(', ')
  const own = events.map(({ event, by, outcomes }) => {
    const [success = '-', failure = '-', denied = '-'] = ['success', 'failure', 'denied'].map(
      (wanted) => outcomes.find(({ outcome }) => outcome === wanted)?.severity,
    )
    return [...start, event, success, failure, denied, by, guards]
  })
  const isAudited = own.length > 0 && standing === ''
  return isAudited ? own : [[...start, standing, '', '', '', '', guards], ...own]
}

function standingOf({ audited, stateChanging, exempt }: CoveredRoute): string {
  if (audited) return ''
  if (exempt !== null) return `exempt: ${exempt}`
  return stateChanging ? 'NOT AUDITED' : 'not audited'
}

function aligned(lines: readonly Line[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function verdictOf({ complete, routes, unaudited, needlessExemptions }: CoverageReport): string {
  const changing = routes.filter(({ stateChanging }) => stateChanging)
  if (complete) {
    const exempt = changing.filter((route) => route.exempt !== null).length
    return `${changing.length} of ${routes.length} routes change state: ${changing.length - exempt} audited, ${exempt} exempt.`
  }
  const faults = [
    ...unaudited.map(
      (route) =>
        `${keyOf(route)} is not audited. Extend ${route.controller} with a mixin, put @AuditEvent on ${route.method}(), tell a hand-written mixin (AbstractSignalMixin(Base, { ${route.method}: 'event' })), or exempt it with a reason.`,
    ),
    ...needlessExemptions.map(
      (key) => `The exemption of '${key}' is that of no unaudited route that changes state. Correct or remove it.`,
    ),
  ]
  return faults.join('\n')
}
