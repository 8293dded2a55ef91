import { describe, expect, test } from 'vitest';
import { readSettings } from '../../controller/settings.ts';

const whole = {
  DATABASE_URL: 'postgres://armada:hunter2@127.0.0.1/armada',
  ARMADA_CLUSTER: 'armada',
  ARMADA_VPC_ID: 'vpc-1',
  ARMADA_BALANCERS: '[{"listenerArn": "arn:aws:x", "domain": "localhost"}]',
  ARMADA_FILE_SYSTEM_ID: 'fs-1',
  ARMADA_USER_POOL_ID: 'us-east-1_x',
  ARMADA_PORTAL_URL: 'http://localhost:8080',
  ARMADA_GATE_IMAGE: 'gate',
  ARMADA_IDE_IMAGE: 'ide',
  ARMADA_SECRET: 'x'.repeat(32),
};

describe('the controller’s settings', () => {
  test('are read, with the deployment’s default name and the balancers as a list', () => {
    expect(readSettings({ ...whole, PATH: '/bin' })).toMatchObject({
      ARMADA_DEPLOYMENT: 'armada',
      balancers: [{ listenerArn: 'arn:aws:x', domain: 'localhost' }],
    });
  });

  test('count as absent when they are empty', () => {
    expect(readSettings({ ...whole, ARMADA_LOG_GROUP: '', ARMADA_DEPLOYMENT: '' })).not.toHaveProperty(
      'ARMADA_LOG_GROUP',
    );
  });

  test('are refused with every fault named at once, and no value', () => {
    const wrong = {
      ...whole,
      DATABASE_URL: 'mysql://root:hunter2@x',
      ARMADA_CLUSTER: undefined,
      ARMADA_DEPLOYMENT: 'Not Good',
      ARMADA_BALANCERS: '{}',
      ARMADA_SECRET: 'short-secret',
    };
    let message = '';
    try {
      readSettings(wrong);
    } catch (error) {
      message = String(error);
    }
    for (const name of ['DATABASE_URL', 'ARMADA_CLUSTER', 'ARMADA_DEPLOYMENT', 'ARMADA_BALANCERS', 'ARMADA_SECRET']) {
      expect(message).toContain(name);
    }
    expect(message).not.toMatch(/hunter2|short-secret|ARMADA_VPC_ID/);
  });

  test.each(['[]', 'x', undefined, '[{"listenerArn": "a"}]'])('are refused with %s for balancers', balancers => {
    expect(() => readSettings({ ...whole, ARMADA_BALANCERS: balancers })).toThrow('ARMADA_BALANCERS');
  });
});
