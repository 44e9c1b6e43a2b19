import { z } from 'zod';
import { CLOUDEVENTS_JSON, eventEnvelope, wireType } from '../envelope.js';
import { type EventType, eventCatalog } from '../events/catalog.js';
import { MEASUREMENT_CE_TYPE, measurementBody, publishReceipt } from '../measurements.js';
import { Headers, Streams, Subjects } from '../subjects.js';
import { type JsonSchema, SchemaComponents } from './json-schema.js';

/** Events that never leave the log by `evt.>`. */
const internal: readonly EventType[] = ['measurement.recorded'];

/** Measurements as a CloudEvent of their own. */
const measurementEvent = z
  .looseObject({
    specversion: z.literal('1.0'),
    id: z.string(),
    source: z.string(),
    type: z.literal(MEASUREMENT_CE_TYPE),
    subject: z.string().optional(),
    time: z.string().optional(),
    data: measurementBody,
  })
  .meta({ id: 'MeasurementEvent' });

/** What a refused measurement carries besides its body. */
const refusalHeaders = z.object({ [Headers.error]: z.string(), [Headers.path]: z.string().optional() });

/** What a measurement may say of itself besides its body. */
const measurementHeaders: JsonSchema = {
  type: 'object',
  properties: {
    [Headers.messageId]: {
      type: 'string',
      description: 'Identity of a measurement that is no CloudEvent of its own',
    },
    [Headers.receipt]: {
      type: 'string',
      description:
        'Inbox of the publisher, `_INBOX.…`: a receipt comes there once the measurement is in the log, or is refused. For it to be sent again, a message needs `source` and `id` to be known by: the broker drops a repeat of a message id, and no receipt comes of it',
    },
    [Headers.correlation]: { type: 'string', description: 'Id of the story that it belongs to' },
    [Headers.traceparent]: { type: 'string', description: 'W3C trace context' },
  },
};

/** The names of the events that subscribers can see. */
export const publishedEvents: readonly EventType[] = (Object.keys(eventCatalog) as EventType[]).filter(
  (type) => !internal.includes(type),
);

export interface AsyncApiOptions {
  /** `host:port` of NATS. */
  natsHost?: string;
}

/** The AsyncAPI 3.0 document of the bus: measurements in, events out, refused measurements. */
export function asyncApiDocument(options: AsyncApiOptions = {}): JsonSchema {
  const components = new SchemaComponents('07');
  components.want(measurementBody, 'input');
  components.want(measurementEvent, 'input');
  components.want(refusalHeaders, 'output');
  components.want(publishReceipt, 'output');
  components.want(eventEnvelope, 'output');
  for (const type of publishedEvents) components.want(eventCatalog[type].data, 'output');

  const channels: JsonSchema = {
    measurements: {
      address: Subjects.sli('{service}', '{sli}'),
      description: `JetStream stream ${Streams.SLI}. Each message is recorded once per identity: CloudEvents source and id, else ${Headers.messageId}; an empty one is none, as it is to the broker`,
      parameters: {
        service: { description: 'Name of the service' },
        sli: { description: 'Name of the SLI' },
      },
      messages: {
        measurements: { $ref: '#/components/messages/measurements' },
        measurementEvent: { $ref: '#/components/messages/measurementEvent' },
      },
    },
    refusedMeasurements: {
      address: Subjects.deadSli('{service}', '{sli}'),
      description: `JetStream stream ${Streams.DLQ}`,
      parameters: {
        service: { description: 'Name of the service' },
        sli: { description: 'Name of the SLI' },
      },
      messages: { refusedMeasurement: { $ref: '#/components/messages/refusedMeasurement' } },
    },
    receipts: {
      address: null,
      description: `The inbox that a measurement names in ${Headers.receipt}; core NATS, at most once: what has no receipt is sent again`,
      messages: { receipt: { $ref: '#/components/messages/receipt' } },
    },
  };
  const messages: JsonSchema = {
    measurements: {
      contentType: 'application/json',
      summary: 'Bare measurements',
      headers: measurementHeaders,
      payload: components.of(measurementBody, 'input'),
    },
    measurementEvent: {
      contentType: CLOUDEVENTS_JSON,
      summary: 'Measurements in an envelope of their own',
      headers: measurementHeaders,
      payload: components.of(measurementEvent, 'input'),
    },
    refusedMeasurement: {
      summary: 'A measurement that was not taken, as it came, with the reason',
      headers: components.of(refusalHeaders, 'output'),
      payload: true,
    },
    receipt: {
      contentType: 'application/json',
      summary: 'What became of a measurement',
      payload: components.of(publishReceipt, 'output'),
    },
  };
  const operations: JsonSchema = {
    receiveMeasurements: { action: 'receive', channel: { $ref: '#/channels/measurements' } },
    sendRefusedMeasurements: { action: 'send', channel: { $ref: '#/channels/refusedMeasurements' } },
    sendReceipts: { action: 'send', channel: { $ref: '#/channels/receipts' } },
  };

  for (const type of publishedEvents) {
    const { schema, data, says } = eventCatalog[type];
    channels[type] = {
      address: Subjects.event(type, '{key}'),
      description: says,
      parameters: { key: { description: keyOf(type) } },
      messages: { [type]: { $ref: `#/components/messages/${type}` } },
    };
    operations[`send.${type}`] = { action: 'send', channel: { $ref: `#/channels/${type}` } };
    messages[type] = {
      name: wireType(type, schema),
      contentType: CLOUDEVENTS_JSON,
      summary: says,
      headers: {
        type: 'object',
        properties: {
          [Headers.messageId]: { type: 'string', description: 'Event id' },
          [Headers.position]: { type: 'string', description: 'Position in the control log' },
          [Headers.service]: {
            type: 'string',
            description:
              'Services it is about, separated by commas: of an incident or a page, all that it affects',
          },
          [Headers.severity]: {
            type: 'string',
            description: 'Of an alert, or of the incident as it is after the event',
          },
        },
        required: [Headers.messageId, Headers.position],
      },
      payload: {
        allOf: [
          components.of(eventEnvelope, 'output'),
          {
            type: 'object',
            properties: { type: { const: wireType(type, schema) }, data: components.of(data, 'output') },
            required: ['type', 'data'],
          },
        ],
      },
    };
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Bellwether',
      version: '1',
      description: `Measurements in, events out. Every event of the control log is on stream ${Streams.EVENTS}, in log order, at least once.`,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: CLOUDEVENTS_JSON,
    servers: { nats: { host: options.natsHost ?? '127.0.0.1:4222', protocol: 'nats' } },
    channels,
    operations,
    components: { messages, schemas: components.all() },
  };
}

/** What the last part of an event's subject is. */
const keyOf = (type: string): string =>
  type === 'sli.defined'
    ? 'The SLI as `<service>/<sli>`; the `subject` of the envelope'
    : 'Key of what it is about; the `subject` of the envelope';
