import type { Answers } from './documents.js';

/** What begins a line of the block that is to be taken into use. */
export const STUB = '#~ ';

/** Who is paged, as a block of comments: a person, a rotation, an escalation policy. Empty when a policy is named. */
export function people({ name, policy }: Answers): string {
  if (policy !== undefined) return '';
  return [
    '#',
    '# Who is paged: without an escalation policy, the policy "default" of the installation, if there is one. To page',
    `# your own people, take the "${STUB.trim()}" off these lines, put in who they are, and give the service above`,
    `# "escalationPolicy: ${name}".`,
    ...STUBS.replaceAll('NAME', name)
      .split('\n')
      .map((line) => `${STUB}${line}`),
    '',
  ].join('\n');
}

const STUBS = `---
kind: user
name: maria
displayName: Maria
timeZone: Europe/Berlin
contactMethods:
  - id: hook
    kind: webhook
    address: https://hooks.example.org/maria
    verified: true
---
kind: schedule
name: NAME-primary
timeZone: Europe/Berlin
layers:
  - name: week
    rotation:
      type: weekly
      start: "2026-01-05T09:00"
      participants: [maria]
---
kind: policy
name: NAME
steps:
  - targets:
      - kind: schedule
        name: NAME-primary
    timeoutMinutes: 5`;
