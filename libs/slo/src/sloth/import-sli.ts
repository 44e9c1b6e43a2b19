import type { PrometheusSource } from '@bellwether/contracts';
import type { Cursor } from '../interchange/cursor.js';
import { tellOfQueries } from '../interchange/query-notes.js';
import { operand } from '../prometheus/promql.js';
import { asItCounts, countsAlike } from '../prometheus/query-text.js';
import { quotientOf } from '../prometheus/syntax.js';
import type { GeneratedRules } from './generated-rules.js';

/** Unit and source of an SLI. */
export interface SlothSli {
  unit: 'count' | 'ratio';
  source: { prometheus: PrometheusSource };
}

/** The types of an SLI, of which Sloth's own validator takes one. */
const TYPES = ['events', 'raw', 'plugin'] as const;

/**
 * Source and unit of an SLI: error and total events, or the ratio of errors as a value. Undefined: a fault is noted.
 * @param id Sloth's name of the SLO: `<service>-<slo>`
 */
export function sliOf(given: Cursor, id: string, url: string, rules: GeneratedRules): SlothSli | undefined {
  const types = TYPES.filter((type) => given.at(type).present);
  if (types.length > 1) {
    given.fault(`has ${types.join(' and ')}: Sloth takes one of them, so say which one counts`);
    return undefined;
  }
  if (given.at('plugin').present) return ofPlugin(given.at('plugin'), id, url, rules);
  if (given.at('raw').present) {
    const at = given.at('raw').either('error_ratio_query', 'errorRatioQuery');
    const error = queryAt(at);
    return error === undefined ? undefined : told(ofRatio(error, url), at, at, at);
  }
  const events = given.at('events');
  if (!events.present) {
    given.fault('must have events, with an error and a total query, or raw');
    return undefined;
  }
  const badAt = events.either('error_query', 'errorQuery');
  const totalAt = events.either('total_query', 'totalQuery');
  const [bad, total] = [queryAt(badAt), queryAt(totalAt)];
  if (bad === undefined || total === undefined) return undefined;
  if (/^vector\s*\(/.test(total))
    totalAt.warn(
      'is the same in every period, whatever the traffic: the error ratio of a look-back is the mean of those of its periods',
    );
  return told(ofEvents(bad, total, url), events, badAt, totalAt);
}

function queryAt(at: Cursor): string | undefined {
  const text = at.text()?.trim();
  if (text === undefined) at.fault('is required: a query of Prometheus');
  return text;
}

/** A plugin is code inside of Sloth; the rules that Sloth generated show the queries that it came to. */
function ofPlugin(plugin: Cursor, id: string, url: string, rules: GeneratedRules): SlothSli | undefined {
  const name = plugin.at('id').text() ?? '(no id)';
  const error = rules.errorRatio(id);
  if (error === undefined) {
    plugin.fault(
      `${name} is code that runs inside of Sloth, and its queries are not in this file: import it together with the rules that sloth generate makes of it, which have them for sloth_id ${id}, or write them as sli.events`,
    );
    return undefined;
  }
  plugin.warn(
    `${name} is left out: the queries are those that the rules of Sloth have for it, and a change of the plugin or its options will not change them`,
  );
  const parts = quotientOf(error);
  return parts !== null && countsAlike(...parts) ? ofEvents(...parts, url) : ofRatio(error, url);
}

const ofEvents = (bad: string, total: string, url: string): SlothSli => ({
  unit: 'count',
  source: { prometheus: asItCounts({ url, bad, total }) },
});

const ofRatio = (error: string, url: string): SlothSli => ({
  unit: 'ratio',
  source: { prometheus: { url, query: `1 - ${operand(error)}` } },
});

function told(sli: SlothSli, at: Cursor, bad: Cursor, total: Cursor): SlothSli {
  tellOfQueries(sli.source.prometheus, at, (name) => (name === 'total' ? total : bad));
  return sli;
}
