import { ask } from './api.js'
import { deviceName, el, humanized, moment, say } from './dom.js'

/** A row of a list: what it is, what there is to say about it, and what more belongs to it. */
export function row({ what, badges = [], about = [], more = null }) {
  const marks = badges.map(([kind, text]) => el('span', { className: `badge ${kind}` }, text))
  const details = about.filter(Boolean).flatMap((part, index) => (index === 0 ? [part] : [' · ', part]))
  return el(
    'li',
    {},
    el('div', { className: 'what' }, el('strong', {}, what), ...marks, el('p', { className: 'about' }, ...details)),
    more,
  )
}

/** A row of the trail; `who` says whose it was, where that is not plain. */
export function auditRow(item, who = null) {
  const { occurred_at, event, outcome, reason, address } = item
  return row({
    what: humanized(event),
    badges: [[outcome, outcome]],
    about: [moment(occurred_at), reason && humanized(reason), who, item.user_agent && deviceName(item), address],
  })
}

/**
 * A list that is read page by page.
 *
 * @param view the part of the page with `.rows`, `.answer` and the button for more
 * @param pathOf answers the address of the page at a cursor, which is null for the first
 */
export function pagedList(view, pathOf, render) {
  const list = view.querySelector('.rows')
  const more = view.querySelector('[data-act=more]')
  const place = view.querySelector('.answer')
  let cursor = null

  async function read(from) {
    const answer = await ask(pathOf(from))
    if (answer.ok) {
      const items = answer.data.items.map(render)
      if (from === null) list.replaceChildren(...items)
      else list.append(...items)
      cursor = answer.data.next_cursor ?? null
      more.hidden = cursor === null
      say(place, list.children.length === 0 ? 'There is nothing yet.' : '')
    } else say(place, answer.sentence, true)
    return answer
  }

  more.addEventListener('click', async () => {
    const shown = list.children.length
    await read(cursor)
    // The button may be gone now: the keyboard goes on with what came.
    const next = list.children[shown]
    next?.setAttribute('tabindex', '-1')
    next?.focus()
  })
  return () => read(null)
}
