/**
 * One process of a system that several share: `node shared-limit-server.ts` with a JSON of settings,
 * and a Redis address where its limits are to be counted there. Prints its address when it listens.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type AuthSettings, createAuthServer } from '@countersign/auth'
import { Redis } from 'ioredis'

const [settings = '{}', redisUrl] = process.argv.slice(2)
const redis = redisUrl ? new Redis(redisUrl).on('error', () => undefined) : undefined
const auth = await createAuthServer({ ...(JSON.parse(settings) as AuthSettings), ...(redis ? { redis } : {}) })
const server = createServer(auth.app)
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))

process.once('SIGTERM', async () => {
  await new Promise((resolve) => server.close(resolve).closeIdleConnections())
  await auth.close()
  redis?.disconnect()
})
