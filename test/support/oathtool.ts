import { execFileSync, spawnSync } from 'node:child_process'

/** True where Debian's `oathtool` is; `REQUIRE_SERVICES=1` makes its absence a failure. */
export function oathtoolInstalled(): boolean {
  if (spawnSync('oathtool', ['--version']).status === 0) return true
  if (process.env.REQUIRE_SERVICES === '1') throw new Error('REQUIRE_SERVICES=1 and no oathtool')
  console.warn('SKIPPED: there is no oathtool; what takes codes of an authenticator that is not ours did not run.')
  return false
}

/** What `oathtool` prints. */
export function oathtool(...options: string[]): string {
  return execFileSync('oathtool', options, { encoding: 'utf8' }).trim()
}
