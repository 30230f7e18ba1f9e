import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AuthClient } from '../support/auth-client.js'
import { places, secret } from '../support/auth-systems.js'
import { freshFolder } from '../support/fresh-folder.js'
import { password } from '../support/password-journeys.js'
import { killAll, type ServerProcess, start } from '../support/server-process.js'
import { bearer } from '../support/session-journeys.js'
import { allRows } from '../support/shared-systems.js'

const email = 'ada@example.org'

// RFT-07
for (const { name, here, make } of places) {
  describe.runIf(here)(`a refresh token that was exchanged before the server ended, on ${name}`, () => {
    const elsewhere = freshFolder()
    let made: Awaited<ReturnType<typeof make>>
    beforeEach(async () => {
      made = await make()
    })
    afterEach(async () => {
      await killAll()
      await made.drop()
    })

    const serve = (): Promise<ServerProcess> => {
      const { url, folder = elsewhere } = made.database as { url?: string; folder?: string }
      return start({ SECRET_KEY: secret, DATA_DIR: folder, ...(url ? { DATABASE_URL: url } : {}) })
    }
    const refresh = async ({ url }: ServerProcess, token: string) =>
      new AuthClient(url).post('/api/auth/token/refresh', { refresh: token })

    it.each(['SIGTERM', 'SIGKILL'] as const)(
      'is taken for stolen when it comes back after %s',
      async (signal) => {
        const before = await serve()
        await new AuthClient(before.url).signUpAndVerify(email, password)
        const first = (await new AuthClient(before.url).post('/api/auth/token', { email, password })).json
        const second = (await refresh(before, first.refresh)).json
        // It was used: within the grace nobody gets it again.
        const third = (await refresh(before, second.refresh)).json
        before.process.kill(signal)
        await before.exit

        const after = await serve()
        const replayed = await refresh(after, first.refresh)
        expect([replayed.status, replayed.json.code]).toEqual([401, 'invalid_token'])
        expect((await refresh(after, third.refresh)).status).toBe(401)
        const own = await new AuthClient(after.url).get('/api/auth/login-history', bearer(third.access))
        expect(own.status).toBe(401)
        const mails = (await new AuthClient(after.url).get('/dev/mailbox.json')).json as Array<{ subject: string }>
        expect(mails.filter(({ subject }) => subject.includes('was ended'))).toHaveLength(1)
        after.process.kill('SIGTERM')
        await after.exit
        const rows = await allRows(made.database)
        expect(rows.filter(({ event }) => event === 'token_reuse')).toMatchObject([
          { outcome: 'failure', reason: 'reused' },
        ])
      },
      120_000,
    )
  })
}
