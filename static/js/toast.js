// Toasts: one at a time, ten seconds, waiting while hovered or focused; errors stay until closed. Whatever lands in #toasts
// (from the page, from an htmx answer, from `toast()`) is timed here. A lost connection is reported with a retry.
const box = document.getElementById('toasts');
const SECONDS = 10;

function watch(element) {
  if (!element || element.dataset.timed) return;
  element.dataset.timed = 'yes';
  if ('stay' in element.dataset) return;
  let timer;
  const start = () => { timer = setTimeout(() => element.remove(), SECONDS * 1000); };
  const stop = () => clearTimeout(timer);
  element.addEventListener('mouseenter', stop);
  element.addEventListener('mouseleave', start);
  element.addEventListener('focusin', stop);
  element.addEventListener('focusout', start);
  start();
}

/** Shows `text`; `action` = {label, run} adds a button, `bad` makes it stay. */
export function toast(text, { action, bad = false } = {}) {
  const element = document.createElement('div');
  element.className = bad ? 'l-toast bad' : 'l-toast';
  if (bad) element.dataset.stay = '';
  element.append(Object.assign(document.createElement('span'), { textContent: text }));
  const button = (label, run) => {
    const control = Object.assign(document.createElement('button'), { type: 'button', textContent: label });
    control.addEventListener('click', () => { element.remove(); run?.(); });
    element.append(control);
  };
  if (action) button(action.label, action.run);
  button(box.dataset.closeText);
  box.replaceChildren(element);
  watch(element);
}

if (box) {
  box.addEventListener('click', event => event.target.closest('[data-toast-close]')?.closest('.l-toast').remove());
  new MutationObserver(() => watch(box.querySelector('.l-toast'))).observe(box, { childList: true });
  const waiting = box.querySelector('.l-toast');           // put in again, so that it is read out after a page load
  if (waiting) { waiting.remove(); setTimeout(() => box.append(waiting), 150); }

  document.addEventListener('htmx:error', event => {
    const context = event.detail.ctx;
    if (!context || context.response) return;              // an answer came: it speaks for itself
    const { sourceElement: source, sourceEvent: cause } = context;
    const quiet = source.matches('[hx-trigger*="every"]');  // a poll tries again by itself
    if (quiet) return;
    const retry = () => (source.matches('form') ? source.requestSubmit() : window.htmx.trigger(source, cause.type));
    toast(box.dataset.failed, { bad: true, action: { label: box.dataset.retry, run: retry } });
  });
}
