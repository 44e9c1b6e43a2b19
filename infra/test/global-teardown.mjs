import exitCheck from './exit-check.mjs';

export default async function globalTeardown(config) {
  const { closeGuard } = await import('@bellwether/testing');
  await closeGuard();
  exitCheck(config);
}
