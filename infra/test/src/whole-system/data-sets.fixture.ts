import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Other people's measurements, where this machine has them beside the checkout; tests use the demo's traffic otherwise. */
const FOLDER =
  process.env.BELLWETHER_DATA_SETS ?? path.resolve(import.meta.dirname, '../../../../../shared/data');

/** Whether the data sets are there. */
export const dataSetsPresent = (): boolean => existsSync(path.join(FOLDER, 'petshop/service_sli_5min.csv'));

/** Counts at a time (epoch seconds), as a publisher would report them. */
export interface CountsAt {
  seconds: number;
  good: number;
  total: number;
}

/** Success rate (percent) and p95 latency (seconds) of a minute. */
export interface MinuteOfFrontEnd {
  seconds: number;
  successPercent: number;
  p95Seconds: number;
}

/**
 * PetSite's requests every five minutes. `requests · availability / 100` is a whole number there: exact counts.
 * @param part `noissue` for the 49 normal hours, or a fault such as `issue_6`
 */
export function petSite(part: 'noissue' | `issue_${number}`): CountsAt[] {
  return rowsOf('petshop/service_sli_5min.csv')
    .filter(
      (row) =>
        row.service === 'PetSite' && (part === 'noissue' ? row.split === 'noissue' : row.issue === part),
    )
    .map((row) => {
      const total = Number(row.requests);
      return {
        seconds: Number(row.unix_ts),
        good: Math.round((total * Number(row.availability_pct)) / 100),
        total,
      };
    })
    .sort((a, b) => a.seconds - b.seconds);
}

/** Twenty hours of a shop's front end, a row a minute. */
export function nezhaFrontEnd(): MinuteOfFrontEnd[] {
  return rowsOf('nezha/front_service_2022-08-22.csv')
    .map((row) => ({
      seconds: Math.floor(Number(row.TimeStamp) / 60) * 60,
      successPercent: Number(row['SuccessRate(%)']),
      p95Seconds: Number(row['LatencyP95(s)']),
    }))
    .sort((a, b) => a.seconds - b.seconds);
}

function rowsOf(file: string): Record<string, string>[] {
  const [head = '', ...lines] = readFileSync(path.join(FOLDER, file), 'utf8').trim().split(/\r?\n/);
  const names = head.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, i) => [names[i] ?? '', value])));
}
