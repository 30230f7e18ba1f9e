import { randomBytes, timingSafeEqual } from 'node:crypto'
import { canonicalIdentifier } from '@countersign/core'
import type { KeyedHash, Secrets } from '@countersign/core/keys'
import type { Express, Request, Response } from 'express'
import type { AuthSettings } from '../auth-settings.js'
import { cookieRules } from '../sessions/session-cookies.js'
import type { User } from '../store/entities.js'
import { HostCookie } from '../web/host-cookies.js'

/** A device that logged in to an account before, by its cookie. It proves nothing but that. */
export interface KnownDevice {
  readonly id: string
  /** Whether it logged in to this account, with the password that the account still has. */
  isOf(user: User): boolean
  /** Whether it logged in with this identifier. */
  isOfIdentifier(typed: string): boolean
}

const key: unique symbol = Symbol('countersign.device')

interface RecognisedRequest extends Request {
  [key]?: KnownDevice | null
}

/** The known device that a request comes from, if any. */
export function deviceOf(request: Request): KnownDevice | null {
  return (request as RecognisedRequest)[key] ?? null
}

/** By what a login is throttled: a known device by itself, so that strangers don't make it wait. */
export function throttledIdentifier(typed: string, device: KnownDevice | null): string {
  return device?.isOfIdentifier(typed) ? `${canonicalIdentifier(typed)}\n${device.id}` : typed
}

/** By what logins to an account are throttled, from a device: its address, and its user name where it has one. */
export function throttledIdentifiers({ email, username }: User, device: KnownDevice | null): string[] {
  return [email, username]
    .filter((typed) => typeof typed === 'string')
    .map((typed) => throttledIdentifier(typed, device))
}

const keptFor = 180 * 86_400
const form = /^([\w-]{22})\.([\da-f-]{36})\.(\d{1,10})\.([\w-]{43})\.([\w-]{43})$/

/** Recognises devices by a signed cookie, which a login leaves. */
export class KnownDevices {
  readonly #keyed: KeyedHash
  readonly #cookie: HostCookie

  constructor(secrets: Secrets, settings: AuthSettings) {
    this.#keyed = secrets.keyedHash('known-device')
    this.#cookie = new HostCookie('device', settings.cookies?.sameSite ?? 'lax', cookieRules(settings))
  }

  /** Recognises the device of each request before anything counts it. */
  mount(app: Express): void {
    app.use('/api', (request: RecognisedRequest, _response, next) => {
      request[key] = this.#read(this.#cookie.read(request))
      next()
    })
  }

  /** Makes this device a known one of an account that somebody just proved to have the password of. */
  remember(response: Response, { id, tokenVersion }: User, typed: string): void {
    const device = deviceOf(response.req)?.id ?? randomBytes(16).toString('base64url')
    const said = `${device}.${id}.${tokenVersion}.${this.#hash('identifier', canonicalIdentifier(typed))}`
    this.#cookie.set(response, `${said}.${this.#hash('cookie', said)}`, keptFor)
  }

  #read(value: string | null): KnownDevice | null {
    const [, id = '', userId, version, identifier, seal] = form.exec(value ?? '') ?? []
    if (!value || !seal) return null
    const expected = this.#hash('cookie', value.slice(0, value.lastIndexOf('.')))
    if (!timingSafeEqual(Buffer.from(seal), Buffer.from(expected))) return null
    return {
      id,
      isOf: (user) => user.id === userId && user.tokenVersion === Number(version),
      isOfIdentifier: (typed) => this.#hash('identifier', canonicalIdentifier(typed)) === identifier,
    }
  }

  #hash(purpose: string, text: string): string {
    return this.#keyed(`${purpose}\n${text}`)
  }
}
