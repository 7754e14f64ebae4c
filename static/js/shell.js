// Drawer, dialogs, menus and the phone's switch between columns.
// data-open="id" opens a <dialog>, data-close closes the one around it, data-nav toggles the drawer,
// data-col="id" shows one of several panes on a phone; [data-theme-form] switches the theme without leaving the page.
import { key } from './forms.js';

export function open(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  document.querySelectorAll('dialog[open]').forEach(other => other.close());   // never two on top of each other
  closeMenus();
  dialog.showModal();
  dialog.querySelector('[autofocus], input:not([type=hidden]), select, textarea')?.focus();
  dialog.dispatchEvent(new Event('lotse:opened'));
}

function drawer(show) {
  const nav = document.getElementById('nav');
  if (!nav) return;
  nav.classList.toggle('open', show);
  document.querySelectorAll('[data-nav]').forEach(button => button.setAttribute('aria-expanded', nav.classList.contains('open')));
  if (nav.classList.contains('open')) nav.querySelector('a')?.focus();
}

function closeMenus(except) {
  document.querySelectorAll('details.l-menu[open]').forEach(menu => { if (!menu.contains(except)) menu.open = false; });
}

document.addEventListener('click', event => {
  closeMenus(event.target);
  const nav = document.getElementById('nav');
  if (nav?.classList.contains('open') && !nav.contains(event.target) && !event.target.closest('[data-nav]')) drawer(false);
  if (event.target instanceof HTMLDialogElement) event.target.close();          // a click on the backdrop
  const button = event.target.closest('[data-open], [data-close], [data-nav], [data-col]');
  if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (button.dataset.open) { event.preventDefault(); closeMenus(); open(button.dataset.open); }
  if ('close' in button.dataset) { event.preventDefault(); button.closest('dialog')?.close(); }
  if ('nav' in button.dataset) drawer();
  if (button.dataset.col) {
    const pane = document.getElementById(button.dataset.col);
    [...pane.parentElement.children].forEach(other => other.classList.toggle('is-on', other === pane));
    document.querySelectorAll('[data-col]').forEach(other => other.setAttribute('aria-pressed', other === button));
  }
});

document.addEventListener('keydown', event => {
  if (event.key !== 'Escape') return;
  const menu = event.target.closest?.('details.l-menu[open]') ?? document.querySelector('details.l-menu[open]');
  if (menu) { menu.open = false; menu.querySelector('summary').focus(); }
  if (document.getElementById('nav')?.classList.contains('open')) { drawer(false); document.querySelector('[data-nav]')?.focus(); }
});

// A fragment that arrives as a dialog (hx-target="#dialogs") opens itself.
document.addEventListener('htmx:after:swap', event => {
  if (event.detail.ctx.target?.id !== 'dialogs') return;
  const dialog = document.querySelector('#dialogs dialog');
  if (dialog) open(dialog.id);
});

// htmx gives focus back to what has an id and comes again. What goes with its swap hands it on first: an entry of a menu to its button, Reset to the first filter.
document.addEventListener('htmx:before:request', () => {
  const at = document.activeElement;
  const stays = at.closest('.l-pop')?.closest('.l-menu') ?? at.closest('#filters a.btn')?.closest('#filters');
  stays?.querySelector('summary[id]')?.focus({ preventScroll: true });
});

document.addEventListener('submit', event => {
  const form = event.target;
  if (!form.matches('[data-theme-form]')) return;
  event.preventDefault();
  const theme = document.documentElement.dataset.bsTheme === 'dark' ? 'light' : 'dark';
  document.documentElement.dispatchEvent(new CustomEvent('lotse:choose-theme', { detail: theme }));
  const body = new FormData(form);
  body.set('theme', theme);
  body.set('_key', key());                                                     // switching twice is meant twice
  fetch(form.action, { method: 'POST', body, headers: { 'HX-Request': 'true' } });
});

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  document.querySelectorAll('[data-mod]').forEach(key => { key.textContent = `⌘ ${key.dataset.mod}`; });
}
