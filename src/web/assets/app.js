// Comfort on top of pages that work without it: theme, keys, moving through rows, copying exact values.
// Runs in the head so that a chosen theme is set before anything is painted; the rest waits for the document.
(function () {
  'use strict';
  const root = document.documentElement;
  const THEMES = ['system', 'light', 'dark'];

  function storedTheme() {
    try {
      const theme = localStorage.getItem('theme');
      return THEMES.includes(theme) ? theme : 'system';
    } catch {
      return 'system';
    }
  }

  function applyTheme(theme) {
    if (theme === 'system') {
      root.removeAttribute('data-theme');
    } else {
      root.setAttribute('data-theme', theme);
    }
  }

  applyTheme(storedTheme());

  function say(text) {
    const said = document.getElementById('said');
    if (!said) return;
    said.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { said.textContent = ''; }, 1600);
  }

  function copy(text) {
    if (!navigator.clipboard) return;
    navigator.clipboard.writeText(text).then(() => say('Copied ' + (text.length > 24 ? text.slice(0, 12) + '…' : text)));
  }

  function themeButton() {
    const button = document.getElementById('theme');
    if (!button) return;
    const show = (theme) => {
      button.textContent = { system: 'Auto', light: 'Light', dark: 'Dark' }[theme];
      button.setAttribute('aria-label', 'Theme: ' + button.textContent);
    };
    show(storedTheme());
    button.addEventListener('click', () => {
      const theme = THEMES[(THEMES.indexOf(storedTheme()) + 1) % THEMES.length];
      try { localStorage.setItem('theme', theme); } catch { /* private mode: the choice lasts for this page */ }
      applyTheme(theme);
      show(theme);
    });
  }

  // Rows that lead somewhere: the first link of a row is what Enter opens.
  let current = null;

  function rows() {
    return Array.from(document.querySelectorAll('main > .block tbody tr')).filter((row) => row.querySelector('a[href]'));
  }

  function moveRow(step) {
    const all = rows();
    if (all.length === 0) return;
    const at = current ? all.indexOf(current) : -1;
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    if (current) current.classList.remove('at');
    current = next;
    current.classList.add('at');
    current.querySelector('a[href]').focus({ preventScroll: true });
    current.scrollIntoView({ block: 'nearest' });
  }

  // Of all the marks of a drawing one is a stop of the tab key; arrows go from mark to mark.
  function marksOf(svg) {
    return Array.from(svg.querySelectorAll('a.mark'));
  }

  function prepareMarks() {
    for (const svg of document.querySelectorAll('.plot svg')) {
      const first = marksOf(svg)[0];
      if (first) first.setAttribute('tabindex', '0');
    }
  }

  function moveMark(event) {
    const mark = event.target instanceof Element ? event.target.closest('svg a.mark') : null;
    if (!mark) return false;
    const all = marksOf(mark.closest('svg'));
    const at = all.indexOf(mark);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return false;
    const next = all[Math.min(Math.max(to, 0), all.length - 1)];
    mark.setAttribute('tabindex', '-1');
    next.setAttribute('tabindex', '0');
    next.focus();
    event.preventDefault();
    return true;
  }

  function openKeys() {
    const dialog = document.getElementById('keys');
    if (dialog && !dialog.open) dialog.showModal();
  }

  let goPending = false;

  function onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target;
    if (target instanceof Element && target.closest('input, select, textarea, dialog, [contenteditable]')) return;
    if (moveMark(event)) return;
    if (goPending) {
      goPending = false;
      const links = document.querySelectorAll('.top nav a');
      const link = links[Number(event.key) - 1];
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    switch (event.key) {
      case '?': event.preventDefault(); openKeys(); break;
      case '/': {
        const first = document.querySelector('.filter input:not([type=hidden]), .filter select');
        if (first) { event.preventDefault(); first.focus(); }
        break;
      }
      case 'j': moveRow(1); break;
      case 'k': moveRow(-1); break;
      case 'g': goPending = true; setTimeout(() => { goPending = false; }, 1200); break;
      default:
    }
  }

  // A code cell (hash, id, address) is copied whole by a click, unless it is a link or text is being selected.
  function onClick(event) {
    const target = event.target;
    if (!(target instanceof Element) || target.closest('a, button, summary')) return;
    const code = target.closest('td code, th code, .copy');
    if (code && String(getSelection()) === '') copy(code.getAttribute('data-exact') || code.textContent.trim());
  }

  // A selection inside one rounded amount copies every digit of it.
  function onCopy(event) {
    const selection = getSelection();
    if (!selection || selection.rangeCount === 0 || String(selection).trim() === '') return;
    const range = selection.getRangeAt(0);
    const node = range.commonAncestorContainer;
    const element = node instanceof Element ? node : node.parentElement;
    const cell = element && (element.closest('[data-exact]') || (element.matches('td, th') && element.querySelector('[data-exact]')));
    if (cell && event.clipboardData && String(selection).trim() === cell.innerText.trim()) {
      event.clipboardData.setData('text/plain', cell.getAttribute('data-exact'));
      event.preventDefault();
    }
  }

  document.addEventListener('DOMContentLoaded', () => {
    const tools = document.querySelector('.tools');
    if (tools) tools.hidden = false;
    themeButton();
    prepareMarks();
    const open = document.getElementById('keys-open');
    if (open) open.addEventListener('click', openKeys);
    document.addEventListener('keydown', onKey);
    document.addEventListener('click', onClick);
    document.addEventListener('copy', onCopy);
    const active = document.querySelector('.top nav [aria-current]');
    if (active) active.scrollIntoView({ block: 'nearest', inline: 'center' });
  });
})();
