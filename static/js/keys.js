// Keyboard: Ctrl/⌘ K palette, ? list of shortcuts, j k rows, x selects a row, Ctrl/⌘ Enter saves.
// Any other single key clicks (or focuses) the element with data-key="<key>": first in the focused row, then on the page.
import { open } from './shell.js';

const single = document.getElementById('single-keys');
const off = () => { try { return localStorage.getItem('lotse-keys') === 'off'; } catch { return false; } };
if (single) {
  single.checked = !off();
  single.addEventListener('change', () => {
    try { localStorage.setItem('lotse-keys', single.checked ? 'on' : 'off'); } catch { /* private mode: keys stay on */ }
  });
}

const visible = element => element.checkVisibility();
const rows = () => [...document.querySelectorAll('[data-rows] > *')].filter(row => visible(row) && row.querySelector('a, button'));
const rowOf = element => element?.closest('[data-rows] > *');

function walk(step) {
  const all = rows();
  const at = all.indexOf(rowOf(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  (next?.querySelector('th a, strong a, h3 a') ?? next?.querySelector('a, button'))?.focus();
}

function press(key) {
  const selector = `[data-key="${CSS.escape(key)}"]`;
  const found = [rowOf(document.activeElement), document].flatMap(scope => [...(scope?.querySelectorAll(selector) ?? [])]);
  const target = found.find(visible);
  if (!target) return false;
  target.matches('input, textarea, select') ? target.focus() : target.click();
  return true;
}

document.addEventListener('keydown', event => {
  const modifier = event.ctrlKey || event.metaKey;
  if (modifier && event.key.toLowerCase() === 'k') { event.preventDefault(); open('palette'); return; }
  if (modifier && event.key === 'Enter' && event.target.form && event.target.matches('textarea, input, select')) {
    event.preventDefault();
    event.target.form.requestSubmit();
    return;
  }
  const typing = event.target.matches?.('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]');
  if (modifier || event.altKey || typing || event.defaultPrevented || document.querySelector('dialog[open]') || off()) return;
  const key = event.key.toLowerCase();
  if (key === 'j' || key === 'k') walk(key === 'j' ? 1 : -1);
  else if (key === '?') open('shortcuts');
  else if (key === 'x') rowOf(document.activeElement)?.querySelector('[data-one]')?.click();
  else if (key.length !== 1 || !press(key)) return;
  event.preventDefault();
});
