import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { isRowId } from '@countersign/core'
import type { Request } from 'express'
import { describe, expect, it } from 'vitest'
import {
  type RequestContextOptions,
  requestContext,
  requestOf,
} from '../../packages/adapters/dist/routing-controllers/request-context.js'

/** A request as Node makes it, before any middleware has seen it. */
function request(headers: Record<string, string> = {}): Request {
  const socket = new Socket()
  Object.defineProperty(socket, 'remoteAddress', { value: '::ffff:10.0.0.1' })
  const message = new IncomingMessage(socket)
  message.method = 'POST'
  Object.assign(message.headers, headers)
  return message as unknown as Request
}
const contextOf = (headers: Record<string, string>, options: RequestContextOptions<Request> = {}) =>
  requestContext(options)(request(headers), undefined)

describe('the context of a request', () => {
  it('has the address, the method, the template of the route, and a request id', () => {
    const context = requestContext()(request({ 'user-agent': 'curl/8' }), '/invoices/:id')
    expect(context).toEqual({
      address: '10.0.0.1',
      httpMethod: 'POST',
      route: '/invoices/:id',
      userAgent: 'curl/8',
      requestId: expect.any(String),
    })
    expect(isRowId(context.requestId)).toBe(true)
  })

  it('is frozen, and leads back to its request', () => {
    const made = request()
    const context = requestContext()(made, undefined)
    expect(Object.isFrozen(context)).toBe(true)
    expect(requestOf(context)).toBe(made)
    expect(requestOf({ ...context })).toBeUndefined()
  })

  it('leads back to what Koa calls the request', () => {
    const wrapped = { req: request({ 'user-agent': 'curl/8' }) }
    const context = requestContext()(wrapped, '/invoices/:id')
    expect(context).toMatchObject({ address: '10.0.0.1', httpMethod: 'POST', userAgent: 'curl/8' })
    expect(requestOf(context)).toBe(wrapped)
  })

  it('takes the forwarded address from a trusted proxy only', () => {
    const headers = { 'x-forwarded-for': '203.0.113.5, 192.0.2.7' }
    expect(contextOf(headers).address).toBe('10.0.0.1')
    expect(contextOf(headers).proxies).toBeUndefined()
    expect(contextOf(headers, { proxies: 1 }).address).toBe('192.0.2.7')
  })

  it('has a tenant where one is found', () => {
    const tenant = ({ headers }: Request): string | undefined => headers.host
    expect(contextOf({ host: 'acme.example' }, { tenant }).tenant).toBe('acme.example')
    expect(contextOf({}, { tenant }).tenant).toBeUndefined()
  })

  it('bounds and cleans the user agent', () => {
    const { userAgent = '' } = contextOf({ 'user-agent': `Mozilla\u001b[31m${'x'.repeat(10_000)}` })
    expect(userAgent).toHaveLength(512)
    expect(userAgent).toMatch(/^Mozilla\ufffd\[31m/)
  })
})

describe('the request id', () => {
  it.each(['a', 'req-1', '0af7651916cd43dd8448eb211c80319c', 'A.b_c-9', 'x'.repeat(64)])('takes %s over', (given) => {
    expect(contextOf({ 'x-request-id': given }).requestId).toBe(given)
  })

  it.each(['', 'x'.repeat(65), 'a b', 'a\nb', "a'; drop table", 'ä', '{"a":1}', 'a,b'])(
    'does not take %j over',
    (given) => {
      const { requestId } = contextOf({ 'x-request-id': given })
      expect(requestId).not.toBe(given)
      expect(isRowId(requestId)).toBe(true)
    },
  )

  it('comes from another header where told, in any case', () => {
    expect(contextOf({ 'x-correlation-id': 'c-1' }, { requestIdHeader: 'X-Correlation-Id' }).requestId).toBe('c-1')
  })
})
