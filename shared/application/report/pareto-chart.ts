import { LineChart } from 'echarts/charts';
import { GridComponent, MarkLineComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { SafeHtml } from './safe-html.ts';

use([LineChart, GridComponent, MarkLineComponent, SVGRenderer]);

const WIDTH = 560;
const HEIGHT = 300;
/** Without quotation marks: ECharts puts it into a quoted attribute. */
const FONT = 'system-ui, sans-serif';
const INK = '#475467';

/**
 * The Pareto curve as SVG markup: share of customers, best first, against the share of the value they hold.
 *
 * @param points from (0, 0) to (1, 1), ascending
 * @param customersFor80 where the curve reaches 80 %; drawn as a line
 */
export const paretoChart = (
  points: readonly (readonly [number, number])[],
  customersFor80: number,
  words: { readonly customers: string; readonly value: string },
): SafeHtml => {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const axis = {
    type: 'value' as const,
    min: 0,
    max: 100,
    axisLabel: { formatter: '{value} %', color: INK },
    splitLine: { lineStyle: { color: '#e6eaf0' } },
    nameTextStyle: { color: INK },
  };
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: FONT, fontSize: 12 },
    grid: { left: 56, right: 24, top: 32, bottom: 48 },
    xAxis: { ...axis, name: words.customers, nameLocation: 'middle', nameGap: 30 },
    yAxis: {
      ...axis,
      max: Math.max(100, ...points.map(([, value]) => Math.ceil(value * 10) * 10)),
      name: words.value,
      nameTextStyle: { color: INK, align: 'left' },
    },
    series: [
      {
        type: 'line',
        silent: true,
        showSymbol: false,
        data: points.map(([customers, value]) => [round(customers * 100), round(value * 100)]),
        lineStyle: { color: '#1f5fbf', width: 2.5 },
        areaStyle: { color: '#1f5fbf', opacity: 0.08 },
        markLine: {
          silent: true,
          symbol: 'none',
          lineStyle: { color: '#b54708', type: 'dashed' },
          label: { color: '#b54708', fontSize: 12 },
          data: [
            { yAxis: 80, label: { formatter: '80 %', position: 'insideEndTop' } },
            {
              xAxis: round(customersFor80 * 100),
              label: { formatter: `${round(customersFor80 * 100)} %`, position: 'insideEndTop', rotate: 0 },
            },
          ],
        },
      },
      {
        type: 'line',
        silent: true,
        showSymbol: false,
        data: [
          [0, 0],
          [100, 100],
        ],
        lineStyle: { color: '#98a2b3', width: 1, type: 'dotted' },
      },
    ],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return new SafeHtml(svg.replace(/ xmlns(:\w+)?="[^"]*"/gu, ''));
};

const round = (value: number): number => Math.round(value * 10) / 10;
