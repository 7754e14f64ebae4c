// The board: drag a card by its grip, or move the focused one with [ and ]. The card moves at once; the server's answer mends the figures,
// asks what the stage demands, or says why not, and then the card goes back. Sent are only the stage, the neighbours and the stage seen.
const key = { '[': -1, ']': 1 };
let origin;                                                                   // where the dragged card came from

const board = () => document.getElementById('board');
const drops = () => document.querySelector('[data-drops]');
const place = card => ({ list: card.parentElement, next: card.nextElementSibling });
const goBack = (card, from) => from.list.insertBefore(card, from.next?.isConnected ? from.next : null);
const neighbour = (card, way) => { const other = card[way]; return other?.dataset.id ?? ''; };

function focusCard(id) {
  document.querySelector(`#card-${CSS.escape(id)} h3 a`)?.focus({ preventScroll: true });
}

/** Posts a step of `card`; `from` is where it goes back to unless the answer is good. */
async function send(card, url, values, from, keepFocus) {
  const id = card.dataset.id;
  let good = false;
  const answered = event => { good ||= event.detail.ctx.response?.status < 400; };
  card.addEventListener('htmx:before:response', answered, { once: true });
  card.setAttribute('aria-busy', 'true');
  await window.htmx.ajax('POST', url + location.search, { source: card, target: '#dialogs', swap: 'innerHTML', values });
  if (!good && card.isConnected) goBack(card, from);
  card.removeAttribute('aria-busy');
  if (keepFocus && !document.querySelector('dialog[open]')) focusCard(id);
}

function moved(card, from, keepFocus = false) {
  const list = card.parentElement;
  if (list === from.list && card.nextElementSibling === from.next) return;
  const values = { stage: list.dataset.stage, above: neighbour(card, 'previousElementSibling'), below: neighbour(card, 'nextElementSibling'), seen_stage: card.dataset.in };
  send(card, card.dataset.move, values, from, keepFocus);
}

function dropped(event) {
  drops().hidden = true;
  const { item: card, to } = event;
  if (to.dataset.stage) { moved(card, origin); return; }
  goBack(card, origin);
  if (to.dataset.drop === 'win') send(card, card.dataset.win, {}, place(card));
  else window.htmx.ajax('GET', card.dataset.lose, { source: card, target: '#dialogs', swap: 'innerHTML' });
}

function start() {
  if (!board() || !window.Sortable) return;
  for (const list of document.querySelectorAll('#board ol[data-stage], [data-drops] ol')) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      group: { name: 'board', pull: list.dataset.stage ? true : false },
      sort: Boolean(list.dataset.stage),
      draggable: '.l-card',
      handle: '.grip',
      filter: '.l-more',
      animation: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 120,
      forceFallback: true,                                                    // one behaviour for mouse, pen and finger
      fallbackOnBody: true,
      fallbackTolerance: 4,                                                   // a click on the grip stays a click
      ghostClass: 'l-slot',
      fallbackClass: 'lift',
      onStart: event => { origin = { list: event.from, next: event.item.nextElementSibling }; drops().hidden = false; },
      onEnd: dropped,
    });
  }
}

document.addEventListener('keydown', event => {
  const step = key[event.key];
  const card = event.target.closest?.('.l-card[data-move]');
  if (!step || !card) return;
  const columns = [...board().querySelectorAll('ol[data-stage]')];
  const goal = columns[columns.indexOf(card.parentElement) + step];
  event.preventDefault();
  if (!goal || card.getAttribute('aria-busy')) return;
  const from = place(card);
  goal.prepend(card);
  show(goal.closest('section').id);
  focusCard(card.dataset.id);
  moved(card, from, true);
});

/** On a phone one stage is seen at a time: the switch follows the card. */
function show(id) {
  document.querySelector(`[data-panes] [data-col="${CSS.escape(id)}"]`)?.click();
}

document.addEventListener('submit', event => { if (event.target.matches('[data-panes]')) event.preventDefault(); });
document.addEventListener('htmx:after:swap', start);
start();
