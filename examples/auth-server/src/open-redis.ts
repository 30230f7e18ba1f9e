import { Redis } from 'ioredis'

/** A client that comes back by itself, and soon. While it is away it says nothing: the trail does. */
export function openRedis(url: string): Redis {
  const redis = new Redis(url, { connectTimeout: 2000, retryStrategy: (times) => Math.min(times * 100, 1000) })
  return redis.on('error', () => undefined)
}
