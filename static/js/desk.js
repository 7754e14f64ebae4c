// The desk's composer: text modules go in where the caret is, "::" opens them, and what is typed survives a change of page.
const composer = document.querySelector('form[data-draft]');
const field = composer?.querySelector('textarea');
const modules = document.getElementById('modules');
const store = composer && `lotse-draft-${document.documentElement.dataset.user}-${composer.dataset.draft}`;   // of this reader: a tab may change hands

function keep() {
  try {
    if (field.value.trim()) sessionStorage.setItem(store, field.value); else sessionStorage.removeItem(store);
  } catch { /* private mode: nothing is kept */ }
}

function insert(text) {
  const start = field.value.slice(0, field.selectionStart).replace(/::$/, '');
  const end = field.value.slice(field.selectionEnd);
  field.value = start + text + end;
  field.selectionStart = field.selectionEnd = start.length + text.length;
  field.focus();
  keep();
}

if (field) {
  try { if (!field.value) field.value = sessionStorage.getItem(store) ?? ''; } catch { /* private mode */ }
  field.addEventListener('input', () => {
    keep();
    if (modules && field.value.slice(0, field.selectionStart).endsWith('::')) {
      modules.open = true;
      modules.querySelector('[data-insert]')?.focus();
    }
  });
  composer.addEventListener('submit', event => {
    if (event.submitter?.dataset.insert === undefined) { try { sessionStorage.removeItem(store); } catch { /* private mode */ } }
  });
}

modules?.addEventListener('click', event => {
  const button = event.target.closest('[data-insert]');
  if (!button) return;
  event.preventDefault();
  modules.open = false;
  insert(button.dataset.insert);
});
modules?.addEventListener('keydown', event => {
  const all = [...modules.querySelectorAll('[data-insert]')];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
});
