import { breakShop } from './break.js';
import { runDemo } from './run.js';
import { runShopService } from './services.js';
import { SHOP_SERVICES, type ShopService } from './shop.js';

const say = (line: string) => console.log(line);
const HELP = `npm run demo                      a shop with services, load, SLOs and pagers, until Ctrl-C
npm run demo -- break [seconds]   payments fail for so long (60 without a number)`;
const [command, argument] = process.argv.slice(2);

try {
  if (command === undefined) await runDemo(say);
  else if (['--help', '-h', 'help'].includes(command)) say(HELP);
  else if (command === 'break') await breakShop(secondsOf(argument), say);
  else if (command === 'service' && SHOP_SERVICES.includes(argument as ShopService))
    await runShopService(argument as ShopService);
  else throw new Error(`unknown: ${command}; it is "npm run demo" or "npm run demo -- break [seconds]"`);
} catch (error) {
  console.error(`error: ${(error as Error).message}`);
  process.exitCode = 1;
}

function secondsOf(text = '60'): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 3600)) throw new Error('how many seconds? A number from 1 to 3600');
  return seconds;
}
