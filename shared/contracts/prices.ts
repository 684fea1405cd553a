/** What dashboards may show of prices. */
export { PRICES } from '../domain/price-table.ts';
