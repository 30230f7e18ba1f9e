import { setTimeout as wait } from 'node:timers/promises'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: any
}

/** A browser, as far as cookies go. */
export class AuthClient {
  readonly base: string
  cookies = new Map<string, string>()

  constructor(base: string) {
    this.base = base
  }

  async post(path: string, body: unknown = {}, headers: Record<string, string> = {}): Promise<Answer> {
    const raw = typeof body === 'string' || body instanceof Uint8Array
    return this.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: raw ? (body as string) : JSON.stringify(body),
    })
  }

  async get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request(path, { headers })
  }

  async request(path: string, init: RequestInit): Promise<Answer> {
    const headers = new Headers(init.headers)
    if (this.cookies.size > 0 && !headers.has('cookie')) {
      headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
      // A page of the server itself, unless the test says where the request comes from.
      if (!headers.has('origin') && !headers.has('sec-fetch-site')) headers.set('sec-fetch-site', 'same-origin')
    }
    const response = await fetch(`${this.base}${path}`, { ...init, headers, redirect: 'manual' })
    for (const cookie of response.headers.getSetCookie()) this.#keep(cookie)
    const text = await response.text()
    let json: unknown
    try {
      json = JSON.parse(text)
    } catch {
      json = undefined
    }
    return { status: response.status, headers: response.headers, text, json }
  }

  #keep(cookie: string): void {
    const [pair = '', ...attributes] = cookie.split('; ')
    const [name = '', value = ''] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
    const expired = attributes.some((attribute) => /^expires=thu, 01 jan 1970/i.test(attribute))
    if (expired) this.cookies.delete(name)
    else this.cookies.set(name, value)
  }

  /** The token of the newest mail to an address. */
  async mailedToken(to: string): Promise<string> {
    for (let attempt = 0; attempt < 20; attempt++) {
      const { json } = await this.get('/dev/mailbox.json')
      const mail = (json as Array<{ to: string; text: string }>).find((sent) => sent.to === to)
      const token = mail && /token=([\w-]+)/.exec(mail.text)?.[1]
      if (token) return token
      await wait(50)
    }
    throw new Error(`no mail with a token to ${to}`)
  }

  async signUpAndVerify(email: string, password: string): Promise<void> {
    await this.post('/api/auth/signup', { email, password, confirm_password: password })
    await this.post('/api/auth/verify-account', { token: await this.mailedToken(email) })
  }
}
