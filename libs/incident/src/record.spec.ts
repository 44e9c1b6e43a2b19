import { describe, expect, test } from '@jest/globals';
import { at, changed, declaredByAlert, given, was } from './specification.fixture.js';

const note = was(
  'incident.note-added',
  { text: 'error rate 20 %', at: at(2), links: ['https://grafana/d/1'], pinned: false },
  { id: 'note-1', by: 'user:ada', minutes: 3 },
);
const correct = (data: object = {}, id = 'note-1') =>
  ({ type: 'incident.correct-note', data: { note: id, text: 'error rate 2 %', ...data } }) as const;

describe('notes', () => {
  const add = (data: object = {}) =>
    ({ type: 'incident.add-note', data: { text: 'rolled back', ...data } }) as const;

  test('are about now, or about a moment since the start', () => {
    given(declaredByAlert())
      .when(add())
      .then(changed('incident.note-added', { text: 'rolled back', at: at(5), links: [], pinned: false }));
    given(declaredByAlert())
      .when(add({ at: at(-4) }))
      .then(changed('incident.note-added', { at: at(-4) }));
    given(declaredByAlert())
      .when(add({ at: at(-5) }))
      .thenRefused(422);
    given(declaredByAlert())
      .when(add({ at: at(6) }))
      .thenRefused(422);
  });

  test('may be pinned and carry links', () => {
    given(declaredByAlert())
      .when(add({ pinned: true, links: ['https://grafana/d/1'] }))
      .then(changed('incident.note-added', { pinned: true, links: ['https://grafana/d/1'] }));
  });

  test('are corrected by their author; what is not given stays, and so do all versions', () => {
    const correcting = given(declaredByAlert(), note).when(correct());
    correcting.then(
      changed('incident.note-corrected', {
        note: 'note-1',
        text: 'error rate 2 %',
        at: at(2),
        links: ['https://grafana/d/1'],
      }),
    );
    expect(correcting.after().state.notes[0]?.versions.map(({ text }) => text)).toEqual([
      'error rate 20 %',
      'error rate 2 %',
    ]);
  });

  test('a correction can itself be corrected, by its own id', () => {
    const once = given(declaredByAlert(), note).when(correct()).after();
    const correction = once.state.notes[0]?.versions[1]?.eventId as string;
    once
      .when(correct({ pinned: true }, correction))
      .then(changed('incident.note-corrected', { note: 'note-1', pinned: true }));
  });

  test("nobody corrects somebody else's note, or one that is not there", () => {
    given(declaredByAlert(), note).when(correct(), 5, 'user:grace').thenRefused(403);
    given(declaredByAlert(), note).when(correct({}, 'note-2')).thenRefused(404);
  });
});

describe('updates', () => {
  const publish = (nextUpdateAt?: string) =>
    ({
      type: 'incident.publish-update',
      data: { audience: 'public', text: 'we are on it', ...(nextUpdateAt ? { nextUpdateAt } : {}) },
    }) as const;

  test('promise the time of the next one', () => {
    const promised = given(declaredByAlert()).when(publish(at(35)));
    promised.then(changed('incident.update-published', { audience: 'public', nextUpdateAt: at(35) }));
    expect(promised.after().state.nextUpdateAt).toBe(at(35));
    expect(promised.after().when(publish(), 35).after().state.nextUpdateAt).toBeNull();
  });

  test('a promise is in the future', () => {
    given(declaredByAlert())
      .when(publish(at(5)))
      .thenRefused(422);
  });

  test('with the resolve the promise ends', () => {
    const resolve = { type: 'incident.set-status', data: { status: 'resolved', note: 'fixed' } } as const;
    expect(
      given(declaredByAlert())
        .when(publish(at(35)))
        .after()
        .when(resolve, 6)
        .after().state.nextUpdateAt,
    ).toBeNull();
  });
});

describe('affected services', () => {
  test('are added once', () => {
    const add = { type: 'incident.add-service', data: { service: 'payments' } } as const;
    given(declaredByAlert())
      .when(add)
      .then(changed('incident.service-affected', { service: 'payments' }));
    given(declaredByAlert()).when(add).after().when(add).thenNothing();
  });
});
