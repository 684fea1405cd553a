import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OrderDay } from '#shared/domain/facts.ts';
import { packOrders, splitOrders, unpackOrders } from '#shared/domain/order-codec.ts';
import { arbitraryOrders } from '#test/support/arbitrary-facts.ts';

const order = (day: number, over: Partial<OrderDay> = {}): OrderDay => ({
  day,
  count: 1,
  amountMinor: 100,
  attributes: {},
  batch: 0,
  ...over,
});

describe('packed order-days', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(arbitraryOrders(5, 60), (orders) => {
        expect(unpackOrders(packOrders(orders))).toEqual(orders);
      }),
    );
  });

  it('take about 12 bytes where a customer buys now and then', () => {
    const orders = Array.from({ length: 100 }, (_, index) =>
      order(10_000 + index * 13, { amountMinor: 123_456 + index, batch: index % 30 }),
    );

    expect(packOrders(orders).length / 100).toBeLessThan(15);
  });

  it('are empty text for no order', () => {
    expect(packOrders([])).toBe('');
    expect(unpackOrders('')).toEqual([]);
  });

  it.each(['1,1,1,0', '\n1,x!,1', '\n1', '\n1,1,1,0,1', '{}\n1,1,1,0,1', '[\n'])('refuses the text %j', (text) => {
    expect(() => unpackOrders(text)).toThrow();
  });
});

describe('order-days beyond the main item', () => {
  it('lose none and double none, whatever their number', () => {
    fc.assert(
      fc.property(fc.nat(400), (length) => {
        const orders = Array.from({ length }, (_, index) => order(9_000 + index * 3));

        const { main, chunks } = splitOrders(orders);

        expect([...[...chunks.values()].flat(), ...main]).toEqual(orders);
        expect(main.length).toBeLessThanOrEqual(100);
        if (length <= 100) expect(chunks.size).toBe(0);
        else expect(main.length).toBeGreaterThan(50);
      }),
    );
  });

  it('are grouped by the year they fall in', () => {
    const orders = Array.from({ length: 150 }, (_, index) => order(10_000 + index * 10));

    const { chunks } = splitOrders(orders);

    expect([...chunks.keys()]).toEqual([1997, 1998]);
  });
});
