import { readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { sizes } from '../../../api/resources/sizes.ts';
import type { TemplateJson } from './intrinsics.ts';
import { type Kept, keptOf, replaced } from './replacement.ts';
import { templateOf } from './stand.ts';

/** As first published. What is in it stays; new resources are added by hand: they must not change from then on. */
const published: Readonly<Record<string, Kept>> = JSON.parse(
  readFileSync(path.join(import.meta.dirname, 'stateful.json'), 'utf8'),
);

// The first synthesis loads all of the CDK.
beforeAll(() => void templateOf(sizes.small), 120_000);

const idOf = (template: TemplateJson, type: string) =>
  Object.entries(template.Resources).find(([, resource]) => resource.Type === type)?.[0] ?? '';

function changed(template: TemplateJson, logicalId: string, properties: object): TemplateJson {
  const resource = template.Resources[logicalId]!;
  const one = { ...resource, Properties: { ...resource.Properties, ...properties } };
  return { ...template, Resources: { ...template.Resources, [logicalId]: one } };
}

describe('a new template over an old deployment', () => {
  it('replaces nothing that holds homes, database, users or addresses', () => {
    expect(replaced(published, keptOf(templateOf(sizes.small)))).toEqual([]);
  });

  it('knows of every such resource', () => {
    expect(Object.keys(keptOf(templateOf(sizes.small))).toSorted()).toEqual(Object.keys(published).toSorted());
  });

  it('makes a class large, and replaces nothing', () => {
    expect(replaced(published, keptOf(templateOf(sizes.large)))).toEqual([]);
  });

  it('would be refused if it named another database, or left the homes out', () => {
    const template = templateOf(sizes.small);
    const [database, homes] = [idOf(template, 'AWS::RDS::DBInstance'), idOf(template, 'AWS::EFS::FileSystem')];
    const { [homes]: _, ...rest } = changed(template, database, { DBName: 'other' }).Resources;
    expect(replaced(published, keptOf({ ...template, Resources: rest })).toSorted()).toEqual(
      [`${database}: DBName`, `${homes}: gone`].toSorted(),
    );
  });

  it('takes what may change without replacement', () => {
    const template = templateOf(sizes.small);
    const larger = changed(template, idOf(template, 'AWS::RDS::DBInstance'), { DBInstanceClass: 'db.m7g.large' });
    expect(replaced(published, keptOf(larger))).toEqual([]);
  });
});

describe('a stack that is deleted', () => {
  it.each([
    ['AWS::EFS::FileSystem', 'Retain'],
    ['AWS::RDS::DBInstance', 'Snapshot'],
    ['AWS::Cognito::UserPool', 'Retain'],
  ])('leaves its %s as %s, and so does an update that replaces it', (type, policy) => {
    const template = templateOf(sizes.small);
    const resource = template.Resources[idOf(template, type)];
    expect(resource).toMatchObject({ DeletionPolicy: policy, UpdateReplacePolicy: policy });
  });
});
