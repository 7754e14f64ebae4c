// Charts: every [data-chart="kind"] is drawn from the JSON that data-src names. Colours come from the CSS variables, so light,
// dark and print need no second palette. Pages add kinds with `register(kind, (data, tools, element) => option)`.
// Data of the kinds below: {desc, unit: 'EUR' | 'percent' | '', labels: [...], series: [{name, values, kind?}], url?: [...]}.
const root = document.documentElement;
const lang = root.lang || 'en';
const kinds = new Map();
let printing = false;                                       // paper does not wait for a motion

export const css = name => getComputedStyle(root).getPropertyValue(`--l-${name}`).trim();

/** Formats a value of `unit` (a currency code, 'percent' for a share of 1, or '' for a plain number). */
export function format(value, unit, { compact = false } = {}) {
  if (value == null) return '–';
  const options = { maximumFractionDigits: unit === 'percent' || compact ? 1 : 0, notation: compact ? 'compact' : 'standard' };
  if (unit === 'percent') options.style = 'percent';
  else if (unit) Object.assign(options, { style: 'currency', currency: unit, minimumFractionDigits: 0 });
  return new Intl.NumberFormat(lang, options).format(value).replace('-', '−');
}

function theme() {
  const font = '"Inter Variable", system-ui, sans-serif';
  const label = { color: css('muted'), fontSize: 12 };
  const axis = { axisLine: { lineStyle: { color: css('line-2') } }, axisTick: { show: false }, axisLabel: label, splitLine: { lineStyle: { color: css('line') } }, nameTextStyle: label };
  return {
    color: [css('accent'), css('c2'), css('c3'), css('c4'), css('c5')],
    backgroundColor: 'transparent',
    textStyle: { fontFamily: font, color: css('ink'), fontSize: 12 },
    categoryAxis: { ...axis, splitLine: { show: false } },
    valueAxis: { ...axis, axisLine: { show: false } },
    legend: { textStyle: label, itemWidth: 14, itemHeight: 8, itemGap: 16 },
    tooltip: { renderMode: 'richText', backgroundColor: css('surface'), borderColor: css('line-2'), textStyle: { color: css('ink'), fontSize: 12, fontWeight: 400, fontFamily: font } },
  };
}

/** The part all charts share: description for screen readers, no clipped labels, no motion where it is unwanted. */
export function base(data) {
  return {
    animation: !printing && !matchMedia('(prefers-reduced-motion: reduce)').matches,
    animationDuration: 250,
    aria: { enabled: true, label: { description: data.desc } },
    grid: { left: 4, right: 8, top: 30, bottom: 10, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    tooltip: { trigger: 'axis', valueFormatter: value => format(value, data.unit) },
    legend: { top: 0, left: 0, show: (data.series ?? []).length > 1 },
  };
}

/** kind(data, tools, element) returns an ECharts option; tools = {base, css, format}. */
export function register(kind, option) { kinds.set(kind, option); draw(); }

const bar = dashed => ({ borderRadius: 2, decal: dashed ? { symbol: 'rect', dashArrayX: [1, 0], dashArrayY: [2, 4], rotation: -Math.PI / 4, color: css('surface') } : undefined });

const cartesian = (data, element, type) => ({
  ...base(data),
  xAxis: { type: 'category', data: data.labels, boundaryGap: type === 'bar', axisLabel: { interval: element.clientWidth < 480 ? 'auto' : 0, hideOverlap: true } },
  yAxis: { type: 'value', splitNumber: 4, axisLabel: { formatter: value => format(value, data.unit, { compact: true }) } },
  series: data.series.map(({ name, values, kind = type, dashed, stack }) => ({
    name, type: kind, data: values, stack, symbolSize: 5, barMaxWidth: 36,
    itemStyle: kind === 'bar' ? bar(dashed) : undefined,
    lineStyle: { width: 2, type: dashed ? [5, 3] : 'solid' },
  })),
});
kinds.set('line', (data, tools, element) => cartesian(data, element, 'line'));
kinds.set('bar', (data, tools, element) => cartesian(data, element, 'bar'));

/** Labels down the side, one bar each: teams, people, reasons. */
kinds.set('rank', data => ({
  ...base(data),
  grid: { left: 4, right: 16, top: data.series.length > 1 ? 30 : 4, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
  yAxis: { type: 'category', inverse: true, data: data.labels, axisLabel: { width: 130, overflow: 'truncate' } },
  xAxis: { type: 'value', splitNumber: 3, axisLabel: { formatter: value => format(value, data.unit, { compact: true }) } },
  series: data.series.map(({ name, values, stack, dashed }) => ({ name, type: 'bar', stack, data: values, barMaxWidth: 18, itemStyle: bar(dashed) })),
}));

function drawOne(element) {
  const option = kinds.get(element.dataset.chart);
  const source = document.getElementById(element.dataset.src);
  if (!option || !source || !window.echarts || !element.clientWidth) return;
  window.echarts.getInstanceByDom(element)?.dispose();
  const data = JSON.parse(source.textContent);
  const chart = window.echarts.init(element, theme(), { renderer: 'svg', locale: lang.toUpperCase() });
  chart.setOption(option(data, { base, css, format }, element));
  if (data.url) chart.on('click', point => { const url = data.url[point.dataIndex]; if (url) location.href = url; });
  element.removeAttribute('aria-busy');
}

/** Draws every chart below `scope` whose kind is known. */
export function draw(scope = document) {
  scope.querySelectorAll?.('[data-chart]').forEach(drawOne);
}

let resized;
addEventListener('resize', () => { clearTimeout(resized); resized = setTimeout(draw, 120); });
addEventListener('beforeprint', () => { printing = true; draw(); printing = false; });
document.addEventListener('lotse:theme', () => draw());
document.addEventListener('htmx:after:swap', event => draw(event.target));
draw();
