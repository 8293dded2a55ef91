import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestPool } from './pool.ts';

let test: TestPool;

beforeEach(async () => {
  test = await TestPool.start({ mailsPerDay: 12 });
});
afterEach(() => test.stop());

it('mails are kept after the process ended, newest first, and go on being counted', async () => {
  const invited = Array.from({ length: 11 }, (_, index) => `s${index}@example.edu`);
  for (const email of invited) await test.invite(email);
  const before = test.mails;
  await test.shut();
  await test.open();
  expect(test.mails).toEqual(before);
  await test.invite('last@example.edu');
  expect(test.mails.map(mail => mail.to)).toEqual([...invited, 'last@example.edu'].reverse());
  expect(new Set(test.mails.map(mail => mail.id)).size).toBe(12);
  await expect(test.invite('more@example.edu')).rejects.toMatchObject({ name: 'LimitExceededException' });
});

it('a pool that sends by SES of its own has no limit of the day', async () => {
  const EmailConfiguration = { EmailSendingAccount: 'DEVELOPER' as const, From: 'a@example.edu' };
  test.poolId = await test.createPool({ EmailConfiguration });
  for (let index = 0; index < 13; index++) await test.invite(`s${index}@example.edu`);
  expect(test.mails).toHaveLength(13);
});
