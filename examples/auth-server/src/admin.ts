import { adminLink, Secrets } from '@countersign/auth'
import { readEnvironment } from './environment.js'

/** Prints a link that makes an administrator: with the environment of the server, whether or not that runs. */
async function main([email]: readonly string[]): Promise<void> {
  if (email === undefined) throw new Error('Say whose account it is: pnpm admin ada@example.org')
  const { settings } = readEnvironment(process.env)
  const link = await adminLink({ secrets: new Secrets(settings.secret), publicUrl: settings.publicUrl, email })
  console.log(`Good once, for an hour, to whoever opens it:\n${link}`)
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
})
