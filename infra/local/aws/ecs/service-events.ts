import { newEventId } from './names.ts';
import type { ServiceRecord } from './records.ts';

/** Source: the SDK's comment on Service.events. */
const eventsKept = 100;

/** How AWS ends its sentences about what a person must look into. */
export const guide = 'For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.';

/** The service with one more event, newest first: AWS's `(service NAME) MESSAGE`. */
export function withEvent(service: ServiceRecord, at: number, message: string): ServiceRecord {
  const event = { id: newEventId(), at, message: `(service ${service.name}) ${message}` };
  return { ...service, events: [event, ...service.events].slice(0, eventsKept) };
}
