import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type ClassSize,
  defaultArmHost,
  defaultHost,
  forecast,
  forecastCourses,
  workspacesPerHost,
} from '../../../api/resources/forecast.ts';
import { type CostFlags, cost } from '../../../infra/operate/cost.ts';

const small: ClassSize = {
  students: 30,
  hoursPerWeek: 10,
  memory: 1024,
  idleMinutes: 30,
  host: 'm7i.large',
  domain: true,
};
const flags: CostFlags = { hours: 10, host: 'm7i.large', domain: true };
const within = 0.01;

function expectNear(actual: number, expected: number): void {
  expect(Math.abs(actual / expected - 1), `${actual} against ${expected}`).toBeLessThan(within);
}

describe('forecast', () => {
  it('agrees with a sum by hand for a class of 30 at 1 GiB', () => {
    // Figures of the price lists, written out again: balancer, 4 addresses, 2 tasks, database, 2 secrets, logs, alarms.
    const fixed =
      730 * (0.0225 + 0.0008) +
      4 * 3.65 +
      2 * 730 * (0.25 * 0.04048 + 0.5 * 0.004445) +
      (11.68 + 2.3) +
      0.8 +
      (0.25 + 0.7);
    // 12.5 h a week with the idle tail; 7 workspaces a host at 60 % use; host with address and disk; home.
    const hours = 12.5 * 4.345;
    const host = 0.1008 + 0.005 + 2.4 / 730;
    const each = (hours / 7 / 0.6) * host + 0.3 + 0.05;
    expectNear(forecast(small).fixedMonth, fixed);
    expectNear(forecast(small).perStudent, fixed / 30 + each);
  });

  it('agrees with a sum by hand for 300 always on at 2 GiB', () => {
    const fixed = 4 * 730 * 0.0233 + 12 * 3.65 + 4 * 9.0098 + (23.36 + 2.3) + 0.8 + 0.25 + 1;
    const host = 730 * 0.1008 + 3.65 + 2.4;
    const traffic = (300 * 10 * 4.345 * 0.02 - 100) * 0.09;
    const month = fixed + 100 * host + 300 * 0.35 + traffic;
    expectNear(forecast({ ...small, students: 300, memory: 2048, idleMinutes: null }).month, month);
  });

  it('counts ARM where the hosts are of it, in the app too', () => {
    const arm = forecast({ ...small, host: 'm7g.large' });
    expectNear(forecast(small).fixedMonth - arm.fixedMonth, 2 * 730 * (0.25 * 0.0081 + 0.5 * 0.000885));
    expect(arm.perStudent).toBeLessThan(forecast(small).perStudent);
  });

  it('pays what is fixed once, however many courses there are', () => {
    const two = forecastCourses([small, { ...small, students: 10, memory: 2048 }]);
    const apart = forecast(small).month + forecast({ ...small, students: 10, memory: 2048 }).month;
    expectNear(two.month, apart - forecast(small).fixedMonth);
    expectNear(two.perStudent, two.month / 40);
    expect(forecastCourses([])).toEqual({ fixedMonth: 0, month: 0, perStudent: 0 });
  });

  it('places by memory and by vCPUs, whichever is short', () => {
    expect(workspacesPerHost('m7i-flex.large', 1024)).toBe(7);
    // 14 by memory, but two vCPUs carry eight quarters.
    expect(workspacesPerHost('r7i.large', 1024)).toBe(8);
    expect(workspacesPerHost('r7i.large', 1024, 128)).toBe(14);
    expect(workspacesPerHost('m7i-flex.large', 1024, 1024)).toBe(2);
    expect(forecast({ ...small, cpu: 1024 }).perStudent).toBeGreaterThan(forecast(small).perStudent);
  });

  it.each([defaultHost, defaultArmHost] as const)('keeps the goals at 1 GiB with idle stop, on %s', host => {
    expect(forecast({ ...small, host }).perStudent).toBeLessThanOrEqual(4);
    expect(forecast({ ...small, host, students: 300 }).perStudent).toBeLessThanOrEqual(2.5);
  });

  it('grows with hours, memory, students and idle time, and never runs longer than a month', () => {
    const base = forecast(small);
    expect(forecast({ ...small, hoursPerWeek: 20 }).perStudent).toBeGreaterThan(base.perStudent);
    expect(forecast({ ...small, memory: 2048 }).perStudent).toBeGreaterThan(base.perStudent);
    expect(forecast({ ...small, idleMinutes: 60 }).perStudent).toBeGreaterThan(base.perStudent);
    expect(forecast({ ...small, students: 60 }).month).toBeGreaterThan(base.month);
    expect(forecast({ ...small, hoursPerWeek: 168, idleMinutes: 720 }).workspaceHours).toBe(730);
  });
});

describe('cost', () => {
  it('prints the bill, idle stop on and off, and says of each goal whether it is met', async () => {
    const text = await cost({ ...flags, students: 30, memory: 1024 });
    const { perStudent } = forecast(small);
    expect(text).toMatch(new RegExp(`idle stop on .*\\$${perStudent.toFixed(2)}`));
    expect(text).toMatch(/always on .*\$13\.\d\d/);
    expect(text).toMatch(/Goal at 30 students.*: met/);
    expect(await cost({ ...flags, host: 'r7i.large' })).toMatch(/Goal at 30 students.*: missed by \$0\.\d\d/);
    expect(text).toMatch(/gathered 2026-11-24.*[Cc]heck them again/);
  });

  it('says that a large class needs a domain', async () => {
    expect(await cost({ ...flags, students: 300, domain: false })).toMatch(/at most 98 at once/);
    for (const each of [{ students: 300 }, { students: 30, domain: false }])
      expect(await cost({ ...flags, ...each })).not.toMatch(/at most 98/);
  });

  it('takes sizes from a class’s file, and flags over them', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'armada-cost-'));
    const file = path.join(folder, 'class.yaml');
    await writeFile(file, 'course:\n  memory: 2048\n  idleMinutes: null\ncohort:\n  students: [a, b, c]\n');
    expect(await cost({ ...flags, file })).toMatch(/^3 students, .* 2048 MiB/);
    expect(await cost({ ...flags, file, students: 5, memory: 512 })).toMatch(/^5 students, .* 512 MiB/);
    await writeFile(file, 'a: [1');
    await expect(cost({ ...flags, file })).rejects.toThrow(/not YAML/);
    await rm(folder, { recursive: true });
  });

  it('says what to do with a host of unknown price, or one that is too small', async () => {
    await expect(cost({ ...flags, host: 'x1.mega' })).rejects.toThrow(/Known: .*m7i\.large/);
    await expect(cost({ ...flags, memory: 16_384 })).rejects.toThrow(/--host/);
  });
});
