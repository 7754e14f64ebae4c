// The preview follows what is typed: a copy of the form goes to the preview's address, into its frame. Nothing is saved by that.
import { key } from './forms.js';

const form = document.querySelector('form[data-live]');
const WAIT = 700;                                          // milliseconds after the last key

function show() {
  const live = document.createElement('form');
  Object.assign(live, { method: 'post', action: form.dataset.live, target: 'preview', hidden: true });
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== 'string' || name === 'do') continue;             // files stay here until they are saved
    const field = document.createElement('input');
    Object.assign(field, { type: 'hidden', name, value: name === '_key' ? key() : value });
    live.append(field);
  }
  document.body.append(live);
  live.submit();
  live.remove();
}

if (form) {
  let timer;
  form.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(show, WAIT); });
}
