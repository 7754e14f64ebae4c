// The Pareto chart: bars in falling order, and the share of all down to each as a line from 0 to 100 %.
import { register } from './chart.js';

register('pareto', (data, { base, css, format }, element) => {
  const [bars, line] = data.series;
  const narrow = element.clientWidth < 560;
  return {
    ...base(data),
    tooltip: { trigger: 'axis', formatter: points => [data.labels[points[0].dataIndex], ...points.map(point =>
      `${point.seriesName}: ${format(point.value, point.seriesIndex ? 'percent' : data.unit)}`)].join('\n') },
    xAxis: { type: 'category', data: data.labels, axisLabel: {
      interval: 0, width: narrow ? 96 : Math.max(60, element.clientWidth / data.labels.length - 16), overflow: 'truncate', lineHeight: 15, rotate: narrow ? 55 : 0,
      formatter: name => (narrow ? name.split(' · ').pop() : name.replaceAll(' · ', '\n')) } },
    yAxis: [
      { type: 'value', splitNumber: 4, minInterval: data.unit ? 0 : 1, axisLabel: { formatter: value => format(value, data.unit, { compact: true }) } },
      { type: 'value', min: 0, max: 1, interval: 0.25, splitLine: { show: false }, axisLabel: { formatter: value => format(value, 'percent') } },
    ],
    series: [
      { name: bars.name, type: 'bar', data: bars.values, barMaxWidth: 36, itemStyle: { borderRadius: 2 } },
      { name: line.name, type: 'line', yAxisIndex: 1, data: line.values, symbolSize: 6, lineStyle: { width: 2, type: [5, 3] }, itemStyle: { color: css('c2') } },
    ],
  };
});
