(() => {
  'use strict';
  const find = (selector, root = document) => [...root.querySelectorAll(selector)];
  const table = document.getElementById('table');
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const charts = document.querySelector('.charts');
  const readout = document.getElementById('readout');
  const hint = readout && readout.textContent;

  // Sorting: missing values come last in either order

  const keyOf = (row, column) => row.cells[column].dataset.key;

  function compare(a, b) {
    const [x, y] = [Number(a), Number(b)];
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
    return a.localeCompare(b, undefined, { numeric: true });
  }

  function sort(column, direction) {
    const known = rows.filter((row) => keyOf(row, column) !== '');
    const unknown = rows.filter((row) => keyOf(row, column) === '');
    known.sort((a, b) => direction * compare(keyOf(a, column), keyOf(b, column)));
    body.append(...known, ...unknown);
  }

  const headers = find('thead th', table);
  headers.forEach((header, column) => {
    header.querySelector('button').addEventListener('click', () => {
      const ascends = header.getAttribute('aria-sort') !== 'ascending';
      headers.forEach((other) => other.setAttribute('aria-sort', 'none'));
      header.setAttribute('aria-sort', ascends ? 'ascending' : 'descending');
      sort(column, ascends ? 1 : -1);
    });
  });

  // Filters

  const form = document.getElementById('filters');
  const selects = find('select', form);
  const choices = new Map(rows.map((row) => [row, JSON.parse(row.dataset.choices)]));

  function filter() {
    let shown = 0;
    for (const row of rows) {
      const fits = selects.every(({ value, dataset }) =>
        value === '*' || value === `=${choices.get(row)[dataset.filter]}`);
      row.hidden = !fits;
      shown += fits;
      for (const line of linesOf(row.dataset.network)) line.classList.toggle('hidden', !fits);
    }
    document.getElementById('count').textContent =
      `${shown} of ${rows.length} networks ${shown === 1 ? 'is' : 'are'} shown.`;
  }

  form.hidden = false;
  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('reset', () => setTimeout(filter));

  // Marking a network in the table and in the charts

  const byNetwork = new Map();
  for (const line of find('.line')) {
    const { network } = line.dataset;
    byNetwork.set(network, [...(byNetwork.get(network) || []), line]);
  }

  function linesOf(network) {
    return byNetwork.get(network) || [];
  }

  function mark(network) {
    for (const element of find('.marked')) element.classList.remove('marked');
    const lines = linesOf(network);
    if (charts) charts.classList.toggle('marking', lines.length > 0);
    for (const line of lines) {
      line.classList.add('marked');
      line.parentNode.append(line); // on top of the others
    }
    const row = rows.find((one) => one.dataset.network === network);
    if (row) row.classList.add('marked');
    if (readout) {
      readout.textContent = lines.length ? lines.map((line) => line.dataset.words).join('; ') : hint;
    }
  }

  const networkAt = (event) => {
    const owner = event.target.closest && event.target.closest('[data-network]');
    return owner ? owner.dataset.network : undefined;
  };
  let marked;
  for (const place of [body, charts].filter(Boolean)) {
    for (const kind of ['pointerover', 'focusin']) {
      place.addEventListener(kind, (event) => {
        if (networkAt(event) === marked) return;
        marked = networkAt(event);
        mark(marked);
      });
    }
    for (const kind of ['pointerleave', 'focusout']) {
      place.addEventListener(kind, () => {
        marked = undefined;
        mark(marked);
      });
    }
  }
  if (charts) {
    charts.addEventListener('click', (event) => {
      const network = networkAt(event);
      if (network !== undefined) location.hash = `network-${network}`;
    });
  }

  // Whoever opens a network goes on reading there; whoever closes it goes on where it was opened

  let opened;
  window.addEventListener('hashchange', () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.classList.contains('network')) {
      opened = location.hash;
      target.focus();
    } else if (opened) {
      const link = body.querySelector(`a[href="${opened}"]`);
      opened = undefined;
      if (link && !link.closest('tr').hidden) link.focus();
    }
  });

  // On paper there is nothing to open, and nothing that is loaded when it is reached

  window.addEventListener('beforeprint', () => {
    for (const details of find('.group')) details.open = true;
    for (const image of find('.group img, .pictures img')) image.loading = 'eager';
  });
})();
