import { ask } from './api.js'
import { backupCodes } from './backup-codes.js'
import { el } from './dom.js'
import { button, codeField, folded, formOf, passwordField } from './fields.js'
import { whenSent } from './forms.js'

const card = document.getElementById('two-factor')
const post = (path, body = {}) => ask(path, { method: 'POST', body })

/** The second factor: turned on by a scanned code and what it gives, turned off by password and code. */
export const twoFactor = {
  async load() {
    const answer = await ask('2fa/backup-codes')
    card.hidden = !answer.ok
    if (answer.ok) draw(answer.data.enabled ? on(answer.data.remaining) : off())
    return answer
  },
}

/** What had the focus is gone with what was drawn before: a keyboard goes on at `next`. */
function draw(parts, next) {
  card.replaceChildren(...parts)
  if (next) card.querySelector(next).focus()
}

/** An SVG in a picture can run nothing and load nothing. */
function qrPicture(svg) {
  const src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  return el('img', { className: 'qr', src, alt: 'QR code for the authenticator app', width: 208, height: 208 })
}

function head(badge, text) {
  return el(
    'div',
    { className: 'head' },
    el('h2', { tabIndex: -1 }, 'Two factors'),
    el('span', { className: `badge ${badge}` }, text),
  )
}

function off() {
  const form = formOf('2fa/setup', [passwordField()], 'Turn on')
  whenSent(form, async (body) => {
    const answer = await post('2fa/setup', body)
    if (!answer.ok) return answer
    draw(scanning(answer.data), 'input')
    return null
  })
  return [
    head('off', 'off'),
    el('p', {}, 'With a code from an app on your phone, a stolen password is not enough to log in.'),
    form,
  ]
}

function scanning({ secret, otpauth_uri: uri, qr_svg: svg }) {
  const form = formOf('2fa/enable', [codeField('The code that the app shows')], 'Turn on')
  whenSent(form, async ({ code }) => {
    const answer = await post('2fa/enable', { code: code.trim() })
    if (!answer.ok) return answer
    drawCodes(answer.data.backup_codes, 'Two factors are on.')
    return null
  })
  const cancel = button('Cancel', () => twoFactor.load())
  form.lastElementChild.append(cancel)
  return [
    head('off', 'not on yet'),
    el('p', {}, 'Scan the picture with an authenticator app, then type the code that it shows.'),
    el(
      'div',
      { className: 'scan' },
      qrPicture(svg),
      el(
        'div',
        {},
        el(
          'p',
          {},
          'No camera? Type this into the app, or ',
          el('a', { href: uri }, 'open an app on this device'),
          ':',
        ),
        el('p', { className: 'secret', id: 'secret' }, secret.replace(/(.{4})(?=.)/g, '$1 ')),
        form,
      ),
    ),
  ]
}

function on(remaining) {
  const codes = formOf('2fa/backup-codes', [passwordField()], 'Make new codes')
  whenSent(codes, async (body) => {
    const answer = await post('2fa/backup-codes', body)
    if (!answer.ok) return answer
    drawCodes(answer.data.backup_codes, 'The codes before these are worth nothing now.')
    return null
  })
  const disable = formOf('2fa/disable', [passwordField(), codeField('Code, or a backup code')], 'Turn off')
  whenSent(disable, async ({ password, code }) => {
    const answer = await post('2fa/disable', { password, code: code.trim() })
    if (answer.ok) await twoFactor.load()
    return answer
  })
  return [
    head('success', 'on'),
    el('p', {}, `${remaining} backup ${remaining === 1 ? 'code is' : 'codes are'} left.`),
    folded('Make new backup codes', codes),
    folded('Turn two factors off', disable),
  ]
}

function drawCodes(codes, sentence) {
  draw([head('success', 'on'), ...backupCodes(codes, sentence, () => twoFactor.load())], 'h2')
}
