// Editing a value in place: Enter saves (a form does that), Esc cancels, leaving the field saves what changed.
document.addEventListener('keydown', event => {
  const form = event.target.closest?.('form.l-edit');
  if (form && event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); cancel(form); }
});

document.addEventListener('focusout', event => {
  const form = event.target.closest?.('form.l-edit');
  if (!form || form.contains(event.relatedTarget) || !document.hasFocus()) return;
  if (form.dataset.left) return;
  const changed = [...form.elements].some(field => ('defaultValue' in field && field.type !== 'hidden' && field.value !== field.defaultValue)
    || (field.options && [...field.options].some(option => option.selected !== option.defaultSelected))
    || (field.type === 'checkbox' && field.checked !== field.defaultChecked));
  if (changed) form.requestSubmit();
  else if (!form.querySelector('.is-invalid, [aria-invalid=true]')) cancel(form, false);   // what was refused stays to be corrected
});

function cancel(form, refocus = true) {
  form.dataset.left = 'yes';
  if (refocus) document.body.dataset.refocus = form.dataset.cell ?? '';
  form.querySelector('[data-cancel]')?.click();
}

// The reading button (data-cell names it) comes back where the form stood: focus follows, unless it has moved on.
document.addEventListener('htmx:before:request', event => {
  const source = event.detail.ctx.sourceElement;
  const form = source.closest?.('form[data-cell]');
  if (form?.contains(document.activeElement)) document.body.dataset.refocus = form.dataset.cell;
});
document.addEventListener('htmx:after:swap', () => {
  const id = document.body.dataset.refocus;
  const cell = id && document.getElementById(id);
  if (!cell) return;
  delete document.body.dataset.refocus;
  if (document.activeElement === document.body) cell.focus();
});
