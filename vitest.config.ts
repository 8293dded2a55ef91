import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    // Real browsers, namespaces and clocks share two cores: side by side they would disturb each other.
    fileParallelism: false,
    globalSetup: ['test/support/global-setup.ts'],
    reporters: process.env['CI'] ? ['default'] : ['default'],
  },
});
