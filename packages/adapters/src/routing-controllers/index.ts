export { auditedControllers } from './audited-controllers.js'
export type { ControllerClass } from './controller-classes.js'
export { auditCoverage, type CoverageOptions } from './coverage.js'
export type {
  CoverageReport,
  CoveredEvent,
  CoveredHandler,
  CoveredOutcome,
  CoveredRoute,
  CoveredScope,
} from './coverage-report.js'
export { formatCoverage } from './coverage-table.js'
export type { FrameworkRequest, FrameworkResponse } from './framework.js'
export { type FieldProblem, type Problem, sendProblem } from './problem.js'
export { ProblemErrors, ProblemNotFound } from './problem-middlewares.js'
export { type RequestContextOptions, requestOf } from './request-context.js'
export { safeDefaults } from './safe-defaults.js'
export type { TrustedProxies } from './trusted-proxies.js'
