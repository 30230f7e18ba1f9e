const views = new Map([...document.querySelectorAll('[data-view]')].map((view) => [view.dataset.view, view]))
let current

/** The part of the page of that name; undefined where this server has no such part. */
export function viewOf(name) {
  return views.get(name)
}

/** Shows one part of the page and hides the others; a keyboard goes on there. */
export function show(name) {
  const view = views.get(name)
  if (view === current) return
  for (const other of views.values()) other.hidden = other !== view
  const heading = view.querySelector('h1')
  document.title = `${heading.textContent} – Countersign`
  // Who has just come has the focus where the browser puts it.
  if (current) placeToGoOn(view, heading).focus()
  current = view
}

function placeToGoOn(view, heading) {
  return (view.matches('.entrance') && view.querySelector('input')) || heading
}
