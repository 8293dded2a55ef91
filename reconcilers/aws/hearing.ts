import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { serviceName } from './names.ts';

/** Where to look: one object, or everything when AWS says only that a host is going. */
export type Hint = { readonly kind: string; readonly id: string } | 'all';

/** What we need of an event, of whatever type. Source: AWS, "Amazon ECS events"; times and ARNs that we don't use are left out. */
const Event = Type.Object({
  id: Type.String({ minLength: 1 }),
  'detail-type': Type.String(),
  source: Type.Literal('aws.ecs'),
  resources: Type.Optional(Type.Array(Type.String())),
  detail: Type.Object({
    version: Type.Optional(Type.Number()),
    taskArn: Type.Optional(Type.String()),
    containerInstanceArn: Type.Optional(Type.String()),
    group: Type.Optional(Type.String()),
    lastStatus: Type.Optional(Type.String()),
    healthStatus: Type.Optional(Type.String()),
    eventType: Type.Optional(Type.String()),
    status: Type.Optional(Type.String()),
    agentConnected: Type.Optional(Type.Boolean()),
  }),
});
type EcsEvent = Static<typeof Event>;

/** What was heard of one task or host last. */
interface Known {
  readonly version: number;
  readonly told: string;
}

/** Enough for a class's events of some minutes; what is older is retained by no queue of ours. */
const mostKnown = 20_000;

/**
 * Judges events: which object they hint at, and whether it is worth a look. Repeats and what arrives after something
 * newer are dropped, by the version of a task or host and by the id of everything else.
 */
export class Hearing {
  readonly #prefix: string;
  readonly #versions = new Map<string, Known>();
  readonly #ids = new Map<string, true>();

  constructor(deployment: string) {
    // The part before the id is the same for every workspace.
    this.#prefix = serviceName(deployment, 'x').slice(0, -1);
  }

  /** The hint of a message's body; undefined where there is nothing new to look at, 'senseless' where it is no event. */
  of(body: string): Hint | 'senseless' | undefined {
    const event = parse(body);
    if (!event) return 'senseless';
    switch (event['detail-type']) {
      case 'ECS Task State Change':
        return this.#isNews(event.detail.taskArn, event, taskWord(event)) ? this.#named(event.detail.group) : undefined;
      case 'ECS Container Instance State Change':
        return this.#isNews(event.detail.containerInstanceArn, event, hostWord(event)) ? 'all' : undefined;
      case 'ECS Service Action':
      case 'ECS Deployment State Change':
        // INFO is what the task's own events have said: steady, in progress, completed.
        if (event.detail.eventType === 'INFO' || !remember(this.#ids, event.id, true)) return undefined;
        return this.#named(`service:${event.resources?.[0]?.split('/').at(-1)}`);
      default:
        return undefined;
    }
  }

  /** Whether a thing says something worth a look that it did not say before. `word`: undefined is not worth one. */
  #isNews(arn: string | undefined, event: EcsEvent, word: string | undefined): boolean {
    const { version } = event.detail;
    if (arn === undefined || version === undefined) return remember(this.#ids, event.id, true) && word !== undefined;
    const known = this.#versions.get(arn);
    if (known && known.version >= version) return false;
    remember(this.#versions, arn, { version, told: word ?? known?.told ?? '' });
    return word !== undefined && word !== known?.told;
  }

  #named(group: string | undefined): Hint | undefined {
    const name = group?.startsWith('service:') ? group.slice('service:'.length) : '';
    if (!name.startsWith(this.#prefix)) return undefined;
    return { kind: 'workspace', id: name.slice(this.#prefix.length) };
  }
}

/** A task is looked at when it has come up, when it is unwell and when it has ended; what lies between is polled. */
function taskWord({ detail: { lastStatus, healthStatus } }: EcsEvent): string | undefined {
  if (lastStatus !== 'RUNNING' && lastStatus !== 'STOPPED') return undefined;
  return lastStatus === 'RUNNING' && healthStatus === 'UNHEALTHY' ? healthStatus : lastStatus;
}

/** A host that comes frees places, which ECS fills by itself; one that goes takes its tasks along. */
function hostWord({ detail: { status, agentConnected } }: EcsEvent): string | undefined {
  return status !== 'ACTIVE' || agentConnected === false ? `${status} ${agentConnected}` : undefined;
}

function parse(body: string): EcsEvent | undefined {
  try {
    const read: unknown = JSON.parse(body);
    return Value.Check(Event, read) ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Remembers the newest; false where it knew exactly this key already. */
function remember<V>(known: Map<string, V>, key: string, value: V): boolean {
  const isNew = !known.delete(key);
  known.set(key, value);
  const oldest = known.size > mostKnown ? known.keys().next().value : undefined;
  if (oldest !== undefined) known.delete(oldest);
  return isNew;
}
