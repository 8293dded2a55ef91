import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-ecs';
import { AwsError } from '../protocol.ts';
import type { Store } from './store.ts';

/** Source: the SDK's comment on Tag: at most 50, keys of 128 and values of 256 characters. */
const tagsPerResource = 50;
const tagText = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Refuses tags that AWS refuses. */
export function checkTags(tags: readonly Tag[]): void {
  if (tags.length > tagsPerResource) throw new AwsError('InvalidParameterException', 'Too many tags. The limit is 50.');
  if (new Set(tags.map(({ key }) => key)).size < tags.length)
    throw new AwsError(
      'InvalidParameterException',
      'Duplicate tag keys found. Please note that tag keys are case insensitive.',
    );
  for (const { key = '', value = '' } of tags)
    if (key === '' || key.length > 128 || value.length > 256 || !tagText.test(key + value) || /^aws:/i.test(key))
      throw new AwsError('InvalidParameterException', `The tag '${key}' is not valid.`);
}

interface Tagged {
  readonly seen: readonly Tag[];
  readonly now: readonly Tag[];
  write(tags: readonly Tag[]): void;
}

/** TagResource and its kin, for whatever an ARN names. */
export class Tags {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  tag(input: TagResourceRequest): object {
    const found = this.#find(input.resourceArn);
    const given = input.tags ?? [];
    const merged = [...found.now.filter(({ key }) => !given.some(tag => tag.key === key)), ...given];
    checkTags(given);
    checkTags(merged);
    found.write(merged);
    return {};
  }

  untag(input: UntagResourceRequest): object {
    const found = this.#find(input.resourceArn);
    found.write(found.now.filter(({ key }) => !input.tagKeys?.includes(key ?? '')));
    return {};
  }

  list(input: ListTagsForResourceRequest): ListTagsForResourceResponse {
    return { tags: [...this.#find(input.resourceArn).seen] };
  }

  #find(arn: string | undefined): Tagged {
    const [kind = '', ...path] = (arn?.split(':').slice(5).join(':') ?? '').split('/');
    const id = kind === 'service' ? path.join('/') : (path.at(-1) ?? '');
    const found = this.#table(kind, id);
    if (!found) throw new AwsError('InvalidParameterException', 'The specified resource could not be found.');
    return found;
  }

  #table(kind: string, id: string): Tagged | undefined {
    const { clusters, definitions, services, providers } = this.#store;
    switch (kind) {
      case 'cluster':
        return tagged(clusters.get(id), clusters.seen(id), next => clusters.put(id, next));
      case 'capacity-provider':
        return tagged(providers.get(id), providers.seen(id), next => providers.put(id, next));
      case 'task-definition':
        return tagged(definitions.get(id), definitions.seen(id), next => definitions.put(id, next));
      case 'service':
        return tagged(services.get(id), services.seen(id), next => services.put(id, next));
      case 'task':
        return tagged(this.#store.task(id), this.#store.taskSeen(id), next => this.#store.putTask(next));
      default:
        return undefined;
    }
  }
}

function tagged<T extends { readonly tags: readonly Tag[] }>(
  now: T | undefined,
  seen: T | undefined,
  put: (next: T) => unknown,
): Tagged | undefined {
  return now && { now: now.tags, seen: seen?.tags ?? [], write: tags => put({ ...now, tags }) };
}
