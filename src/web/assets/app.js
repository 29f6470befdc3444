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

  // The form of an entry: sums as it is written, lines without a round trip, and a button that puts what is open onto a line. Amounts are
  // whole numbers of 10^-18, so nothing is rounded; what the book says when it checks is what counts.
  const DECIMALS = 18;

  function minor(text) {
    const found = /^(\d+)(?:\.(\d{1,18}))?$/.exec(text.trim());
    return found ? BigInt(found[1] + (found[2] || '').padEnd(DECIMALS, '0')) : 0n;
  }

  function plain(amount) {
    const digits = (amount < 0n ? -amount : amount).toString().padStart(DECIMALS + 1, '0');
    const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
    return digits.slice(0, -DECIMALS) + (fraction ? '.' + fraction : '');
  }

  function fieldOf(line, name) {
    return line.querySelector('[name=' + name + ']');
  }

  function textOf(line, name) {
    return fieldOf(line, name).value.trim();
  }

  // What the lines leave open: units by asset, and the value.
  function openAmounts(form, except) {
    const units = new Map();
    let value = 0n;
    for (const line of form.querySelectorAll('.line')) {
      if (line === except || ['account', 'wallet', 'units', 'value'].every((name) => textOf(line, name) === '')) continue;
      const asset = textOf(line, 'asset');
      const sign = textOf(line, 'side') === 'credit' ? -1n : 1n;
      const quantity = minor(textOf(line, 'units'));
      const own = asset === form.dataset.currency ? quantity : 0n;
      const worth = textOf(line, 'value') === '' ? own : minor(textOf(line, 'value'));
      units.set(asset, (units.get(asset) || 0n) + sign * quantity);
      value += sign * worth;
    }
    return { units, value };
  }

  function showBalance(form) {
    const { units, value } = openAmounts(form, null);
    const off = Array.from(units).filter(([, sum]) => sum !== 0n);
    if (value !== 0n) off.push(['Value', value]);
    const parts = off.map(([asset, sum]) => {
      const part = document.createElement('span');
      part.className = 'off';
      part.textContent = asset + ' ' + plain(sum) + (sum > 0n ? ' debit' : ' credit');
      return part;
    });
    const words = off.length === 0 ? ['The lines balance.'] : ['Does not balance yet:', ...parts.flatMap((part) => [' ', part])];
    document.getElementById('balance').replaceChildren(...words);
  }

  function putRest(form, line) {
    const { units, value } = openAmounts(form, line);
    const asset = textOf(line, 'asset');
    const rest = units.get(asset) || 0n;
    const opposite = (rest > 0n && value < 0n) || (rest < 0n && value > 0n);
    const inCurrency = asset === form.dataset.currency;
    if (opposite || (rest === 0n && (value === 0n || inCurrency))) {
      say(rest === 0n && value === 0n ? 'Nothing is left open' : 'This line cannot take the rest');
      return;
    }
    fieldOf(line, 'side').value = (rest === 0n ? value : rest) > 0n ? 'credit' : 'debit';
    fieldOf(line, 'units').value = rest === 0n ? '' : plain(rest);
    fieldOf(line, 'value').value = inCurrency || value === 0n ? '' : plain(value);
    showBalance(form);
  }

  function numberLines(form) {
    form.querySelectorAll('.line').forEach((line, at) => {
      const number = at + 1;
      line.setAttribute('aria-label', 'Line ' + number);
      line.querySelector('.no').textContent = String(number);
      for (const field of line.querySelectorAll('[id]')) field.id = field.id.replace(/^line-\d+-/, 'line-' + number + '-');
      const remove = line.querySelector('button[name=do]');
      remove.value = 'remove-' + at;
      remove.setAttribute('aria-label', 'Remove line ' + number);
    });
  }

  function restButton(form, line) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'tool rest';
    button.textContent = 'Rest';
    button.title = 'Put what is left open onto this line';
    button.addEventListener('click', () => putRest(form, line));
    line.querySelector('.of-line').prepend(button);
  }

  function addLine(form) {
    const last = Array.from(form.querySelectorAll('.line')).pop();
    const line = last.cloneNode(true);
    line.querySelectorAll('.rest').forEach((button) => button.remove());
    for (const name of ['account', 'wallet', 'units', 'value']) fieldOf(line, name).value = '';
    line.querySelectorAll('[aria-invalid]').forEach((field) => field.removeAttribute('aria-invalid'));
    fieldOf(line, 'side').value = 'credit';
    last.after(line);
    restButton(form, line);
    numberLines(form);
    fieldOf(line, 'account').focus();
  }

  function prepareLedger() {
    const form = document.querySelector('form.ledger[data-currency]');
    if (!form) return;
    const lines = () => Array.from(form.querySelectorAll('.line'));
    lines().forEach((line) => restButton(form, line));
    form.addEventListener('input', () => showBalance(form));
    form.addEventListener('click', (event) => {
      const button = event.target instanceof Element && event.target.closest('button[name=do]');
      if (!button) return;
      if (button.value === 'add-line' && lines().length > 0 && lines().length < 200) {
        event.preventDefault();
        addLine(form);
      } else if (button.value.startsWith('remove-') && lines().length > 1) {
        event.preventDefault();
        button.closest('.line').remove();
        numberLines(form);
        showBalance(form);
        fieldOf(lines()[0], 'account').focus();
      }
    });
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
      const link = Array.from(document.querySelectorAll('.menu a')).find((one) => one.dataset.key === event.key);
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
    prepareLedger();
    const open = document.getElementById('keys-open');
    if (open) open.addEventListener('click', openKeys);
    document.addEventListener('keydown', onKey);
    document.addEventListener('click', onClick);
    document.addEventListener('copy', onCopy);
    const active = document.querySelector('.menu [aria-current]');
    if (active) active.scrollIntoView({ block: 'nearest', inline: 'center' });
  });
})();
