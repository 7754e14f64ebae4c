// What was typed survives a sign-in that has run out: a submitted form is remembered in this tab until the next page shows. Where that
// page comes after signing in anew (or the form was refused as too old), the form is filled again and says that nothing is saved yet.
import { toast } from './toast.js';

const KEY = 'lotse-draft';
const LONGEST = 200_000;                                   // characters
const reader = document.documentElement.dataset.user;
const secret = field => !field.name || ['csrfmiddlewaretoken', '_key'].includes(field.name) || ['password', 'file', 'submit', 'button'].includes(field.type);
const chosen = field => !['checkbox', 'radio'].includes(field.type) || field.checked;
const worded = field => field.matches('textarea, input:not([type=hidden], [type=checkbox], [type=radio])') && field.value;
const goal = form => new URL(form.getAttribute('action') || location.href, location.href).pathname;   // a field may be named "action"

function keep(draft) {
  try {
    const text = draft && JSON.stringify(draft);
    if (text && text.length <= LONGEST) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch { /* private mode: nothing is remembered */ }
}

function take() {
  try {
    const draft = JSON.parse(sessionStorage.getItem(KEY));
    keep(null);
    return draft;
  } catch { return null; }
}

function fill(form, fields) {
  const left = Map.groupBy(fields, ([name]) => name);
  for (const field of form.elements) {
    const values = secret(field) ? undefined : left.get(field.name)?.map(([, value]) => value) ?? [];
    if (!values) continue;
    if (['checkbox', 'radio'].includes(field.type)) field.checked = values.includes(field.value);
    else if (field.multiple) [...field.options].forEach(option => { option.selected = values.includes(option.value); });
    else if (values.length) field.value = left.get(field.name).shift()[1];
  }
}

function draftOf(form) {
  const kept = [...form.elements].filter(field => !secret(field) && chosen(field));
  if (!kept.some(worded)) return null;
  const fields = kept.flatMap(field => (field.multiple ? [...field.selectedOptions].map(option => [field.name, option.value]) : [[field.name, field.value]]));
  return { reader, goal: goal(form), fields, words: kept.filter(worded).map(field => field.value) };
}

const posts = form => form?.getAttribute('method') === 'post';
let typed = null;                                          // the form somebody is writing in
let leaving = false;                                       // for the sign-in; until that has come, somebody may write on
document.addEventListener('input', event => { if (posts(event.target.form)) typed = event.target.form; }, true);
document.addEventListener('submit', event => { if (reader && posts(event.target)) keep(draftOf(event.target)); }, true);
document.addEventListener('htmx:finally:request', event => {
  const { request, response, hx } = event.detail.ctx;
  if (hx?.redirect) {                                      // a preview, too, may be the first to learn that the sign-in has run out
    leaving = reader && typed?.isConnected && new URL(hx.redirect, location.href).pathname.startsWith('/accounts/login');
    if (leaving) keep(draftOf(typed));
  } else if (request.form && response?.status < 400) keep(null);
});
addEventListener('pagehide', () => { if (leaving) keep(draftOf(typed)); });

const draft = reader ? take() : null;
const anew = new URL(document.referrer || location.href).pathname.startsWith('/accounts/login')
  || location.hash === '#draft' || performance.getEntriesByType('navigation')[0]?.type === 'reload';
if (draft && draft.reader === reader && anew) {
  const form = [...document.forms].find(one => one.getAttribute('method') === 'post' && goal(one) === draft.goal);
  const { kept, lost } = document.getElementById('toasts').dataset;
  if (form) fill(form, draft.fields);
  setTimeout(() => toast(form ? kept : `${lost} ${draft.words.join(' · ').slice(0, 400)}`, { bad: true }), 300);
}
