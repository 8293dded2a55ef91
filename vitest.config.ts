import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * What takes the machine for itself: whole products, networks, control groups and users of the machine, two workers of
 * its own, or a page that has so long to do its worst.
 */
const alone = [
  'test/e2e/*.test.ts',
  'test/system/{campaign,purge}.test.ts',
  'test/walls/{browser,shell,impostor,limits}.test.ts',
  'test/infra/cloud/host-firewall.test.ts',
  'test/infra/local/aws/ecs-{process,network,docker}.test.ts',
];

/** What takes longest of the rest, longest first: begun last, one of them would be waited for alone. */
const long = ['ui/axe', 'api/fuzz', 'ui/class-page', 'system/faults-life', 'system/faults-base', 'workspace/lifecycle'];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = long.findIndex(name => moduleId.endsWith(`/${name}.test.ts`));
      return found === -1 ? long.length : found;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

const settings = {
  // They only end what hangs: many times what the slowest takes on a busy machine.
  testTimeout: 180_000,
  hookTimeout: 180_000,
};

export default defineConfig({
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    sequence: { sequencer: LongFirst },
    // One group after the other. The rest shares nothing but PostgreSQL, in which each file has databases of its own.
    projects: [
      {
        test: {
          ...settings,
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
      { test: { ...settings, name: 'alone', include: alone, maxWorkers: 1, sequence: { groupOrder: 2 } } },
    ],
  },
});
