import type {
  AddTagsInput,
  AddTagsOutput,
  DescribeTagsInput,
  DescribeTagsOutput,
  RemoveTagsInput,
  RemoveTagsOutput,
  Tag,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operations } from '../endpoint.ts';
import { AwsError } from '../protocol.ts';
import type { Account } from './account.ts';
import { kindOf } from './arns.ts';
import { invalid, notFound, required } from './refusals.ts';

/** AWS's limit on DescribeTags and AddTags. */
const resourcesPerCall = 20;
const longestKey = 128;
const longestValue = 256;
const allowed = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** AddTags, RemoveTags, DescribeTags. */
export function tagOperations(account: Account): Operations {
  const { tables } = account;

  function resources(arns: readonly string[] | undefined): readonly string[] {
    const given = required(arns, 'ResourceArns');
    if (given.length > resourcesPerCall)
      throw invalid(`The number of resources exceeds the limit of ${resourcesPerCall}`);
    for (const arn of given) {
      const kind = kindOf(arn);
      if (!kind) throw invalid(`'${arn}' is not a valid ARN`);
      if (!exists(account, arn)) throw notFound[kind]();
    }
    return given;
  }

  return {
    AddTags(input: AddTagsInput): AddTagsOutput {
      const arns = resources(input.ResourceArns);
      const merged = arns.map(arn => {
        const tags = { ...tables.tags.get(arn)?.tags, ...readTags(account, required(input.Tags, 'Tags')) };
        return { arn, tags: bounded(account, tags) };
      });
      for (const row of merged) tables.tags.put(row.arn, row);
      return {};
    },
    RemoveTags(input: RemoveTagsInput): RemoveTagsOutput {
      const gone = new Set(required(input.TagKeys, 'TagKeys'));
      for (const arn of resources(input.ResourceArns)) {
        const kept = Object.entries(tables.tags.get(arn)?.tags ?? {}).filter(([key]) => !gone.has(key));
        tables.tags.put(arn, { arn, tags: Object.fromEntries(kept) });
      }
      return {};
    },
    DescribeTags(input: DescribeTagsInput): DescribeTagsOutput {
      return {
        TagDescriptions: resources(input.ResourceArns).map(arn => ({
          ResourceArn: arn,
          Tags: Object.entries(tables.tags.seen(arn)?.tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
        })),
      };
    },
  };
}

/** The tags of an input as a record, refused as AWS does. */
export function readTags(account: Account, tags: readonly Tag[] | undefined): Record<string, string> {
  const record: Record<string, string> = {};
  for (const { Key, Value = '' } of tags ?? []) {
    const key = required(Key, 'Tags.Key');
    if (key.length < 1 || key.length > longestKey || !allowed.test(key))
      throw invalid(`The tag key '${key}' is not valid`);
    if (Value.length > longestValue || !allowed.test(Value)) throw invalid(`The tag value '${Value}' is not valid`);
    if (key.startsWith('aws:')) throw invalid('Tag keys must not begin with aws:');
    if (key in record) throw new AwsError('DuplicateTagKeys', `A tag key was specified more than once: ${key}`);
    record[key] = Value;
  }
  return bounded(account, record);
}

function bounded(account: Account, tags: Record<string, string>): Record<string, string> {
  const limit = account.quotas.tagsPerResource;
  if (Object.keys(tags).length <= limit) return tags;
  throw new AwsError('TooManyTags', `The number of tags exceeds the limit of ${limit}`);
}

function exists({ tables }: Account, arn: string): boolean {
  return [tables.loadBalancers, tables.listeners, tables.rules, tables.targetGroups].some(table => table.get(arn));
}
