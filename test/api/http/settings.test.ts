import { expect, test } from 'vitest';
import { readSettings } from '../../../api/http/settings.ts';
import { environment } from './harness.ts';

const given = { ...environment, DATABASE_URL: 'postgres://x:secret@127.0.0.1/armada' };

test('settings are read, with AWS’s own place for the pool’s keys or another endpoint', () => {
  const settings = readSettings({ ...given, PORT: '8000', ARMADA_PORTAL_URL: 'https://ide.school.edu/' });
  expect(settings).toMatchObject({
    port: 8000,
    host: '127.0.0.1',
    deployment: 'armada',
    portalUrl: 'https://ide.school.edu',
    issuer: 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool',
    balancers: [{ domain: 'localhost' }, { domain: 's2.localhost' }],
  });
  expect(readSettings({ ...given, AWS_ENDPOINT_URL: 'http://127.0.0.1:4566/' }).issuer).toBe(
    'http://127.0.0.1:4566/us-east-1_pool',
  );
});

test('every fault is named at once, and no value is shown', () => {
  const faulty = {
    ...given,
    DATABASE_URL: 'mysql://root:hunter2@x',
    ARMADA_SECRET: 'short',
    ARMADA_BALANCERS: '{}',
    PORT: '99999',
    ARMADA_USER_POOL_ID: '',
  };
  let message = '';
  try {
    readSettings(faulty);
  } catch (error) {
    message = String(error);
  }
  for (const name of ['DATABASE_URL', 'ARMADA_SECRET', 'ARMADA_BALANCERS', 'PORT', 'ARMADA_USER_POOL_ID'])
    expect(message).toContain(name);
  expect(message).not.toMatch(/hunter2|short(?!er)|99999/);
  expect(() => readSettings({})).toThrow('ARMADA_PORTAL_URL');
});
