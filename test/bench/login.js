import { hash, verify } from '@node-rs/argon2'
import { load, startSystem } from './login-systems.js'
import { interleaved, median, medianRatio, spread } from './rounds.js'

const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const modes = [
  { hashing: 'argon2id', how: 'the same argon2id on both sides', atLeast: 1.2 },
  { hashing: 'nothing', how: 'no hashing on either side', atLeast: 2 },
  { hashing: 'defaults', how: "each one's defaults", atLeast: 6 },
]

/**
 * Sign-ins per second of the reference system, every one with its row stored before the answer, beside better-auth on
 * the same PostgreSQL.
 *
 * @param {(figure: object) => void} report
 */
export async function login(report) {
  for (const mode of modes) {
    const [ours, peer] = [
      await startSystem({ system: 'countersign', hashing: mode.hashing }),
      await startSystem({ system: 'better-auth', hashing: mode.hashing }),
    ]
    if (!ours || !peer) {
      report.unmeasured('login: no PostgreSQL server is reachable at TEST_DATABASE_URL.')
      return
    }
    const bare = mode.hashing === 'argon2id' ? await startSystem({ system: 'bare', hashing: mode.hashing }) : null
    const systems = [ours, peer, ...(bare ? [bare] : [])]
    // What V8 has not compiled yet is slower, and at so few sign-ins a second compiling comes late.
    for (const system of systems) await load({ ...system, connections: 32, seconds: 20 })
    for (const connections of [8, 32]) await compare(report, { ours, peer, bare, connections, ...mode })
    if (mode.hashing === 'argon2id') await shareOfAudit(report, ours)
    await Promise.all(systems.map((system) => system.close()))
  }
}

async function compare(report, { ours, peer, bare, connections, how, atLeast }) {
  const subjects = {
    ours: () => load({ ...ours, connections }),
    peer: () => load({ ...peer, connections }),
    ...(bare ? { bare: () => load({ ...bare, connections }), hashes: bareHashes } : {}),
  }
  const figures = await interleaved(subjects, { rounds: 5 })
  const figure = (name, values, rest = {}) =>
    report({
      ...{ bench: 'login', backend: 'PostgreSQL', figure: name, value: median(values), unit: '/s' },
      ...{ spread: spread(values), ...rest },
    })
  const toPeer = (name, values, rest) =>
    figure(
      name,
      values.map((value, round) => value / figures.peer[round]),
      { value: medianRatio(values, figures.peer), unit: 'ratio', ...rest },
    )
  const named = `${how}, ${connections} connections`
  figure(`sign-ins, ${named}`, figures.ours)
  figure(`sign-ins of better-auth, ${named}`, figures.peer)
  if (bare) {
    figure(`bare argon2id verifications, nothing else, beside ${connections} connections`, figures.hashes)
    figure(`requests that hash and insert one row, ${connections} connections`, figures.bare)
    toPeer(`the same to better-auth, ${connections} connections`, figures.bare)
  }
  toPeer(`to better-auth, ${named}`, figures.ours, { atLeast })
}

/** What the machine can verify at most, with as many at once as there are threads to do it. */
async function bareHashes() {
  const passwordHash = await hash('a sentence that nobody guesses', cost)
  const started = performance.now()
  let verified = 0
  const one = async () => {
    while (performance.now() - started < 3000) {
      await verify(passwordHash, 'a sentence that nobody guesses')
      verified++
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return (verified / (performance.now() - started)) * 1000
}

async function shareOfAudit(report, ours) {
  const shares = []
  for (let round = 0; round < 5; round++) {
    const before = await ours.ask('cpu')
    const started = performance.now()
    const rate = await load({ ...ours, connections: 8, seconds: 4 })
    const after = await ours.ask('cpu')
    // The load warms up before it counts: sign-ins are counted by their rate over the whole of its time.
    const signIns = (rate * (performance.now() - started)) / 1000
    const signIn = (after.user + after.system - before.user - before.system) / signIns
    shares.push((await ours.ask('rows')) / signIn)
  }
  report({
    ...{ bench: 'login', backend: 'PostgreSQL', figure: "the row's share of a sign-in's CPU", unit: 'ratio' },
    ...{ value: median(shares), spread: spread(shares), atMost: 0.01 },
  })
}
