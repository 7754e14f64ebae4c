// The print button. It stands in a part htmx swaps, so the document listens.
document.addEventListener('click', event => { if (event.target.closest('[data-print]')) print(); });
