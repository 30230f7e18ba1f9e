import { short } from './rounds.js'

/**
 * Prints figures as they come: as lines for people, or one line of JSON each.
 *
 * @param {{ json: boolean }} options
 */
export function reporter({ json }) {
  let failing = false
  let heading = ''

  function report({ bench, backend, figure, value, unit, atMost, atLeast, spread }) {
    const goal = atMost ?? atLeast ?? null
    const ok = goal === null ? null : atMost === undefined ? value >= goal : value <= goal
    if (ok === false) failing = true
    if (json) {
      console.log(JSON.stringify({ bench, backend, figure, value: Number(value.toPrecision(6)), unit, goal, ok }))
      return
    }
    if (heading !== `${bench}, ${backend}`) {
      heading = `${bench}, ${backend}`
      console.log(`\n${heading}`)
    }
    const limit =
      goal === null ? '' : `  limit: ${atMost === undefined ? 'at least' : 'at most'} ${goal}, ${ok ? 'met' : 'MISSED'}`
    const middle = spread ? `  (${spread})` : ''
    console.log(`  ${figure.padEnd(44)} ${short(value).padStart(8)} ${unit}${middle}${limit}`)
  }

  /** Says why a limit could not be measured: a bench that did not look has not passed. */
  report.unmeasured = (why) => {
    failing = true
    console.error(why)
  }

  return { report, failed: () => failing }
}
