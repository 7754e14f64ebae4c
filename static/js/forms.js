// Forms: no double submit, a fresh idempotency key per effect, focus on the first error, quiet query strings, chosen files by name.
/** A fresh idempotency key (a UUID, or its 32 digits where plain http hides randomUUID). */
export function key() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

function busy(form, on) {
  form.toggleAttribute('data-busy', on);
  form.querySelectorAll('button[type=submit]').forEach(button => button.setAttribute('aria-busy', on));
}

document.addEventListener('submit', event => {
  const form = event.target;
  if (form.method !== 'post') return;
  if (form.hasAttribute('data-busy')) { event.preventDefault(); return; }
  setTimeout(() => {                                       // after the browser has read the submitter and scripts had their say
    if (event.defaultPrevented) return;
    busy(form, true);
    setTimeout(() => busy(form, false), 15_000);           // a download leaves the page where it is
  });
});
addEventListener('pageshow', event => {
  if (!event.persisted) return;
  document.querySelectorAll('form[data-busy]').forEach(form => busy(form, false));
  document.querySelectorAll('input[name=_key]').forEach(field => { field.value = key(); });
});

document.addEventListener('htmx:config:request', event => {
  const request = event.detail.ctx.request;
  if (request.method === 'GET') {                                           // nothing secret or empty in an address
    for (const name of ['csrfmiddlewaretoken', '_key']) request.body.delete(name);
    if (request.form) [...request.body.keys()].filter(name => request.body.getAll(name).every(value => value === '')).forEach(name => request.body.delete(name));
  } else if (!request.body.get('_key')) {
    request.headers['Idempotency-Key'] = key();
  }
});
document.addEventListener('htmx:before:request', event => {
  const form = event.detail.ctx.request.form;
  if (form?.method === 'post') busy(form, true);
  (event.detail.ctx.target ?? document.body).setAttribute?.('aria-busy', 'true');
});
document.addEventListener('htmx:finally:request', event => {
  const { request, response, target } = event.detail.ctx;
  target?.removeAttribute?.('aria-busy');
  const form = request.form;
  if (form?.method !== 'post') return;
  busy(form, false);
  const field = form.querySelector('input[name=_key]');
  if (field && response?.status < 400) field.value = key();                 // done: the next submit is a new effect
});

// The names of the chosen files stand where the box invited to choose them.
document.addEventListener('change', event => {
  const says = event.target.type === 'file' && document.querySelector(`[data-files="${CSS.escape(event.target.id)}"]`);
  if (says && event.target.files.length) says.textContent = [...event.target.files].map(file => file.name).join(', ');
});

function focusError(root) {
  root.querySelector?.('form [aria-invalid=true], form .is-invalid')?.focus();
}
document.addEventListener('htmx:after:settle', event => focusError(event.target));
focusError(document);
