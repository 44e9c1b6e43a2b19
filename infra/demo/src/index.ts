export { BROKEN, type Fault, HEALTHY } from './faults.js';
export type { Reporter } from './instrument.js';
export { generateLoad } from './load.js';
export { type RunningService, SHOP_SERVICES, type ShopService, startShopService, type Urls } from './shop.js';
