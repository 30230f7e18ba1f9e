import type { RedisLimitStore } from '@countersign/adapters/rate-limiter-flexible'
import { AuthRefusal } from '../web/auth-refusal.js'
import type { ShortLivedState } from './short-lived-state.js'

/** The part of a Redis or Valkey client that the server needs: those of `ioredis` and `iovalkey` have it. */
export interface RedisClient extends RedisLimitStore {
  /** Sends a command, by name. */
  call(command: string, ...args: Array<string | number>): Promise<unknown>
}

// As long as the limits wait for the same server.
const patience = 500
const disconnected: ReadonlySet<string> = new Set(['reconnecting', 'close', 'end'])

const countOne = `local counted = redis.call('incr', KEYS[1])
if counted == 1 then redis.call('expire', KEYS[1], ARGV[1]) end
return counted`

/** Short-lived state in Redis (6.2 or newer) or Valkey, under keys that begin with `countersign:state:`. */
export function redisState(client: RedisClient): ShortLivedState {
  const run = async (command: string, ...args: Array<string | number>): Promise<unknown> => {
    // The client would keep the command, and send it when nobody waits for it any more.
    if (disconnected.has(client.status)) throw away()
    return inTime(client.call(command, ...args))
  }
  const named = (key: string): string => `countersign:state:${key}`
  return {
    async put(key, value, seconds) {
      await run('SET', named(key), value, 'EX', seconds)
    },
    get: async (key) => (await run('GET', named(key))) as string | null,
    take: async (key) => (await run('GETDEL', named(key))) as string | null,
    count: async (key, seconds) => (await run('EVAL', countOne, 1, named(key), seconds)) as number,
    async drop(key) {
      await run('DEL', named(key))
    },
  }
}

async function inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(away()), patience)
  })
  try {
    return await Promise.race([answer, late])
  } catch (cause) {
    throw cause instanceof AuthRefusal ? cause : away(cause)
  } finally {
    clearTimeout(timer)
  }
}

function away(cause?: unknown): AuthRefusal {
  const refusal = new AuthRefusal(503, 'unavailable', { detail: 'Please try again in a moment.' })
  return cause === undefined ? refusal : Object.assign(refusal, { cause })
}
