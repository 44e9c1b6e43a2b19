import { CommandRefused } from '@bellwether/contracts';

/** Nothing was ever measured of the group, or its value gave its place up to another one. */
export const noSuchGroup = (slo: string, group: string): CommandRefused =>
  CommandRefused.notFound(`group ${JSON.stringify(group)} of SLO ${slo}`);
