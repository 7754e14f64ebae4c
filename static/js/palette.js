// Command palette: htmx fetches the list, this module chooses in it. Focus stays in the input (combobox pattern).
const dialog = document.getElementById('palette');
const input = document.getElementById('palette-input');
const list = document.getElementById('palette-list');

const options = () => [...list.querySelectorAll('[role=option][href]')];

function choose(option) {
  options().forEach(other => other.setAttribute('aria-selected', other === option));
  option?.scrollIntoView({ block: 'nearest' });
  input.setAttribute('aria-expanded', String(options().length > 0));
  if (option) input.setAttribute('aria-activedescendant', option.id);
  else input.removeAttribute('aria-activedescendant');
}

if (dialog) {
  dialog.addEventListener('lotse:opened', () => { input.select(); input.dispatchEvent(new Event('lotse:open')); });
  list.addEventListener('htmx:after:settle', () => choose(options()[0]));
  list.addEventListener('mousemove', event => { const option = event.target.closest('[role=option][href]'); if (option) choose(option); });
  input.addEventListener('keydown', event => {
    const all = options();
    const at = all.findIndex(option => option.ariaSelected === 'true');
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      choose(all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length]);
    } else if (event.key === 'Enter' && all[at]) {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) window.open(all[at].href, '_blank', 'noopener');
      else location.href = all[at].href;
    }
  });
}
