// The builder of conditions: long menus can be searched. Without JavaScript they are plain ones, and buttons send the form.
function enhance(root) {
  for (const select of root.querySelectorAll('select[data-search]')) {
    if (select.tomselect || select.options.length < 8 && !select.multiple) continue;
    new TomSelect(select, {
      plugins: select.multiple ? ['remove_button'] : [],
      maxOptions: null,
      refreshThrottle: 0,                                  // who types fast and presses Enter gets what was typed
      hidePlaceholder: true,
      allowEmptyOption: false,
      render: { no_results: () => null },
    });
  }
}
document.addEventListener('htmx:after:settle', () => enhance(document));
enhance(document);
