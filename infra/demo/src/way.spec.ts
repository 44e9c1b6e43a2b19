import { expect, test } from '@jest/globals';
import { Way } from './way.js';

test('says once that measurements of some service do not get through, and once that all do again', () => {
  const said: string[] = [];
  const way = new Way((line) => said.push(line));
  way.heard('payment', true);
  expect(said).toEqual([]);
  way.heard('payment', false);
  way.heard('checkout', false);
  way.heard('payment', true);
  expect(said).toEqual([expect.stringMatching(/^measurements do not get through: is Bellwether running/)]);
  way.heard('checkout', true);
  expect(said.slice(1)).toEqual(['measurements get through again']);
});
