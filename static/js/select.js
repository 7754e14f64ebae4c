// Selecting rows of a list and the bar that acts on them. Without JavaScript the bar is simply always there.
function update() {
  const all = document.querySelector('[data-all]');
  const bar = document.getElementById('bulk');
  if (!all || !bar) return;
  const boxes = [...document.querySelectorAll('[data-one]')];
  const chosen = boxes.filter(box => box.checked).length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  all.checked = boxes.length > 0 && chosen === boxes.length;
  bar.hidden = chosen === 0;
  boxes.forEach(box => box.closest('tr').classList.toggle('sel', box.checked));
  const whole = bar.querySelector('[data-whole]');
  if (whole) {
    whole.closest('label').hidden = !all.checked;
    if (!all.checked) whole.checked = false;
  }
  const count = bar.querySelector('[data-count]');
  count.parentElement.hidden = Boolean(whole?.checked);
  count.textContent = new Intl.NumberFormat(document.documentElement.lang).format(chosen);
}

let last = null;
document.addEventListener('click', event => {              // shift takes the rows between
  const box = event.target;
  if (!box.matches?.('[data-one]')) return;
  const boxes = [...document.querySelectorAll('[data-one]')];
  if (event.shiftKey && last && boxes.includes(last)) {
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    boxes.slice(from, to + 1).forEach(other => { other.checked = box.checked; });
    update();
  }
  last = box;
});
document.addEventListener('change', event => {
  if (event.target.matches('[data-all]')) document.querySelectorAll('[data-one]').forEach(box => { box.checked = event.target.checked; });
  if (event.target.matches('[data-all], [data-one], [data-whole]')) update();
});
document.addEventListener('htmx:after:swap', update);
update();
