import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, it } from 'vitest';
import { sizes } from '../../../api/resources/sizes.ts';
import { createStack } from '../../../infra/cloud/app.ts';

describe.each(Object.values(sizes))('the template for a $name class', size => {
  it('has nothing that cdk-nag’s AWS Solutions pack finds and the code beside it does not explain', {
    timeout: 120_000,
  }, () => {
    const { app } = createStack(size);
    const { violations } = new AwsSolutionsChecks(app).validateScope(app);
    expect(
      violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources.map(at => at.constructPath)]),
    ).toEqual([]);
  });
});
