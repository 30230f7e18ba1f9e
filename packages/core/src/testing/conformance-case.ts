/** One promise of an interface, to be run by any test runner: `it(title, () => run())`. */
export interface ConformanceCase {
  readonly title: string
  readonly run: () => Promise<void>
}
