import { send } from './api.js'
import { el, moment, say } from './dom.js'

const news = document.getElementById('news')
const mails = document.getElementById('mails')
let shown

function article({ to, subject, text, sent_at: sent }) {
  // The text part, with its links made to open: the HTML part of a mail is nobody's to run here.
  const parts = text
    .split(/(https?:\/\/\S+)/)
    .map((part) => (/^https?:/.test(part) ? el('a', { href: part }, part) : part))
  return el(
    'article',
    { className: 'card' },
    el('h2', {}, subject),
    el('p', { className: 'about' }, `To ${to}, `, moment(sent)),
    el('p', { className: 'mail' }, ...parts),
  )
}

async function look() {
  const { ok, data, sentence } = await send('/dev/mailbox.json')
  if (!ok) return say(news, sentence, true)
  const newest = JSON.stringify(data[0] ?? null)
  if (newest === shown) return
  // Who reads here is told of what comes while the page is open.
  say(news, shown !== undefined && data[0] ? `New mail: ${data[0].subject}` : data.length === 0 ? 'No mail yet.' : '')
  mails.replaceChildren(...data.map(article))
  shown = newest
}

await look()
setInterval(() => document.hidden || look(), 3000)
document.addEventListener('visibilitychange', () => document.hidden || look())
