import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addressResolver,
  type TrustedProxies,
} from '../../packages/adapters/dist/routing-controllers/trusted-proxies.js'
import { codeOf } from '../support/recording.js'

const resolve = (trusted: TrustedProxies, peer: string | undefined, forwarded?: string) =>
  addressResolver(trusted)(peer, forwarded)

const junk = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('unknown', '_hidden', '999.1.1.1', '::ffff:', '1.2.3', '0x7f.1', '[::1', ':80', '1.2.3.4:', '%', ','),
)
const address = fc.oneof(fc.ipV4(), fc.ipV6())

describe('without trusted proxies', () => {
  it('is the address of the socket, whatever a header says', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.oneof(fc.array(address), fc.array(junk)), (peer, forwarded) => {
        expect(addressResolver()(peer, forwarded.join(', '))).toEqual({ address: peer, proxies: undefined })
      }),
    )
  })

  it('is unknown when the socket has none', () => {
    expect(addressResolver()(undefined, '192.0.2.1')).toEqual({ address: undefined, proxies: undefined })
  })
})

describe('with a number of proxies', () => {
  it('is what the outermost proxy saw, and names the way', () => {
    expect(resolve(1, '10.0.0.1', '192.0.2.7')).toEqual({
      address: '192.0.2.7',
      proxies: [
        { address: '10.0.0.1', trusted: true },
        { address: '192.0.2.7', trusted: false },
      ],
    })
    expect(resolve(2, '10.0.0.1', '192.0.2.7, 10.0.0.2').address).toBe('192.0.2.7')
  })

  it('never believes what stands further left', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(address, junk)),
        fc.ipV4(),
        fc.integer({ min: 1, max: 4 }),
        (forged, real, count) => {
          const proxies = Array.from({ length: count - 1 }, (_, index) => `10.0.0.${index + 2}`)
          const header = [...forged, real, ...proxies].join(', ')
          expect(resolve(count, '10.0.0.1', header).address).toBe(real)
        },
      ),
    )
  })

  it('is the nearest hop that can be read, where the header ends or breaks off', () => {
    expect(resolve(1, '10.0.0.1', undefined).address).toBe('10.0.0.1')
    expect(resolve(1, '10.0.0.1', '').address).toBe('10.0.0.1')
    expect(resolve(1, '10.0.0.1', '192.0.2.7, unknown').address).toBe('10.0.0.1')
    expect(resolve(3, '10.0.0.1', '192.0.2.7').address).toBe('192.0.2.7')
  })
})

describe('with trusted networks', () => {
  const networks = ['10.0.0.0/8', '2001:db8::/32', '203.0.113.9']

  it('walks from the socket to the first hop outside of them', () => {
    expect(resolve(networks, '10.0.0.1', '198.51.100.4, 192.0.2.7, 10.9.9.9, 203.0.113.9').address).toBe('192.0.2.7')
    expect(resolve(networks, '2001:db8::1', '192.0.2.7').address).toBe('192.0.2.7')
  })

  it('believes no header that came from elsewhere', () => {
    expect(resolve(networks, '192.0.2.7', '198.51.100.4')).toEqual({ address: '192.0.2.7', proxies: undefined })
    expect(resolve(networks, '203.0.113.8', '198.51.100.4').address).toBe('203.0.113.8')
  })

  it('never believes what stands left of the first hop outside', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(address, junk)),
        fc.array(fc.constantFrom('10.1.1.1', '10.2.2.2')),
        (forged, way) => {
          const header = [...forged, '192.0.2.7', ...way].join(',')
          expect(resolve(networks, '10.0.0.1', header).address).toBe('192.0.2.7')
        },
      ),
    )
  })

  it('reads no more than 16 hops', () => {
    const hops = Array.from({ length: 100 }, (_, index) => `10.0.0.${index}`).join(', ')
    expect(resolve(networks, '10.0.0.1', hops).proxies).toHaveLength(16)
  })

  it('knows a proxy in IPv4-mapped form', () => {
    expect(resolve(['10.0.0.0/8'], '::ffff:10.0.0.1', '192.0.2.7').address).toBe('192.0.2.7')
  })

  it('knows a network that is written in IPv4-mapped form', () => {
    expect(resolve(['::ffff:10.0.0.0/104'], '10.0.0.1', '192.0.2.7').address).toBe('192.0.2.7')
  })
})

describe('the address that the nearest proxy appended', () => {
  it('is not hidden by a header that the client made long', () => {
    const long = Array.from({ length: 600 }, () => '1.1.1.1').join(', ')
    expect(long.length).toBeGreaterThan(4096)
    expect(resolve(1, '10.0.0.1', `${long}, 192.0.2.7`).address).toBe('192.0.2.7')
  })
})

describe('an address', () => {
  it.each([
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:C000:0207', '192.0.2.7'],
    ['192.0.2.7:51234', '192.0.2.7'],
    ['[2001:db8::7]:443', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['2001:DB8:0:0:0:0:0:7', '2001:db8::7'],
    ['fe80::1%eth0', 'fe80::1'],
    [' 192.0.2.7 ', '192.0.2.7'],
  ])('%j is %s', (written, canonical) => {
    expect(resolve(1, '10.0.0.1', written).address).toBe(canonical)
  })

  it.each([
    'unknown',
    '_hidden',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.07',
    '0x7f.0.0.1',
    '3221226247',
    'localhost',
    '[::1',
  ])('%j is none', (written) => expect(resolve(1, '10.0.0.1', written).address).toBe('10.0.0.1'))

  it('is found or not, but nothing ever throws, and what is found is canonical', () => {
    const trusted = fc.constantFrom<TrustedProxies>(0, 1, 5, ['10.0.0.0/8'], ['0.0.0.0/0', '::/0'])
    fc.assert(
      fc.property(trusted, fc.oneof(address, junk), fc.array(fc.oneof(address, junk)), (believed, peer, forwarded) => {
        const found = resolve(believed, peer, forwarded.join(','))
        for (const text of [found.address, ...(found.proxies ?? []).map((hop) => hop.address)]) {
          if (text === undefined) continue
          expect(text).toMatch(/^[0-9a-f.:]+$/)
          expect(text).not.toMatch(/^::ffff:/)
          expect(resolve(0, text).address).toBe(text)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('what can’t be trusted proxies', () => {
  it.each([
    [-1],
    [1.5],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [['']],
    [['10.0.0.0/33']],
    [['10.0.0.0/-1']],
    [['2001:db8::/129']],
    [['proxy.internal']],
    [['10.0.0.0/8', 'x']],
    [[null]],
  ])('is refused at start: %j', (trusted) => {
    expect(codeOf(() => addressResolver(trusted as TrustedProxies))).toBe('PROXY_INVALID')
  })

  it.each([[['10']], [['10/8']], [['10.1']], [['0x0a.0.0.1']], [['012.0.0.1']], [['167772161/8']]])(
    'is refused where it would be read as another network than it looks: %j',
    (trusted) => expect(codeOf(() => addressResolver(trusted))).toBe('PROXY_INVALID'),
  )

  it.each(['10.0.0.0/8', true, {}])('is refused when it is neither a number nor a list: %j', (trusted) => {
    expect(codeOf(() => addressResolver(trusted as never))).toBe('PROXY_INVALID')
  })
})
