/**
 * What is said of a share of 1 that is too large: most likely it was meant in percent.
 * @param otherwise what else there is to say, where it was not
 */
export const asShare =
  (message: string, otherwise?: string) =>
  ({ input }: { input?: unknown }): string => {
    const percent = typeof input === 'number' && input > 1 && input < 100;
    // 12 digits: 99.9 / 100 is 0.9990000000000001.
    const more = percent ? `write ${Number((input / 100).toPrecision(12))} for ${input} %` : otherwise;
    return more === undefined ? message : `${message}: ${more}`;
  };
