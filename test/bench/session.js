import { load, loggedIn, startSystem } from './login-systems.js'
import { interleaved, median, medianRatio, spread } from './rounds.js'

/**
 * Requests of somebody who is logged in: the token verified, its session found alive and not revoked in the database.
 * Beside better-auth's get-session, as it comes, on the same PostgreSQL.
 *
 * @param {(figure: object) => void} report
 */
export async function session(report) {
  const [ours, peer] = [
    await startSystem({ system: 'countersign', hashing: 'nothing' }),
    await startSystem({ system: 'better-auth', hashing: 'nothing' }),
  ]
  if (!ours || !peer) {
    report.unmeasured('session: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
    return
  }
  const [mine, theirs] = [await loggedIn(ours), await loggedIn(peer)]
  for (const connections of [8, 32]) {
    const figures = await interleaved(
      { ours: () => load({ ...mine, connections }), peer: () => load({ ...theirs, connections }) },
      { rounds: 5 },
    )
    const figure = (name, values, rest = {}) =>
      report({
        ...{ bench: 'session', backend: 'PostgreSQL', figure: `${name}, ${connections} connections` },
        ...{ value: median(values), unit: '/s', spread: spread(values), ...rest },
      })
    figure('authenticated requests', figures.ours)
    figure('get-session of better-auth', figures.peer)
    figure(
      'to better-auth',
      figures.ours.map((value, round) => value / figures.peer[round]),
      { value: medianRatio(figures.ours, figures.peer), unit: 'ratio', atLeast: 3 },
    )
  }
  await Promise.all([ours.close(), peer.close()])
}
