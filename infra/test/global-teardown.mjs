export default async function globalTeardown() {
  const { closeGuard } = await import('@bellwether/testing');
  await closeGuard();
}
