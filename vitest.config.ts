import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    globalSetup: ['test/support/global-setup.ts'],
    reporters: process.env['CI'] ? ['default'] : ['default'],
  },
});
