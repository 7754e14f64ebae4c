// Light or dark, before the first paint: a classic script in <head>. The person's choice on the server wins, then this
// device's, then the system. `lotse:theme` tells charts to redraw.
(() => {
  const root = document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => { try { return localStorage.getItem('lotse-theme'); } catch { return null; } };
  const chosen = () => [root.dataset.theme || stored()].find(theme => theme === 'light' || theme === 'dark');
  const apply = () => {
    root.dataset.bsTheme = chosen() ?? (system.matches ? 'dark' : 'light');
    document.dispatchEvent(new Event('lotse:theme'));
  };
  apply();
  system.addEventListener('change', apply);

  // The toggle's form is sent in the background by shell.js, which calls this.
  root.addEventListener('lotse:choose-theme', event => {
    root.dataset.theme = event.detail;
    try { localStorage.setItem('lotse-theme', event.detail); } catch { /* private mode: it holds for this page */ }
    apply();
  });
})();
