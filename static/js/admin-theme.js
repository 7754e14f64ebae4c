// The set-up pages: the reader's theme goes onto <html>, where theme.js (loaded next) and the styles look for it.
document.documentElement.dataset.theme = document.currentScript.dataset.theme;
