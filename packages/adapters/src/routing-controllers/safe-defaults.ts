import type { RoutingControllersOptions } from 'routing-controllers'
import { ProblemErrors, ProblemNotFound } from './problem-middlewares.js'

/**
 * Options for `createExpressServer` and `createKoaServer` that never show a stack or repeat input: problem documents
 * for every error, and validation that refuses undeclared fields.
 */
export const safeDefaults: Pick<
  RoutingControllersOptions,
  'defaultErrorHandler' | 'validation' | 'middlewares' | 'development'
> = {
  development: false,
  defaultErrorHandler: false,
  validation: {
    whitelist: true,
    forbidNonWhitelisted: true,
    forbidUnknownValues: true,
    validationError: { target: false, value: false },
  },
  middlewares: [ProblemErrors, ProblemNotFound],
}
